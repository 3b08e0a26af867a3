"""Margins along any axes: put around, or cut off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ... import graph
from ..._moved import cuts_first, left_of, repeated_line
from ..._shapes import INT_MAX, integer
from ...errors import ArgumentError, DTypeError, ShapeError
from ...graph import apply
from ...ops import _check
from ...ops.padding import MODES, checked_value

__all__ = ["pad"]

T = TypeVar("T")
Sides = tuple[int, int]


def pad(input: T, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> T:
    """Put margins around a tensor, or cut them off where they are negative; see `fastcnn.ops.pad`.

    Parameters
    ----------
    input : array or value
    pad : sequence of int
        Two numbers, before and after, for the last axis, then two for the one before it, and so on:
        (left, right), (left, right, top, bottom), ... With another mode than "constant" they are two for
        lines (N, C, L) or (C, L), four for images (N, C, H, W) or (C, H, W).
    mode : {"constant", "reflect", "replicate", "circular"}
        As of `fastcnn.ops.pad`. "circular" goes on with what negative margins have left; mirrors and edges
        are those of the whole input.
    value : float, optional
        Of the mode "constant"; 0 if None.

    Raises
    ------
    DTypeError
        If input is no tensor.
    ShapeError
        If there are no such axes, they are too short, or more is cut off than there is.
    """
    if not isinstance(input, np.ndarray | graph.Operand):
        raise DTypeError(f"pad: x must be an array or a value, got {type(input).__name__}")
    kind = _check.choice(mode, MODES, "mode", "pad")
    filling = checked_value(0.0 if value is None else value, kind, "pad")
    shape = graph.shape_of(input)
    pairs = _pairs(pad, shape, kind)
    grown = {axis: (max(a, 0), max(b, 0)) for axis, (a, b) in pairs.items() if max(a, b) > 0}
    cut = {axis: (max(-a, 0), max(-b, 0)) for axis, (a, b) in pairs.items() if min(a, b) < 0}
    y: Any = input
    if cuts_first(kind):
        y = _cut(y, cut)
    if grown or not cut:
        y = _grown(y, grown, kind, filling, len(pairs) == 1)
    if not cuts_first(kind):
        y = _cut(y, cut)
    if cut and not grown and isinstance(y, np.ndarray):
        y = y.copy()  # as a part of the input it would change with it
    made: T = y
    return made


def _pairs(pad: object, shape: tuple[int, ...], mode: str) -> dict[int, Sides]:
    """Return the two numbers of each axis."""
    if not isinstance(pad, tuple | list):
        raise DTypeError(f"pad: pad must be (left, right) or (left, right, top, bottom), got {pad!r}")
    if len(pad) % 2 or not pad:
        raise ArgumentError(f"pad: pad must be two numbers for each axis, got {pad!r}")
    numbers = [integer(each, "pad: pad", -INT_MAX) for each in pad]
    axes = len(numbers) // 2
    if mode == "constant" and axes > len(shape):
        raise ShapeError(f"pad: {len(numbers)} margins need {axes} axes, got the shape {shape}")
    if mode != "constant":
        if axes > 2:
            raise ArgumentError(
                f"pad: with mode {mode!r} pad must be (left, right) of lines or (left, right, top, bottom) "
                f"of images, got {pad!r}"
            )
        if len(shape) - axes not in (1, 2):
            raise ShapeError(
                f"pad: x must be {axes + 1}-D or {axes + 2}-D for {('two', 'four')[axes - 1]} margins "
                f"with mode {mode!r}, got the shape {shape}"
            )
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return {len(shape) - 1 - i: sides for i, sides in enumerate(pairs)}


def _cut(x: Any, cut: Mapping[int, Sides]) -> Any:
    """Return the part of a tensor without so much before and after along axes."""
    if not cut:
        return x
    shape, index = graph.shape_of(x), [slice(None)] * (max(cut) + 1)
    for axis, (before, after) in cut.items():
        end = before + left_of(shape[axis], (before, after), "pad")
        index[axis] = slice(before or None, end if after else None)
    return apply(graph.Slice(tuple(index)), x)


def _grown(x: Any, grown: Mapping[int, Sides], mode: str, value: float, line: bool) -> Any:
    """Return a tensor with margins along axes, two axes at a time."""
    ndim = len(graph.shape_of(x))
    if ndim < 2 or (line and mode != "constant"):
        return _grown_line(x, grown.get(ndim - 1, (0, 0)), mode, value)
    last = ndim - 1
    y = apply(graph.Pad((*grown.get(last, (0, 0)), *grown.get(last - 1, (0, 0))), mode, value), x)
    others = [axis for axis in range(ndim - 3, -1, -1) if axis in grown]
    for first, *second in (others[i : i + 2] for i in range(0, len(others), 2)):
        turned = [axis for axis in range(ndim) if axis not in (first, *second)] + [*second, first]
        margins = (*grown[first], *(grown[second[0]] if second else (0, 0)))
        padded = apply(graph.Pad(margins, mode, value), apply(graph.Permute(tuple(turned)), y))
        y = apply(graph.Permute(tuple(map(int, np.argsort(turned)))), padded)
    return y


def _grown_line(x: Any, sides: Sides, mode: str, value: float) -> Any:
    """Return lines with margins at their ends."""
    shape = graph.shape_of(x)
    repeated_line(shape[-1], sides, mode, "pad")
    operation = graph.Pad((*sides, 0, 0), mode, value)
    if len(shape) > 2 or (len(shape) == 2 and mode == "constant"):
        return apply(operation, x)
    rows = apply(operation, apply(graph.Reshape((*shape[:-1], 1, shape[-1])), x))
    return apply(graph.Reshape((*shape[:-1], shape[-1] + sum(sides))), rows)
