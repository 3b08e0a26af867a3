"""Margins and interpolation in ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import graph
from ...engine.taps import Axis
from ...ops._lines import Lines, padded
from ...ops.resampling import resizing_lines
from .rules import rule
from .writer import Operand, Writer

Shape = tuple[int, ...]

_PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}
_RESIZE_MODES = {"nearest": "nearest", "bilinear": "linear", "bicubic": "cubic"}


def lines_from(size: int, out: int) -> Lines:
    """Return the means of `out` parts of an axis."""
    windows = Axis.adaptive(out, size)
    at = [start + np.arange(count) for start, count in zip(windows.start, windows.count, strict=True)]
    first = np.concatenate([[0], np.cumsum(windows.count)])
    return Lines(size, first, np.concatenate(at), np.repeat(1 / windows.count, windows.count))


def across(w: Writer, x: str | Operand, rows: Lines, columns: Lines) -> str:
    """Write images whose rows and columns are sums of those of others."""
    return _along(w, _along(w, x, -2, rows), -1, columns)


def _along(w: Writer, x: str | Operand, axis: int, lines: Lines) -> str:
    """Write sums along one of the last two axes: a choice of lines if each is one, else a product."""
    if lines.moves and (lines.counts == 1).all():
        return w.node("Gather", x, w.integers(lines.at), axis=axis)
    if axis == -1:
        return w.node("MatMul", x, w.constant(lines.matrix().T))
    return w.node("MatMul", w.constant(lines.matrix()), x)


@rule(graph.Pad)
def pad(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write margins around images; circular ones are a choice of rows and columns."""
    left, right, top, bottom = operation.margins
    if operation.mode == "circular":
        columns = padded(x.shape[-1], left, right, operation.mode, "pad")
        if not (top or bottom):
            return _along(w, x, -1, columns)
        return across(w, x, padded(x.shape[-2], top, bottom, operation.mode, "pad"), columns)
    value = operation.value if operation.mode == "constant" else None
    return w.padded(x, (top, left, bottom, right), value, _PAD_MODES[operation.mode])


@rule(graph.Interpolate)
def interpolate(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write images of another size.

    A Resize where runtimes agree on it: its places are rounded as PyTorch's only for whole multiples, filters
    for smaller images differ, and before opset 11 it does not say which places it means. Everything else is a
    choice of lines, or a product with their weights.
    """
    given, sizes, outs = operation.given, x.shape[-2:], y[-2:]
    if given.mode == "area":
        return across(w, x, *(lines_from(*each) for each in zip(sizes, outs, strict=True)))
    rows, columns = resizing_lines(sizes, given, "interpolate")
    multiple = all(out % size == 0 for size, out in zip(sizes, outs, strict=True))
    factors = given.scale_factor
    if factors is not None and not given.recompute_scale_factor:
        pair = factors if isinstance(factors, tuple | list) else (factors, factors)
        exact = all(size * f == out for size, f, out in zip(sizes, pair, outs, strict=True))
    else:
        exact = True
    if not exact or given.antialias or given.mode not in _RESIZE_MODES or w.opset < 11:
        return across(w, x, rows, columns)
    if given.mode == "nearest" and not multiple:
        return across(w, x, rows, columns)
    if given.mode == "nearest":
        coordinates = "asymmetric"
    else:
        coordinates = "align_corners" if given.align_corners else "half_pixel"
    return w.resized(
        x,
        outs,
        mode=_RESIZE_MODES[given.mode],
        coordinate_transformation_mode=coordinates,
        nearest_mode="floor" if given.mode == "nearest" else None,
        cubic_coeff_a=-0.75 if given.mode == "bicubic" else None,
    )
