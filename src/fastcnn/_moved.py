"""The shapes that operations make which pad, resize and move elements; `_outputs.py` has the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._outputs import Shape, axis, padded
from ._shapes import integer
from .errors import ArgumentError, DTypeError, ShapeError, SizeError


def repeated(shape: Shape, padding: tuple[int, int, int, int], mode: str, what: str) -> Shape:
    """Return the shape with margins that repeat the image, which only images that are large enough have."""
    said = f"(left, right, top, bottom) = {padding} for {shape[-2]} rows of {shape[-1]} pixels"
    for size, sides in ((shape[-1], padding[:2]), (shape[-2], padding[2:])):
        _check_repeats(size, sides, mode, "the image's size", said, what)
    return padded(shape, padding)


def repeated_line(size: int, sides: tuple[int, int], mode: str, what: str) -> None:
    """Refuse margins (left, right) that repeat lines which are too short for them."""
    said = f"(left, right) = {sides} for {size} columns"
    _check_repeats(size, sides, mode, "the lines' size", said, what)


def _check_repeats(size: int, sides: tuple[int, int], mode: str, of: str, said: str, what: str) -> None:
    limits = {"reflect": "less than", "circular": "at most"}
    if mode in limits and max(sides) > size - (mode == "reflect"):
        raise ShapeError(f"{what}: padding must be {limits[mode]} {of} with mode {mode!r}, got {said}")


def left_of(size: int, sides: tuple[int, int], what: str) -> int:
    """Return what is left of an axis that loses so much on either side."""
    if sum(sides) > size:
        raise ShapeError(f"{what}: margins of {tuple(-side for side in sides)} cut off more than {size}")
    return size - sum(sides)


def margined(shape: Shape, padding: tuple[int, ...], mode: str, what: str) -> Shape:
    """Return the shape (..., H, W) with margins (left, right, top, bottom); negative ones cut off."""
    left, right, top, bottom = (max(each, 0) for each in padding)
    before, after, above, below = (max(-each, 0) for each in padding)

    def without(sizes: Shape) -> Shape:
        rows, columns = left_of(sizes[-2], (above, below), what), left_of(sizes[-1], (before, after), what)
        return *sizes[:-2], rows, columns

    if cuts_first(mode):
        return repeated(without(shape), (left, right, top, bottom), mode, what)
    return without(repeated(shape, (left, right, top, bottom), mode, what))


def cuts_first(mode: str) -> bool:
    """Tell whether what negative margins cut off is gone before the others are put around the rest."""
    return mode in ("constant", "circular")


def resized(
    in_hw: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool, what: str
) -> tuple[tuple[int, int], tuple[float | None, float | None]]:
    """Return (out_h, out_w), and by what interpolation steps from row to row and column to column.

    None stands for the quotient of the sizes.
    """
    given, factors = scaling(size, scale_factor, recompute, what)
    if given is not None:
        return given, (None, None)
    sizes = []
    for pixels, factor in zip(in_hw, factors, strict=True):
        made = float(pixels) * factor
        if not 1 <= made < 2**63:
            raise (ShapeError if made < 1 else SizeError)(
                f"{what}: scale_factor {factor:g} makes no size of {pixels} pixels"
            )
        sizes.append(math.floor(made))
    steps = (None, None) if recompute else (1 / factors[0], 1 / factors[1])
    return (sizes[0], sizes[1]), steps


def scaling(size: Any, scale_factor: Any, recompute: bool, what: str) -> tuple[Any, Any]:
    """Return the size of an interpolation's output and its scale factors, one of which is None."""
    if (size is None) == (scale_factor is None):
        got = "neither" if size is None else "both"
        raise ArgumentError(f"{what}: either size or scale_factor must be given, got {got}")
    if scale_factor is not None:
        return None, _two(scale_factor, "scale_factor", what, _factor)
    if recompute:
        raise ArgumentError(f"{what}: recompute_scale_factor means nothing with a size")
    return _two(size, "size", what, lambda value, name: integer(value, name, 1)), None


def _two(value: Any, name: str, what: str, check: Callable[[Any, str], Any]) -> tuple[Any, Any]:
    """Return two numbers from one or two."""
    values = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(values) != 2:
        raise ArgumentError(f"{what}: {name} must be a number or (vertical, horizontal), got {value!r}")
    first, second = (check(each, f"{what}: {name}") for each in values)
    return first, second


def _factor(value: Any, name: str) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise DTypeError(f"{name} must be a number, got {value!r}")
    if not 0 < value < math.inf:
        raise ArgumentError(f"{name} must be above 0 and finite, got {value}")
    return float(value)


def shuffled(shape: Shape, factor: Any, what: str) -> Shape:
    """Return the shape (..., C, H, W) of which factor^2 channels have become a square of pixels each."""
    count, axes = integer(factor, f"{what}: upscale_factor", 1), _image_axes(shape, what)
    if shape[-3] % count**2:
        raise ShapeError(
            f"{what}: the channels must be a multiple of upscale_factor^2 = {count**2}, got the shape {shape}"
        )
    return *axes, shape[-3] // count**2, shape[-2] * count, shape[-1] * count


def unshuffled(shape: Shape, factor: Any, what: str) -> Shape:
    """Return the shape (..., C, H, W) of which squares of factor^2 pixels have become channels."""
    count, axes = integer(factor, f"{what}: downscale_factor", 1), _image_axes(shape, what)
    if shape[-2] % count or shape[-1] % count:
        raise ShapeError(
            f"{what}: height and width must be multiples of downscale_factor {count}, got the shape {shape}"
        )
    return *axes, shape[-3] * count**2, shape[-2] // count, shape[-1] // count


def _image_axes(shape: Shape, what: str) -> Shape:
    """Return the sizes before those of channels, rows and columns."""
    if len(shape) < 3:
        raise ShapeError(f"{what}: x must have at least 3 axes (..., C, H, W), got the shape {shape}")
    return shape[:-3]


def channel_groups(shape: Shape, groups: Any, what: str) -> int:
    """Return the groups that the channels of (N, C, ...) are divided into."""
    count = integer(groups, f"{what}: groups", 1)
    if len(shape) < 3:
        raise ShapeError(f"{what}: x must have at least 3 axes (N, C, ...), got the shape {shape}")
    if shape[1] % count:
        raise ShapeError(f"{what}: the channels must be a multiple of groups {count}, got the shape {shape}")
    return count


def unflattened(shape: Shape, dim: Any, sizes: Any, what: str) -> Shape:
    """Return the shape with one axis divided into several, one size of which may be -1: what is left."""
    place = axis(dim, len(shape), "dim", what)
    if not isinstance(sizes, tuple | list) or not sizes:
        raise DTypeError(f"{what}: unflattened_size must be a tuple of integers, got {sizes!r}")
    parts = [integer(size, f"{what}: unflattened_size", -1) for size in sizes]
    whole, known = shape[place], math.prod(size for size in parts if size != -1)
    left = parts.count(-1)
    fits = known == whole if not left else known > 0 and whole % known == 0
    if left > 1 or not fits:
        raise ShapeError(
            f"{what}: unflattened_size {tuple(parts)} is no shape of the {whole} elements of axis {dim} of "
            f"the shape {shape}"
        )
    filled = [whole // known if size == -1 else size for size in parts]
    return *shape[:place], *filled, *shape[place + 1 :]
