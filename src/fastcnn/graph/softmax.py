"""Softmax and its logarithm along an axis."""

from __future__ import annotations

from typing import Any

from .. import ops
from .operation import Array, Operation, Wanted


class Softmax(Operation):
    """Probabilities along an axis; see `fastcnn.ops.softmax`."""

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the probabilities."""
        y = ops.softmax(x, self.dim)
        return y, y

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dx."""
        return (ops.softmax_backward(dy, saved, self.dim),)


class LogSoftmax(Operation):
    """Logarithms of probabilities along an axis; see `fastcnn.ops.log_softmax`."""

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the log-probabilities."""
        y = ops.log_softmax(x, self.dim)
        return y, y

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dx."""
        return (ops.log_softmax_backward(dy, saved, self.dim),)
