"""Padding of images."""

from __future__ import annotations

import numpy as np

from .._moved import repeated
from .._outputs import padded
from .._shapes import allocate, check_size, padding4
from ..errors import ArgumentError, DTypeError, ShapeError
from . import _check
from ._lines import Lines
from ._lines import padded as padded_lines
from .resampling import resample

MODES = ("constant", "reflect", "replicate", "circular")


def _margins(padding: object, what: str) -> tuple[int, int, int, int]:
    return padding4(padding, f"{what}: padding")


def checked_value(value: object, mode: str, what: str) -> float:
    """Return what a margin is filled with: any number, which only the mode "constant" has."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise DTypeError(f"{what}: value must be a number, got {value!r}")
    if mode != "constant" and value:
        raise ArgumentError(f"{what}: only mode 'constant' takes a value, got {value!r} with mode {mode!r}")
    return float(value)


def zero_pad2d(x: np.ndarray, padding: int | tuple[int, ...]) -> np.ndarray:
    """Put zeros around images.

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W)
        Images.
    padding : int or (left, right, top, bottom)
        Rows and columns of zeros on each side.

    Returns
    -------
    array (N, C, top + H + bottom, left + W + right), or without N as x came
    """
    what = "zero_pad2d"
    values = _check.array(x, "x", what, (3, 4))
    return _filled(values, _margins(padding, what), 0.0, what)


def _filled(values: np.ndarray, margins: tuple[int, int, int, int], value: float, what: str) -> np.ndarray:
    """Return images with margins of one value."""
    left, _, top, _ = margins
    height, width = values.shape[-2:]
    y = allocate(padded(values.shape, margins), values.dtype.newbyteorder("="), f"{what}: the output")
    y[..., :top, :] = value
    y[..., top + height :, :] = value
    y[..., :left] = value
    y[..., left + width :] = value
    y[..., top : top + height, left : left + width] = values
    return y


def zero_pad2d_backward(dy: np.ndarray, padding: int | tuple[int, ...]) -> np.ndarray:
    """Gradient of `zero_pad2d`: dy without its margins."""
    what = "zero_pad2d_backward"
    return _inside(_check.array(dy, "dy", what, (3, 4)), padding, what)


def _inside(dy: np.ndarray, padding: int | tuple[int, ...], what: str) -> np.ndarray:
    """Return a gradient without its margins."""
    grad, shape, (left, _, top, _) = _gradient(dy, padding, "constant", what)
    check_size(shape, grad.itemsize, f"{what}: dx")
    inside = grad[..., top : top + shape[-2], left : left + shape[-1]]
    return np.ascontiguousarray(inside, grad.dtype.newbyteorder("="))


def _gradient(
    dy: np.ndarray, padding: int | tuple[int, ...], mode: str, what: str
) -> tuple[np.ndarray, tuple[int, ...], tuple[int, int, int, int]]:
    """Return the gradient, the shape of what was padded, and the margins."""
    grad = _padded_axes(dy, "dy", mode, what)
    left, right, top, bottom = margins = _margins(padding, what)
    height, width = grad.shape[-2] - top - bottom, grad.shape[-1] - left - right
    if height < 0 or width < 0:
        raise ShapeError(f"{what}: dy of the shape {grad.shape} is smaller than its padding {padding!r}")
    return grad, (*grad.shape[:-2], height, width), margins


def padding_lines(
    shape: tuple[int, ...], margins: tuple[int, int, int, int], mode: str, what: str
) -> tuple[Lines, Lines]:
    """Return the rows and columns that images (..., H, W) with margins have."""
    left, right, top, bottom = margins
    rows = padded_lines(shape[-2], top, bottom, mode, what)
    return rows, padded_lines(shape[-1], left, right, mode, what)


def pad(
    x: np.ndarray, padding: int | tuple[int, ...], mode: str = "constant", value: float = 0.0
) -> np.ndarray:
    """Put margins around images.

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W); (..., H, W) with the mode "constant"
        Images.
    padding : int or (left, right, top, bottom)
        Rows and columns on each side.
    mode : {"constant", "reflect", "replicate", "circular"}
        What they are: one value; the image mirrored at its outermost pixels, which stand once; those pixels
        again and again; the image from its other end on.
    value : float
        Of the mode "constant".

    Returns
    -------
    array (N, C, top + H + bottom, left + W + right), or without N as x came

    Raises
    ------
    ShapeError
        If a margin is larger than the image: it must be smaller to be mirrored, and may be as large to go
        on from the other end.
    """
    what = "pad"
    kind = _check.choice(mode, MODES, "mode", what)
    values = _padded_axes(x, "x", kind, what)
    margins = _margins(padding, what)
    filling = checked_value(value, kind, what)
    if kind == "constant":
        return _filled(values, margins, filling, what)
    _check.images(values, "x", what)
    check_size(repeated(values.shape, margins, kind, what), values.itemsize, f"{what}: the output")
    return resample(values, *padding_lines(values.shape, margins, kind, what), what, "the output")


def _padded_axes(value: object, name: str, mode: str, what: str) -> np.ndarray:
    """Return an array that the mode has margins for."""
    array = _check.array(value, name, what, None if mode == "constant" else (3, 4))
    if array.ndim < 2:
        raise ShapeError(f"{what}: {name} must have rows and columns, got the shape {array.shape}")
    return array


def pad_backward(dy: np.ndarray, padding: int | tuple[int, ...], mode: str = "constant") -> np.ndarray:
    """Gradient of `pad`: where a pixel stands several times, the sum of dy."""
    what = "pad_backward"
    kind = _check.choice(mode, MODES, "mode", what)
    if kind == "constant":
        return _inside(dy, padding, what)
    grad, shape, margins = _gradient(dy, padding, kind, what)
    if 0 in shape[-2:]:
        raise ShapeError(f"{what}: dy of the shape {grad.shape} has no pixels but its padding {padding!r}")
    repeated(shape, margins, kind, what)
    rows, columns = padding_lines(shape, margins, kind, what)
    return resample(grad, rows.transposed(), columns.transposed(), what, "dx")
