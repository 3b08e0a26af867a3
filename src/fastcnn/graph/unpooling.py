"""Maxima together with their places, and values that are put back in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import ops
from .._shapes import pair
from .fields import Field, Fields, Shape, meet, of_images, scatter
from .operation import Array, Operation, Wanted
from .pooling import AdaptiveMaxPool2d, MaxPool2d


class MaxPoolWithIndices(Operation):
    """The maxima of a max pooling, and int64 indices of where they stand, which have no gradient."""

    def __init__(self, pool: MaxPool2d | AdaptiveMaxPool2d) -> None:
        self.pool = pool

    @property
    def title(self) -> str:
        """What a picture calls it."""
        return self.pool.title

    def forward(self, x: Array) -> tuple[Any, Any]:
        """Return the maxima and their places."""
        y, (argmax, shape) = self.pool.forward(x)
        return (y, argmax), (argmax, shape)

    def backward(self, dy: Any, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradient of the maxima in their places."""
        return self.pool.backward(dy[0], saved, wanted)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees; an index sees what its maximum does."""
        return self.pool.field(fields, shapes, y)

    def settings(self) -> tuple[Any, ...]:
        """Return those of the pooling."""
        return type(self.pool), *self.pool.settings()


class MaxUnpool2d(Operation):
    """Values in the places that a max pooling found them at; see `fastcnn.ops.max_unpool2d`."""

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> None:
        self.window = kernel_size, stride, padding
        self.output_size = output_size

    def forward(self, x: Array, indices: Array) -> tuple[Array, Any]:
        """Return the values among zeros."""
        return ops.max_unpool2d(x, indices, *self.window, self.output_size), indices

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array, None]:
        """Return dy in the place of each value."""
        return ops.max_unpool2d_backward(dy, saved), None

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees: a pixel may have the value of any window that reaches it."""
        field = of_images(meet(fields, shapes, shapes[0]), len(y))
        kernel = pair(self.window[0], "kernel_size", 1)
        stride = kernel if self.window[1] is None else pair(self.window[1], "stride", 1)
        return None if field is None else scatter(field, kernel, stride)
