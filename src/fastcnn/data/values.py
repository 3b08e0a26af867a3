"""What the values of images stand for: which is black, and which is white."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError, DTypeError
from ._arguments import two

Range = tuple[float, float]
BYTES: Range = (0.0, 255.0)
UNIT: Range = (0.0, 1.0)
# Ranges around zero that pictures are commonly brought to.
_SIGNED: tuple[Range, ...] = ((-1.0, 1.0), (-0.5, 0.5), (-127.5, 127.5), (-128.0, 127.0))
# How near to both ends of such a range the values must come, as a share of its length: values that only have
# had their mean taken off lie in it too, but do not fill it.
_NEAR = 1 / 8
# Bytes that never reach this are levels that somebody has counted (16, say), not dark pictures.
_DARK = 64
# Numbers from 0 that never reach this have been divided once too often.
_FAINT = 0.1
# How far values may lie beyond black and white, as a share of the range: resampling overshoots a little.
_BEYOND = 1 / 4


def check_range(value: object, what: str) -> Range:
    """Return (black, white), two finite numbers with black below white; `what` opens the error.

    Raises
    ------
    ArgumentError, DTypeError
        If it is not that.
    """
    black, white = two(value, what)
    if black >= white:
        raise ArgumentError(f"{what} must be (black, white) with black below white, got {value!r}")
    return black, white


def holds(value_range: Range, low: float, high: float, dtype: str) -> bool:
    """Tell whether values from `low` to `high` may have these for black and white."""
    black, white = value_range
    beyond = _BEYOND * (white - black)
    if dtype == "uint8" and (black < BYTES[0] or white > (1 + _BEYOND) * BYTES[1]):
        return False
    # Comparisons with NaN are false: it is no reason to refuse a range.
    return not (low < black - beyond or high > white + beyond)


def check_holds(value_range: Range, low: float, high: float, dtype: str, what: str) -> None:
    """Raise ArgumentError unless `holds`; `what` opens the message.

    Raises
    ------
    ArgumentError
        If values lie clearly outside the range, or bytes cannot have it.
    """
    if not holds(value_range, low, high, dtype):
        black, white = value_range
        raise ArgumentError(
            f"{what} says black is {black:g} and white {white:g}, but the values of the images are {dtype} "
            f"from {low:g} to {high:g}; give the values that black and white have there"
        )


def range_of(value_range: object, images: np.ndarray, what: str) -> Range:
    """Return the values of black and white after a look at the images."""
    black_white = check_range(value_range, what)
    # Bytes need no look.
    if images.size and not (images.dtype == np.uint8 and black_white == BYTES):
        low, high = float(images.min()), float(images.max())
        check_holds(black_white, low, high, images.dtype.name, what)
    return black_white


def guess_range(images: np.ndarray) -> Range | None:
    """Return the values of black and white in images, judged by the smallest and the largest.

    Parameters
    ----------
    images : uint8 or float32 (N, C, H, W)

    Returns
    -------
    (float, float) or None
        (0, 255) or, if there is nothing but 0 and 1, (0, 1) for uint8; (0, 1), (0, 255) or a range around
        zero such as (-1, 1) for float32. None: the values fit none of these, e.g. because they have been
        standardised.
    """
    if not images.size:
        return None
    low, high = float(images.min()), float(images.max())
    if images.dtype == np.uint8:
        if high == 1:
            return UNIT
        return BYTES if high >= _DARK or high == 0 else None
    if low >= 0:
        if _FAINT <= high <= 1 or high == 0:
            return UNIT
        return BYTES if 255 / 2 <= high <= 255 else None
    for black, white in _SIGNED:
        near = _NEAR * (white - black)
        if black <= low <= black + near and white - near <= high <= white:
            return black, white
    return None


def to_unit(images: np.ndarray, value_range: Range) -> np.ndarray:
    """Return images as float32 with black = 0 and white = 1."""
    black, white = value_range
    return (images - np.float32(black)) / np.float32(white - black)


def from_unit(images: np.ndarray, value_range: Range) -> np.ndarray:
    """Return images with black = 0 and white = 1 as float32 in another range."""
    black, white = value_range
    return images * np.float32(white - black) + np.float32(black)


def border_levels(images: np.ndarray) -> np.ndarray:
    """Return the median of the outermost pixels of each image, in the units of the images, float64 (N,)."""
    if not isinstance(images, np.ndarray):
        raise DTypeError(f"border_levels: images must be an array, got {type(images).__name__}")
    edges: Sequence[np.ndarray] = (images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1])
    rows = np.concatenate([edge.reshape(len(images), -1) for edge in edges], axis=1)
    return np.median(rows, axis=1).astype(np.float64)
