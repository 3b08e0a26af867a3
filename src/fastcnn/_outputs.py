"""The shapes that operations make, once for `ops`, layers, files and the engine, in Python integers.

``what`` opens the message of an error: the function or the layer.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ._shapes import Window, conv_padding, extent, integer, padding4, pair, window
from .errors import ArgumentError, DTypeError, ShapeError

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
