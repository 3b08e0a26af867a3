"""Pooling."""

from __future__ import annotations

from typing import TypeVar

from ... import graph
from ...graph import apply

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "avg_pool2d",
    "max_pool2d",
]

T = TypeVar("T")


def max_pool2d(
    input: T,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, int] = 1,
    ceil_mode: bool = False,
) -> T:
    """Maximum of each window; see `fastcnn.ops.max_pool2d`, which returns the places of the maxima too."""
    return apply(graph.MaxPool2d(kernel_size, stride, padding, dilation, ceil_mode), input)


def avg_pool2d(
    input: T,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, ...] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> T:
    """Mean of each window; see `fastcnn.ops.avg_pool2d`."""
    operation = graph.AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return apply(operation, input)


def adaptive_avg_pool2d(input: T, output_size: int | tuple[int | None, int | None] | None) -> T:
    """Mean over windows that divide the image into output_size parts."""
    return apply(graph.AdaptiveAvgPool2d(output_size), input)


def adaptive_max_pool2d(input: T, output_size: int | tuple[int | None, int | None] | None) -> T:
    """Maximum over windows that divide the image; see `fastcnn.ops.adaptive_max_pool2d`."""
    return apply(graph.AdaptiveMaxPool2d(output_size), input)
