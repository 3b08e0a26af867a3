"""Dropout: elements that are set to 0 at random in training."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from .. import ops
from .operation import Array, Operation, Wanted


class Source(Protocol):
    """Who drops: its probability and its random numbers may change between calls."""

    @property
    def p(self) -> float:
        """Probability of dropping an element."""

    def stream(self) -> np.random.Generator:
        """Return what masks are drawn from."""


class Dropout(Operation):
    """y = x mask; see `fastcnn.ops.dropout`."""

    def __init__(self, owner: Source, training: bool) -> None:
        self.owner: Any = owner
        self.training = training

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x with some elements dropped; in evaluation, x itself."""
        return ops.dropout(x, self.owner.p, self.training, generator=self.owner.stream())

    def trace(self, x: Array) -> Array:
        """Return x; nothing is drawn."""
        return x

    def settings(self) -> tuple[Any, ...]:
        """Return who drops, and how much."""
        return self.owner, self.owner.p

    def let_go(self) -> None:
        """Forget who drops."""
        self.owner = None

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy with the same elements dropped."""
        return (ops.dropout_backward(dy, saved),)
