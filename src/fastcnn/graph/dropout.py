"""Dropout: elements or channels that are set to 0, or to the least value of SELU, at random in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import numpy as np

from .. import ops
from .batch import refuse
from .fields import pointwise
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

    # The functions that it applies.
    function: ClassVar[Callable[..., tuple[Array, Any]]] = staticmethod(ops.dropout)
    gradient: ClassVar[Callable[..., Array]] = staticmethod(ops.dropout_backward)
    # Whether it drops whole channels, and whether to the least value of SELU.
    by_channel: ClassVar[bool] = False
    alpha: ClassVar[bool] = False

    field = pointwise

    def __init__(self, owner: Source, training: bool) -> None:
        self.owner: Any = owner
        self.training = training

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x with some elements dropped; in evaluation, x itself."""
        return self.function(x, self.owner.p, self.training, generator=self.owner.stream())

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
        return (self.gradient(dy, saved),)


class Dropout2d(Dropout):
    """Whole channels dropped; see `fastcnn.ops.dropout2d`."""

    function = staticmethod(ops.dropout2d)
    gradient = staticmethod(ops.dropout2d_backward)
    by_channel = True


class Dropout1d(Dropout2d):
    """Whole channels of lines dropped; see `fastcnn.ops.dropout1d`."""

    function = staticmethod(ops.dropout1d)
    gradient = staticmethod(ops.dropout1d_backward)

    def trace(self, x: Array) -> Array:
        """Return x, if it is lines; rows of features are dropped as a whole, for they are channels."""
        if x.ndim == 2 and self.training:
            refuse("dropout1d of features, which drops whole samples")
        return ops.dropout1d(x, training=False)[0]


class AlphaDropout(Dropout):
    """Mean 0 and variance 1 stay; see `fastcnn.ops.alpha_dropout`."""

    function = staticmethod(ops.alpha_dropout)
    gradient = staticmethod(ops.alpha_dropout_backward)
    alpha = True


class FeatureAlphaDropout(Dropout):
    """Alpha dropout of whole channels; see `fastcnn.ops.feature_alpha_dropout`."""

    function = staticmethod(ops.feature_alpha_dropout)
    gradient = staticmethod(ops.feature_alpha_dropout_backward)
    by_channel = alpha = True
