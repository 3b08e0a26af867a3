"""The shapes that operations make, once for `ops`, layers, files and the engine, in Python integers.

``what`` opens the message of an error: the function or the layer.
"""

from __future__ import annotations

import math
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
    kernel: Shape,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    what: str,
) -> Shape:
    """Return the output_padding with which a transposed convolution of a shape (..., H, W) has a size.

    Those of lines have one size each.
    """
    axes = len(kernel)
    wanted = sizes_of(output_size, (axes, len(shape)), what)
    least = [
        (size - 1) * step - 2 * cut + extent(taps, apart)
        for size, taps, step, cut, apart in zip(shape[-axes:], kernel, stride, padding, dilation, strict=True)
    ]
    most = [low + step - 1 for low, step in zip(least, stride, strict=True)]
    if not all(low <= each <= high for low, each, high in zip(least, wanted, most, strict=True)):
        raise ArgumentError(
            f"{what}: output_size must lie between {tuple(least)} and {tuple(most)}, got {wanted} "
            f"for x of the shape {shape}"
        )
    return tuple(size - low for size, low in zip(wanted, least, strict=True))


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


def unpooled(
    in_hw: tuple[int, int],
    kernel_size: object,
    stride: object,
    padding: object,
    output_size: object,
    what: str,
) -> tuple[int, int]:
    """Return the (out_h, out_w) of which a max pooling makes in_hw; several do, of which output_size is one.

    ``out = (size - 1) stride + kernel - padding`` without it, and less than a step away from that with it.
    """
    kernel = pair(kernel_size, f"{what}: kernel_size", 1)
    strides = kernel if stride is None else pair(stride, f"{what}: stride", 1)
    left, right, top, bottom = padding4(padding, f"{what}: padding")
    rows, columns = (
        (size - 1) * step + taps - cut
        for size, step, taps, cut in zip(in_hw, strides, kernel, (top + bottom, left + right), strict=True)
    )
    if output_size is not None:
        wanted = sizes_of(output_size, (2, 4), what)
        ends = [(own - step + 1, own + step - 1) for own, step in zip((rows, columns), strides, strict=True)]
        if not all(low <= each <= high for each, (low, high) in zip(wanted, ends, strict=True)):
            least, most = zip(*ends, strict=True)
            raise ArgumentError(f"{what}: output_size must lie between {least} and {most}, got {wanted}")
        rows, columns = wanted
    if min(rows, columns) < 1:
        raise ShapeError(f"{what}: nothing is left of the output, {rows} rows of {columns} pixels")
    if max(rows, columns) > INT_MAX:
        raise SizeError(f"{what}: the output's sizes pass 2**63: {rows}, {columns}")
    return rows, columns


def sizes_of(output_size: object, lengths: tuple[int, int], what: str) -> tuple[int, ...]:
    """Return sizes that are given alone, so many, or as the last ones of so many more."""
    if not isinstance(output_size, tuple | list):
        raise DTypeError(f"{what}: output_size must be a sequence of sizes, got {output_size!r}")
    if len(output_size) not in lengths:
        expected = " or ".join(map(str, lengths))
        raise ArgumentError(f"{what}: output_size must have {expected} sizes, got {tuple(output_size)}")
    return tuple(integer(each, f"{what}: output_size", 1) for each in output_size[-lengths[0] :])


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
