"""The shapes that operations make, once for `ops`, layers, files and the engine, in Python integers.

``what`` opens the message of an error: the function or the layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ._shapes import INT_MAX, Window, conv_padding, extent, integer, padding4, pair, window
from .errors import ArgumentError, DTypeError, ShapeError, SizeError

Shape = tuple[int, ...]


# Axes -------------------------------------------------------------------------------------------------


def axis(value: object, ndim: int, name: str, what: str) -> int:
    """Return `value` as an axis in 0 .. ndim - 1 (negative counts from the end)."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise DTypeError(f"{what}: {name} must be an integer, got {value!r}")
    if not -max(ndim, 1) <= value < max(ndim, 1):
        raise ArgumentError(f"{what}: {name} must lie in [{-max(ndim, 1)}, {max(ndim, 1)}), got {value}")
    return int(value) % max(ndim, 1)


def class_axis(dim: int | None, ndim: int, what: str) -> int:
    """Return the axis of softmax; for None PyTorch's choice: 0 for 0-D, 1-D and 3-D input, else 1."""
    return (0 if ndim in (0, 1, 3) else 1) if dim is None else axis(dim, ndim, "dim", what)


def flattened(shape: Shape, start_dim: object, end_dim: object, what: str) -> Shape:
    """Return a shape with the axes start_dim to end_dim merged into one."""
    ndim = max(len(shape), 1)
    ends = []
    for name, dim in (("start_dim", start_dim), ("end_dim", end_dim)):
        if isinstance(dim, bool) or not isinstance(dim, int | np.integer):
            raise DTypeError(f"{what}: {name} must be an integer, got {dim!r}")
        ends.append(int(dim))
    if not all(-ndim <= dim < ndim for dim in ends):
        raise ShapeError(f"{what}: x of the shape {shape} has no axes {start_dim} to {end_dim}")
    start, end = ends[0] % ndim, ends[1] % ndim
    if start > end:
        raise ShapeError(f"{what}: start_dim {start_dim} comes after end_dim {end_dim}")
    return *shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]


# Windows ----------------------------------------------------------------------------------------------


class Placed(NamedTuple):
    """A window over images, and the padding (left, right, top, bottom) that it reaches into."""

    window: Window
    padding: tuple[int, int, int, int]


def convolution(
    in_hw: tuple[int, int],
    kernel: tuple[int, int],
    stride: object,
    padding: object,
    dilation: object,
    what: str,
) -> Placed:
    """Return the window of a convolution."""
    strides, dilations = pair(stride, f"{what}: stride", 1), pair(dilation, f"{what}: dilation", 1)
    pads = conv_padding(padding, kernel, strides, dilations, f"{what}: padding")
    return Placed(window(in_hw, kernel, strides, pads, dilations, what), pads)


def transposed_convolution(
    in_hw: tuple[int, int],
    kernel: tuple[int, int],
    stride: object,
    padding: object,
    output_padding: object,
    dilation: object,
    what: str,
) -> Window:
    """Return the window of the convolution that goes from a transposed one's output back to its input.

    So its ``in_h`` and ``in_w`` are the output's sizes:
    ``out = (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1``.
    """
    strides, dilations = pair(stride, f"{what}: stride", 1), pair(dilation, f"{what}: dilation", 1)
    pads = pair(padding, f"{what}: padding")
    more = pair(output_padding, f"{what}: output_padding")
    sizes = []
    for axis_name, size, *one in zip(
        ("rows", "columns"), in_hw, kernel, strides, pads, more, dilations, strict=True
    ):
        taps, step, cut, extra, apart = one
        if extra >= max(step, apart):
            raise ArgumentError(
                f"{what}: output_padding must be smaller than stride or dilation, got output_padding "
                f"{output_padding!r}, stride {stride!r} and dilation {dilation!r}"
            )
        out = (size - 1) * step - 2 * cut + extent(taps, apart) + extra
        if out < 1:
            raise ShapeError(
                f"{what} ({axis_name}): nothing is left of the output: {size} pixels make "
                f"{out + 2 * cut}, of which padding {cut} cuts off {2 * cut}"
            )
        sizes.append(out)
    result = Window(sizes[0], sizes[1], *in_hw, *kernel, *strides, *pads, *dilations)
    if max(out + 2 * cut + apart for out, cut, apart in zip(sizes, pads, dilations, strict=True)) > INT_MAX:
        raise SizeError(f"{what}: sizes pass 2**63: {result}")
    return result


