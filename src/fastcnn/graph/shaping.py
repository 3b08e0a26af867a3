"""Operations that compute nothing: shapes, orders of axes, parts, and what is put together."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from .. import ops
from .._arguments import axis, batch_and_sizes, index_text, order, parsed_index, shown_index
from .._shapes import check_size, integer
from ..errors import ArgumentError, DTypeError, ShapeError
from .batch import Batch, refuse
from .functions import function
from .operation import Array, Operand, Operation, Wanted, apply, shape_of
from .reduction import axes_of, axis_of


@function(
    "reshape",
    {"shape": batch_and_sizes},
    read=lambda _, shape: {"shape": (-1, *shape)},  # -1 is the batch
)
class Reshape(Operation):
    """The same elements in another shape, one size of which may be -1: what is left."""

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


@function("flatten", {"start_dim": axis, "end_dim": axis})
class Flatten(Operation):
    """The axes start_dim to end_dim merged into one."""

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


@function("permute", {"dims": order})
class Permute(Operation):
    """The axes in another order."""

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


@function(
    "slice",
    {"index": index_text},
    make=lambda index: Slice(parsed_index(index)),
    read=lambda part, _: {"index": shown_index(part.index)},
)
class Slice(Operation):
    """Elements that an index of integers, slices, None and ``...`` takes out."""

    def __init__(self, index: Any) -> None:
        parts = index if isinstance(index, tuple) else (index,)
        for part in parts:
            if isinstance(part, bool) or not (
                part is None or part is Ellipsis or isinstance(part, slice | int | np.integer)
            ):
                raise DTypeError(
                    f"an index of a value must be integers, slices, None or ..., got {type(part).__name__}"
                )
        self.index = parts

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the part."""
        try:
            return np.asarray(x[self.index]), x.shape
        except TypeError as error:
            raise DTypeError(f"an index of a value of the shape {x.shape}: {error}") from None
        except (IndexError, ValueError) as error:
            raise ArgumentError(f"an index of a value of the shape {x.shape}: {error}") from None

    def trace(self, x: Array) -> Array:
        """Return y of no image."""
        first = self.index[0] if self.index else Ellipsis
        taken = sum(part is not None and part is not Ellipsis for part in self.index)
        if first != slice(None) and not (first is Ellipsis and taken < x.ndim):
            refuse("a part of the batch")
        return self.forward(x)[0]

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy in its place, and 0 around it."""
        dx = np.zeros(saved, dy.dtype)
        dx[self.index] = dy
        return (dx,)


@function("cat", {"dim": axis}, inputs=None)
class Concat(Operation):
    """Tensors one after the other along an axis."""

    def __init__(self, dim: int = 0) -> None:
        self.dim = dim

    def forward(self, *tensors: Array) -> tuple[Array, Any]:
        """Return them in one array."""
        first = tensors[0]
        for each in tensors:
            if not isinstance(each, np.ndarray):
                raise DTypeError(f"cat: tensors must be arrays or values, got {type(each).__name__}")
        axis = axis_of(self.dim, first.ndim, "cat")
        for each in tensors:
            if each.dtype.newbyteorder("=") != first.dtype.newbyteorder("="):
                raise DTypeError(f"cat: tensors must have one dtype, got {first.dtype} and {each.dtype}")
            if each.ndim != first.ndim or _but(each.shape, axis) != _but(first.shape, axis):
                raise ShapeError(
                    f"cat: tensors must have the same sizes but along axis {axis}, "
                    f"got {first.shape} and {each.shape}"
                )
        ends = list(itertools.accumulate(each.shape[axis] for each in tensors))
        shape = (*first.shape[:axis], ends.pop(), *first.shape[axis + 1 :])
        check_size(shape, first.itemsize, "cat: the output")
        return np.concatenate(tensors, axis=axis), (ends, axis)

    def trace(self, *tensors: Array) -> Array:
        """Return y of no image."""
        if self.dim % max(np.ndim(tensors[0]), 1) == 0:
            refuse("cat along the batch")
        return self.forward(*tensors)[0]

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array, ...]:
        """Return the part of dy that belongs to each."""
        return tuple(np.split(dy, *saved))


def _but(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


@function("detach")
class Detach(Operation):
    """The same elements, without a gradient."""

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x."""
        return x, None

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[None]:
        """Return nothing."""
        return (None,)


def split(x: Any, split_size: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return parts of an array, value or parameter along an axis, as `torch.split` does.

    Parameters
    ----------
    x : array, value or parameter
    split_size : int, or list of int
        Size of all parts but the last, which may be smaller; or of each, which together fill the axis.
    dim : int
        The axis.
    """
    axis, size = _along(x, dim, "split")
    if isinstance(split_size, tuple | list):
        sizes = [integer(each, "split: split_size") for each in split_size]
        if sum(sizes) != size:
            raise ArgumentError(f"split: split_size must add up to {size}, got {list(split_size)}")
    else:
        step = integer(split_size, "split: split_size", 1)
        sizes = [min(step, size - start) for start in range(0, size, step)] or [0]
    return _parts(x, sizes, axis)


def _along(x: Any, dim: Any, what: str) -> tuple[int, int]:
    """Return an axis of a tensor and its size."""
    if not isinstance(x, np.ndarray | Operand):
        raise DTypeError(f"{what}: the tensor must be an array or a value, got {type(x).__name__}")
    shape = shape_of(x)
    axis = axis_of(dim, len(shape), what)
    return axis, shape[axis]


def _parts(x: Any, sizes: list[int], axis: int) -> tuple[Any, ...]:
    """Return parts of a tensor of these sizes along an axis."""
    before = (slice(None),) * axis
    ends = list(itertools.accumulate(sizes, initial=0))
    return tuple(apply(Slice((*before, slice(*each))), x) for each in itertools.pairwise(ends))


def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """Return at most `chunks` parts of equal size along an axis, of which the last may be smaller.

    Where the axis is empty there are just as many.
    """
    count = integer(chunks, "chunk: chunks", 1)
    axis, size = _along(x, dim, "chunk")
    if size == 0:
        return _parts(x, [0] * count, axis)
    return split(x, -(-size // count), axis)


def halves(x: Any, dim: int, what: str) -> tuple[Any, Any]:
    """Return the two halves of a tensor along an axis, for the function `what`."""
    axis, size = _along(x, dim, what)
    if size % 2:
        raise ShapeError(f"{what}: the size of axis {dim} must be even, got the shape {shape_of(x)}")
    first, second = _parts(x, [size // 2] * 2, axis)
    return first, second
