"""Interpolation of images."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._kernels import resample as kernels
from .._moved import resized, scaling
from .._shapes import allocate, check_size, single
from ..errors import ArgumentError, ShapeError
from . import _check
from ._lines import Lines
from ._lines import resized as resized_lines
from .pooling import adaptive_avg_pool2d, adaptive_avg_pool2d_backward, image_shape

MODES = ("nearest", "nearest-exact", "bilinear", "bicubic", "lanczos", "area")
LINE_MODES = ("nearest", "nearest-exact", "linear", "area")
_SMOOTH = {"bilinear": "linear", "bicubic": "cubic", "lanczos": "lanczos"}


class Resizing(NamedTuple):
    """What `interpolate` is told: its arguments behind x."""

    size: Any = None
    scale_factor: Any = None
    mode: str = "nearest"
    align_corners: bool | None = None
    recompute_scale_factor: bool | None = None
    antialias: bool = False


def checked_resizing(given: Resizing, what: str) -> Resizing:
    """Return what `interpolate` is told, after a look at what needs no image."""
    mode = _check.choice(given.mode, MODES, "mode", what)
    if given.align_corners is not None:
        _check.flag(given.align_corners, "align_corners", what)
        if mode not in _SMOOTH:
            raise ArgumentError(f"{what}: align_corners needs mode 'bilinear' or 'bicubic', got {mode!r}")
    if given.recompute_scale_factor is not None:
        _check.flag(given.recompute_scale_factor, "recompute_scale_factor", what)
    if _check.flag(given.antialias, "antialias", what) and mode not in _SMOOTH:
        raise ArgumentError(f"{what}: antialias needs mode 'bilinear', 'bicubic' or 'lanczos', got {mode!r}")
    if mode == "lanczos" and (given.align_corners or not given.antialias):
        raise ArgumentError(f"{what}: mode 'lanczos' needs antialias, and has no align_corners")
    scaling(given.size, given.scale_factor, bool(given.recompute_scale_factor), what)
    return given


def of_rows(given: Resizing, what: str) -> Resizing:
    """Return what `interpolate` is told for images of one row, to do what it is told for lines."""
    mode = given.mode
    if mode not in LINE_MODES:
        expected = ", ".join(map(repr, LINE_MODES))
        raise ArgumentError(f"{what}: mode must be one of {expected} for lines (N, C, L), got {mode!r}")
    if given.align_corners is not None and mode != "linear":
        raise ArgumentError(f"{what}: align_corners needs mode 'linear' for lines (N, C, L), got {mode!r}")
    if _check.flag(given.antialias, "antialias", what):
        raise ArgumentError(f"{what}: antialias is for images (N, C, H, W), not for lines (N, C, L)")
    size = None if given.size is None else (1, single(given.size, f"{what}: size", 1))
    factor = given.scale_factor
    if isinstance(factor, tuple | list):
        if len(factor) != 1:
            raise ArgumentError(f"{what}: scale_factor must be a number for lines (N, C, L), got {factor!r}")
        (factor,) = factor
    factors = None if factor is None else (1.0, factor)
    mode = "bilinear" if mode == "linear" else mode
    return checked_resizing(given._replace(size=size, scale_factor=factors, mode=mode), what)


def resized_shape(in_hw: tuple[int, ...], given: Resizing, what: str) -> tuple[int, int]:
    """Return the (out_h, out_w) of `interpolate`."""
    return resized(in_hw, given.size, given.scale_factor, bool(given.recompute_scale_factor), what)[0]


def resizing_lines(in_hw: tuple[int, ...], given: Resizing, what: str) -> tuple[Lines, Lines]:
    """Return the rows and columns of `interpolate`, of any mode but "area"."""
    recompute = bool(given.recompute_scale_factor)
    out_hw, steps = resized(in_hw, given.size, given.scale_factor, recompute, what)
    mode = given.mode
    if mode in _SMOOTH:
        mode = _SMOOTH[mode]
        if given.antialias:
            mode += "-smoothed"
            if given.align_corners:
                first, second = (
                    (size - 1) / (out - 1) if out > 1 else 0.0
                    for size, out in zip(in_hw, out_hw, strict=True)
                )
                steps = first, second
        elif given.align_corners:
            mode += "-corners"
    rows, columns = (resized_lines(*sizes, mode, what) for sizes in zip(in_hw, out_hw, steps, strict=True))
    return rows, columns


def resizing_reach(in_hw: tuple[int, ...], given: Resizing, what: str) -> tuple[int, int]:
    """Return how many rows and columns a pixel of `interpolate` reaches over; not for the mode "area"."""
    rows, columns = (lines.reach for lines in resizing_lines(in_hw, given, what))
    return rows, columns


def resample(x: np.ndarray, rows: Lines, columns: Lines, what: str, name: str) -> np.ndarray:
    """Return images (..., H, W) made of the rows and columns of others; `name` is what messages call them."""
    shape = *x.shape[:-2], rows.counts.size, columns.counts.size
    y = allocate(shape, x.dtype.newbyteorder("="), f"{what}: {name}")
    images = _check.contiguous(x, "x", what).reshape(-1, *x.shape[-2:])
    down, right = rows.weight_of(y.dtype), columns.weight_of(y.dtype)
    kernels.resample(
        y.reshape(-1, *shape[-2:]), images, rows.first, rows.at, down, columns.first, columns.at, right
    )
    return y


def interpolate(
    x: np.ndarray,
    size: int | tuple[int, int] | None = None,
    scale_factor: float | tuple[float, float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> np.ndarray:
    """Resize images: each pixel is a weighted sum of those around its place.

    ``y[n, c, i, j] = sum_{u, v} a[i, u] b[j, v] x[n, c, u, v]``

    A pixel whose weight is 0 has no part in the sum, be it NaN or infinite.

    Parameters
    ----------
    x : array (N, C, H, W)
        Images.
    size : int or (out_h, out_w), optional
        Size of the output.
    scale_factor : float or (vertical, horizontal), optional
        The output's size is that of x times this, rounded down.
    mode : {"nearest", "nearest-exact", "bilinear", "bicubic", "lanczos", "area"}
        "nearest-exact" rounds places where "nearest" cuts them off; "area" is `adaptive_avg_pool2d`.
    align_corners : bool, optional
        With "bilinear" and "bicubic": whether the centers of the corners stay where they are, not the edges.
    recompute_scale_factor : bool, optional
        Whether the quotient of the sizes tells how far pixels are apart, not scale_factor itself.
    antialias : bool
        With "bilinear" and "bicubic": whether images that shrink are smoothed; "lanczos" needs it.

    Returns
    -------
    array (N, C, out_h, out_w)
    """
    what = "interpolate"
    images = _check.array(x, "x", what, (4,))
    _check.images(images, "x", what)
    given = Resizing(size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    out_hw = resized_shape(images.shape[2:], checked_resizing(given, what), what)
    check_size((*images.shape[:2], *out_hw), images.itemsize, f"{what}: the output")
    if mode == "area":
        return adaptive_avg_pool2d(images, out_hw)
    return resample(images, *resizing_lines(images.shape[2:], given, what), what, "the output")


def interpolate_backward(
    dy: np.ndarray,
    input_shape: tuple[int, ...],
    size: int | tuple[int, int] | None = None,
    scale_factor: float | tuple[float, float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> np.ndarray:
    """Gradient of `interpolate` with respect to x of input_shape: the transposed sum."""
    what = "interpolate_backward"
    shape, unbatched = image_shape(input_shape, what)
    if unbatched:
        raise ShapeError(f"{what}: input_shape must be (N, C, H, W), got {input_shape!r}")
    given = Resizing(size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    out_hw = resized_shape(shape[2:], checked_resizing(given, what), what)
    grad = _check.gradient(dy, (*shape[:2], *out_hw), False, "dy", what)
    check_size(shape, grad.itemsize, f"{what}: dx")
    if mode == "area":
        return adaptive_avg_pool2d_backward(grad, shape)
    rows, columns = resizing_lines(shape[2:], given, what)
    return resample(grad, rows.transposed(), columns.transposed(), what, "dx")