def output_padding_of(
    output_size: object,
    shape: Shape,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    what: str,
) -> tuple[int, int]:
    """Return the output_padding with which a transposed convolution of a shape (..., H, W) has a size."""
    if not isinstance(output_size, tuple | list):
        raise DTypeError(f"{what}: output_size must be a sequence of sizes, got {output_size!r}")
    if len(output_size) not in (2, len(shape)):
        raise ArgumentError(
            f"{what}: output_size must have 2 or {len(shape)} sizes, got {tuple(output_size)}"
        )
    wanted = [integer(each, f"{what}: output_size", 1) for each in output_size[-2:]]
    least = [
        (size - 1) * step - 2 * cut + extent(taps, apart)
        for size, taps, step, cut, apart in zip(shape[-2:], kernel, stride, padding, dilation, strict=True)
    ]
    most = [low + step - 1 for low, step in zip(least, stride, strict=True)]
    if not all(low <= each <= high for low, each, high in zip(least, wanted, most, strict=True)):
        raise ArgumentError(
            f"{what}: output_size must lie between {tuple(least)} and {tuple(most)}, got {tuple(wanted)} "
            f"for x of the shape {shape}"
        )
    return wanted[0] - least[0], wanted[1] - least[1]


def pooling(
    in_hw: tuple[int, int],
    kernel_size: object,
    stride: object,
    padding: object,
    dilation: object,
    ceil_mode: bool,
    what: str,
) -> Placed:
    """Return the window of max or average pooling; a stride of None is the kernel's size."""
    kernel = pair(kernel_size, f"{what}: kernel_size", 1)
    strides = kernel if stride is None else pair(stride, f"{what}: stride", 1)
    pads = padding4(padding, f"{what}: padding")
    dilations = pair(dilation, f"{what}: dilation", 1)
    rows, columns = map(extent, kernel, dilations)
    if max(pads[:2]) > columns // 2 or max(pads[2:]) > rows // 2:
        raise ArgumentError(
            f"{what}: padding may be at most half of the kernel, got padding {padding!r} for a kernel "
            f"of {(rows, columns)} pixels"
        )
    return Placed(window(in_hw, kernel, strides, pads, dilations, what, ceil_mode), pads)


def adaptive_size(output_size: Any, in_hw: tuple[int, ...], what: str) -> tuple[int, int]:
    """Return the (out_h, out_w) of adaptive pooling; None keeps the input's size."""
    sizes = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size, output_size)
    if len(sizes) != 2:
        raise ArgumentError(f"{what}: output_size must be an integer or a pair, got {output_size!r}")
    rows, columns = (
        size if wanted is None else integer(wanted, f"{what}: output_size", 1)
        for wanted, size in zip(sizes, in_hw, strict=True)
    )
    return rows, columns


def padded(shape: Shape, padding: tuple[int, int, int, int]) -> Shape:
    """Return the shape (..., H, W) with margins (left, right, top, bottom)."""
    left, right, top, bottom = padding
    return *shape[:-2], top + shape[-2] + bottom, left + shape[-1] + right


# Normalisation ----------------------------------------------------------------------------------------


def grouped(channels: int, groups: object, what: str) -> int:
    """Return the number of channels, which must divide into groups."""
    number = integer(groups, f"{what}: num_groups", 1)
    if channels % number:
        raise ShapeError(f"{what}: {channels} channels do not divide into {number} groups")
    return channels


def normalized_axes(normalized_shape: Any, shape: Shape, what: str) -> Shape:
    """Return the sizes of the last axes, which must be those of a shape."""
    sizes = normalized_sizes(normalized_shape, what)
    if len(sizes) > len(shape) or shape[len(shape) - len(sizes) :] != sizes:
        raise ShapeError(f"{what}: x must be (..., {', '.join(map(str, sizes))}), got the shape {shape}")
    return sizes


def normalized_sizes(normalized_shape: Any, what: str) -> Shape:
    """Return the sizes of the axes that a layer normalises together, as a tuple of one or more."""
    several = isinstance(normalized_shape, tuple | list)
    sizes = tuple(normalized_shape) if several else (normalized_shape,)
    if not sizes:
        raise ArgumentError(f"{what}: normalized_shape needs at least one size, got {normalized_shape!r}")
    return tuple(integer(size, f"{what}: normalized_shape", 1) for size in sizes)


# Elements that are moved ------------------------------------------------------------------------------


def repeated(shape: Shape, padding: tuple[int, int, int, int], mode: str, what: str) -> Shape:
    """Return the shape with margins that repeat the image, which only images that are large enough have."""
    limits = {"reflect": "less than", "circular": "at most"}
    if mode in limits:
        for size, sides in ((shape[-1], padding[:2]), (shape[-2], padding[2:])):
            if max(sides) > size - (mode == "reflect"):
                raise ShapeError(
                    f"{what}: padding must be {limits[mode]} the image's size with mode {mode!r}, got "
                    f"(left, right, top, bottom) = {padding} for {shape[-2]} rows of {shape[-1]} pixels"
                )
    return padded(shape, padding)


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
