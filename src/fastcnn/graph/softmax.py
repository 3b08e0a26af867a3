"""Softmax and its logarithm along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from .._arguments import axis, optional
from .._outputs import class_axis
from .batch import refuse
from .fields import pointwise
from .functions import function
from .operation import Array, Operation, Wanted


class _OverAxis(Operation):
    """A function of the elements along an axis; `fastcnn.ops.softmax` says what None stands for."""

    function: Callable[[Array, int | None], Array]
    gradient: Callable[[Array, Array, int | None], Array]  # of dy and y

    field = pointwise

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return y."""
        y = self.function(x, self.dim)
        return y, y

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dx."""
        return (self.gradient(dy, saved, self.dim),)

    def trace(self, x: Array) -> Array:
        """Return y of no image."""
        if class_axis(self.dim, x.ndim, "softmax") == 0:
            refuse("softmax over the batch")
        return x


@function("softmax", {"dim": optional(axis)})
class Softmax(_OverAxis):
    """Probabilities along an axis; see `fastcnn.ops.softmax`."""

    function, gradient = staticmethod(ops.softmax), staticmethod(ops.softmax_backward)


@function("log_softmax", {"dim": optional(axis)})
class LogSoftmax(_OverAxis):
    """Logarithms of probabilities along an axis; see `fastcnn.ops.log_softmax`."""

    function, gradient = staticmethod(ops.log_softmax), staticmethod(ops.log_softmax_backward)
