"""Operations that compute nothing: shapes and orders of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from .._arguments import axis, batch_and_sizes, order
from ..errors import ArgumentError, DTypeError, ShapeError
from .batch import Batch, refuse
from .fields import Field, Fields, Shape, placed, pointwise, reshaped
from .functions import function
from .operation import Array, Operation, Wanted
from .reduction import axes_of


@function(
    "reshape",
    {"shape": batch_and_sizes},
    read=lambda _, shape: {"shape": (-1, *shape)},  # -1 is the batch
)
class Reshape(Operation):
    """The same elements in another shape, one size of which may be -1: what is left."""

    moves = True

    def __init__(self, shape: tuple[int, ...]) -> None:
        for size in shape:
            if isinstance(size, Batch):
                continue
            if isinstance(size, bool) or not isinstance(size, int | np.integer):
                raise DTypeError(f"reshape: shape must be integers, got {shape!r}")
            if size < -1:
                raise ArgumentError(f"reshape: shape must be integers of at least -1, got {shape!r}")
        self.shape = tuple(size if isinstance(size, Batch) else int(size) for size in shape)

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x in the shape."""
        known = math.prod(size for size in self.shape if size != -1)
        left = self.shape.count(-1)
        if left > 1 or (x.size % max(known, 1) or (known == 0 < x.size) if left else known != x.size):
            raise ShapeError(f"reshape: x of the shape {x.shape} has no shape {self.shape}")
        if left and known == 0:
            raise ShapeError(f"reshape: -1 can be any size beside a 0 in {self.shape}")
        return x.reshape(self.shape), x.shape

    def trace(self, x: Array) -> Array:
        """Return y of no image: the first size is that of the batch, or -1 which comes to the same."""
        if not self.shape:
            refuse("reshape to no axis")
        first, *rest = self.shape
        left = not isinstance(first, Batch) and first == -1 and math.prod(rest) == math.prod(x.shape[1:])
        if not (isinstance(first, Batch) or left):
            refuse(f"reshape to {self.shape}, of which the first is not the batch")
        sample = Reshape(tuple(rest)).forward(np.broadcast_to(x.dtype.type(0), x.shape[1:]))[0].shape
        return x.reshape(0, *sample)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy in the shape of x."""
        return (dy.reshape(saved),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return None if fields[0] is None else reshaped(fields[0], shapes[0], y)


@function("flatten", {"start_dim": axis, "end_dim": axis})
class Flatten(Operation):
    """The axes start_dim to end_dim merged into one."""

    moves = True

    def __init__(self, start_dim: int = 0, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x with the axes merged."""
        return ops.flatten(x, self.start_dim, self.end_dim), x.shape

    def trace(self, x: Array) -> Array:
        """Return y of no image."""
        y = self.forward(x)[0]
        if self.start_dim % x.ndim == 0 < self.end_dim % x.ndim:
            refuse("flatten of the batch")
        return y

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy in the shape of x."""
        return (dy.reshape(saved),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        if fields[0] is None:
            return None
        axes = range(len(shapes[0]))
        start, end = axes[self.start_dim], axes[self.end_dim]
        return reshaped(fields[0], shapes[0], y, range(start, end + 1) if start < end else range(0))


@function("permute", {"dims": order})
class Permute(Operation):
    """The axes in another order."""

    moves = True

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x with its axes in the order of `dims`."""
        axes_of(self.dims, x.ndim, "permute")
        if len(self.dims) != x.ndim:
            raise ArgumentError(f"permute: dims must name all {x.ndim} axes, got {self.dims}")
        return x.transpose(self.dims), None

    def trace(self, x: Array) -> Array:
        """Return y of no image."""
        if self.dims and self.dims[0] % x.ndim != 0:
            refuse("permute of the batch")
        return self.forward(x)[0]

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy with the axes where they were."""
        return (dy.transpose(np.argsort([dim % dy.ndim for dim in self.dims])),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        if fields[0] is None:
            return None
        return placed(fields[0], {dim % len(y): i for i, dim in enumerate(self.dims)})


@function("detach")
class Detach(Operation):
    """The same elements, without a gradient."""

    moves = True

    field = pointwise

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x."""
        return x, None

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[None]:
        """Return nothing."""
        return (None,)
