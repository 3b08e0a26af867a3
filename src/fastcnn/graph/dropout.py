"""Dropout: elements that are set to 0 at random in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from .operation import Array, Operation, Wanted


class Dropout(Operation):
    """y = x mask; see `fastcnn.ops.dropout`."""

    def __init__(self, p: float, training: bool, generator: np.random.Generator) -> None:
        self.p = p
        self.training = training
        self.generator = generator

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x with some elements dropped; in evaluation, x itself."""
        return ops.dropout(x, self.p, self.training, generator=self.generator)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy with the same elements dropped."""
        return (ops.dropout_backward(dy, saved),)
