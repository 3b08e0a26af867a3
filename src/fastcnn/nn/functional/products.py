"""Convolution and the linear layer."""

from __future__ import annotations

from typing import Any, TypeVar

from ... import graph
from ...graph import apply

__all__ = [
    "conv2d",
    "linear",
]

T = TypeVar("T")


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


def linear(input: T, weight: Any, bias: Any = None) -> T:
    """Multiply the last axis by a matrix: ``y = x weight^T + bias``."""
    return apply(graph.Linear(), input, weight, bias)
