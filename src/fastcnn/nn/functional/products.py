"""Convolutions and the linear layer."""

from __future__ import annotations

from typing import Any, TypeVar

from ... import graph
from ...graph import apply

__all__ = [
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "linear",
]

T = TypeVar("T")


def conv1d(
    input: T,
    weight: Any,
    bias: Any = None,
    stride: int | tuple[int] = 1,
    padding: int | tuple[int] | str = 0,
    dilation: int | tuple[int] = 1,
    groups: int = 1,
) -> T:
    """Convolve lines with kernels; see `fastcnn.ops.conv1d`."""
    return apply(graph.Conv1d(stride, padding, dilation, groups), input, weight, bias)


def conv2d(
    input: T,
    weight: Any,
    bias: Any = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> T:
    """Convolve images with kernels; see `fastcnn.ops.conv2d`."""
    return apply(graph.Conv2d(stride, padding, dilation, groups), input, weight, bias)


def conv_transpose1d(
    input: T,
    weight: Any,
    bias: Any = None,
    stride: int | tuple[int] = 1,
    padding: int | tuple[int] = 0,
    output_padding: int | tuple[int] = 0,
    groups: int = 1,
    dilation: int | tuple[int] = 1,
) -> T:
    """Spread each element of lines over a window of the output; see `fastcnn.ops.conv_transpose1d`."""
    operation = graph.ConvTranspose1d(stride, padding, output_padding, groups, dilation)
    return apply(operation, input, weight, bias)


def conv_transpose2d(
    input: T,
    weight: Any,
    bias: Any = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    output_padding: int | tuple[int, int] = 0,
    groups: int = 1,
    dilation: int | tuple[int, int] = 1,
) -> T:
    """Spread each pixel over a window of the output; see `fastcnn.ops.conv_transpose2d`."""
    operation = graph.ConvTranspose2d(stride, padding, output_padding, groups, dilation)
    return apply(operation, input, weight, bias)


def linear(input: T, weight: Any, bias: Any = None) -> T:
    """Multiply the last axis by a matrix: ``y = x weight^T + bias``."""
    return apply(graph.Linear(), input, weight, bias)
