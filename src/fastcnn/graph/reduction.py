"""Sums, means and maxima over axes of a tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._arguments import axes, flag, optional
from .._outputs import axis
from ..errors import ArgumentError, DTypeError, ShapeError
from .batch import refuse
from .fields import Field, Fields, Shape, gather, placed
from .functions import function
from .operation import Array, Operation, Wanted


def axes_of(dim: Any, ndim: int, what: str) -> tuple[int, ...]:
    """Return `dim`, an axis or several, as axes in order, each from 0 to ndim - 1; None and () are all.

    A tensor without axes can be asked for axis 0, as in PyTorch: that is none.

    Raises
    ------
    DTypeError, ArgumentError
        If it is something else, or an axis is out of range or there twice.
    """
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return tuple(range(ndim))
    found = []
    for each in dim if isinstance(dim, tuple | list) else (dim,):
        if isinstance(each, bool) or not isinstance(each, int | np.integer):
            raise DTypeError(f"{what}: dim must be an integer, several or None, got {dim!r}")
        found.append(axis(each, ndim, "dim", what))
    if len(set(found)) < len(found):
        raise ArgumentError(f"{what}: dim names an axis twice: {dim!r}")
    return tuple(sorted(found)) if ndim else ()


def axis_of(dim: Any, ndim: int, what: str) -> int:
    """Return `dim` as an axis from 0 to ndim - 1, of a tensor that has axes."""
    if ndim == 0:
        raise ShapeError(f"{what}: a tensor without axes has no parts along one")
    return axis(dim, ndim, "dim", what)


_SETTINGS = {"dim": optional(axes), "keepdim": flag}


class _Reduction(Operation):
    """y = f(x) over some axes, which stay with one element for `keepdim`."""

    name = ""

    def __init__(self, dim: Any = None, keepdim: bool = False) -> None:
        if not isinstance(keepdim, bool | np.bool_):
            raise DTypeError(f"{self.name}: keepdim must be a bool, got {keepdim!r}")
        self.dim = dim
        self.keepdim = bool(keepdim)

    def trace(self, x: Array) -> Array:
        """Return y of no image."""
        if 0 in self.axes(x.shape):
            refuse(f"{self.name} over the batch")
        return self.forward(x)[0]

    def axes(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the axes of a tensor that are reduced."""
        return axes_of(self.dim, len(shape), self.name)

    def spread(self, dy: Array, shape: tuple[int, ...]) -> Array:
        """Return dy with the reduced axes back, each of one element."""
        axes = self.axes(shape)
        return dy.reshape([1 if i in axes else size for i, size in enumerate(shape)])

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        field, axes = fields[0], self.axes(shapes[0])
        for each in axes:
            field = gather(field, shapes[0], each, self.keepdim)
        if field is None or self.keepdim:
            return field
        left = [i for i in range(len(shapes[0])) if i not in axes]
        return placed(field, {old: new for new, old in enumerate(left)})


@function("sum", _SETTINGS)
class Sum(_Reduction):
    """y = the sum over axes."""

    name = "sum"

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the sum."""
        with np.errstate(all="ignore"):
            return np.asarray(np.sum(x, axis=self.axes(x.shape), keepdims=self.keepdim)), x.shape

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy for every element."""
        return (np.broadcast_to(self.spread(dy, saved), saved),)


@function("mean", _SETTINGS)
class Mean(_Reduction):
    """y = the mean over axes."""

    name = "mean"

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the mean."""
        axes = self.axes(x.shape)
        count = np.asarray(math.prod(x.shape[i] for i in axes), x.dtype if x.dtype.kind == "f" else float)
        with np.errstate(all="ignore"):  # the mean of nothing is NaN, as in PyTorch, which does not warn
            return np.asarray(np.sum(x, axis=axes, keepdims=self.keepdim) / count), x.shape

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy / count for every element."""
        count = math.prod(saved[i] for i in self.axes(saved))
        return (np.broadcast_to(self.spread(dy / dy.dtype.type(max(count, 1)), saved), saved),)


@function("amax", _SETTINGS)
class Amax(_Reduction):
    """y = the maximum over axes; its gradient is shared by all elements that have it, as in PyTorch."""

    name = "amax"

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the maximum."""
        axes = self.axes(x.shape)
        if any(x.shape[i] == 0 for i in axes):
            raise ShapeError(f"amax: nothing to take the maximum of in an input of the shape {x.shape}")
        y = np.max(x, axis=axes, keepdims=True)
        return np.asarray(y if self.keepdim else y.reshape(_without(x.shape, axes))), (x, y)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy at the maxima, divided among them."""
        x, y = saved
        largest = (x == y) | (np.isnan(x) & np.isnan(y))
        count = largest.sum(axis=self.axes(x.shape), keepdims=True).astype(dy.dtype)
        return (np.where(largest, self.spread(dy, x.shape) / count, dy.dtype.type(0)),)


def _without(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for i, size in enumerate(shape) if i not in axes)
