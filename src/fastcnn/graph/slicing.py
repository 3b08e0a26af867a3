"""Parts of tensors, and tensors that are put together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._arguments import axis, index_text, parsed_index, shown_index
from .._shapes import check_size, integer
from ..errors import ArgumentError, DTypeError, ShapeError
from .batch import refuse
from .fields import Field, Fields, Shape, meet, placed, places
from .functions import function
from .operation import Array, Operand, Operation, Wanted, apply, shape_of
from .reduction import axis_of


@function(
    "slice",
    {"index": index_text},
    make=lambda index: Slice(parsed_index(index)),
    read=lambda part, _: {"index": shown_index(part.index)},
)
class Slice(Operation):
    """Elements that an index of integers, slices, None and ``...`` takes out."""

    moves = True

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

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees; in a turned order, and of every n-th of merged positions, that is not known."""
        field = fields[0]
        if field is None:
            return None
        axis, new, made = 0, {}, 0
        left_out = len(shapes[0]) - sum(part is not None and part is not Ellipsis for part in self.index)
        for part in self.index if Ellipsis in self.index else (*self.index, Ellipsis):
            if part is None:
                made += 1
            elif part is Ellipsis:
                new.update({axis + i: made + i for i in range(left_out)})
                axis, made = axis + left_out, made + left_out
            elif isinstance(part, slice):
                step = 1 if part.step is None else int(part.step)
                if step != 1 and axis in places(field):
                    if step < 0 or field.jump is None:
                        return None
                    rows, columns = field.jump
                    is_row = axis == field.axes[0]
                    field = field._replace(jump=(rows * step, columns) if is_row else (rows, columns * step))
                new[axis] = made
                axis, made = axis + 1, made + 1
            else:
                axis += 1
        return placed(field, new)


@function("cat", {"dim": axis}, inputs=None)
class Concat(Operation):
    """Tensors one after the other along an axis."""

    moves = True

    def __init__(self, dim: int = 0) -> None:
        self.dim = dim

    def forward(self, *tensors: Array) -> tuple[Array, Any]:
        """Return them in one array; one of the shape (0,) adds nothing, whatever axes the others have."""
        for each in tensors:
            if not isinstance(each, np.ndarray):
                raise DTypeError(f"cat: tensors must be arrays or values, got {type(each).__name__}")
        first = next((each for each in tensors if each.shape != (0,)), tensors[0])
        axis = axis_of(self.dim, first.ndim, "cat")
        for each in tensors:
            if each.dtype.newbyteorder("=") != first.dtype.newbyteorder("="):
                raise DTypeError(f"cat: tensors must have one dtype, got {first.dtype} and {each.dtype}")
            if each.shape != (0,) and (
                each.ndim != first.ndim or _but(each.shape, axis) != _but(first.shape, axis)
            ):
                raise ShapeError(
                    f"cat: tensors must have the same sizes but along axis {axis}, "
                    f"got {first.shape} and {each.shape}"
                )
        nothing = (*first.shape[:axis], 0, *first.shape[axis + 1 :])
        parts = [each.reshape(nothing) if each.shape == (0,) else each for each in tensors]
        ends = list(itertools.accumulate(each.shape[axis] for each in parts))
        shape = (*first.shape[:axis], ends.pop(), *first.shape[axis + 1 :])
        check_size(shape, first.itemsize, "cat: the output")
        return np.concatenate(parts, axis=axis), (ends, axis, [each.shape for each in tensors])

    def trace(self, *tensors: Array) -> Array:
        """Return y of no image."""
        if self.dim % max(np.ndim(tensors[0]), 1) == 0:
            refuse("cat along the batch")
        if len({np.ndim(each) for each in tensors}) > 1:  # where (0,) is one value of each sample
            refuse("cat of tensors of different axes")
        return self.forward(*tensors)[0]

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array, ...]:
        """Return the part of dy that belongs to each."""
        ends, axis, shapes = saved
        return tuple(part.reshape(x) for part, x in zip(np.split(dy, ends, axis), shapes, strict=True))

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return meet(fields, shapes, y, axis_of(self.dim, len(y), "cat"))


def _but(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


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
