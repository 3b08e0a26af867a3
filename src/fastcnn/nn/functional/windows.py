"""Pooling."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, overload

from ... import graph
from ..._shapes import no_stride
from ...graph import apply
from ...ops import _check

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_max_pool2d",
    "avg_pool2d",
    "max_pool2d",
    "max_unpool2d",
]

T = TypeVar("T")


@overload
def max_pool2d(
    input: T,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, int] = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> T: ...
@overload
def max_pool2d(
    input: T,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any: ...
def max_pool2d(
    input: Any,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Maximum of each window; see `fastcnn.ops.max_pool2d`.

    With return_indices it is a pair (maxima, int64 indices ``row * W + column`` in a plane of input), for
    `max_unpool2d`. Indices have no gradient.
    """
    step = None if no_stride(stride) else stride
    pool = graph.MaxPool2d(kernel_size, step, padding, dilation, ceil_mode)
    return _maxima(pool, input, return_indices, "max_pool2d")


def _maxima(
    pool: graph.MaxPool2d | graph.AdaptiveMaxPool2d, input: Any, return_indices: bool, what: str
) -> Any:
    """Apply a max pooling, and return with its maxima where they stand if that is wanted."""
    wanted = _check.flag(return_indices, "return_indices", what)
    return apply(graph.MaxPoolWithIndices(pool) if wanted else pool, input)


def max_unpool2d(
    input: T,
    indices: Any,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, ...] = 0,
    output_size: tuple[int, ...] | None = None,
) -> T:
    """Put maxima back in the places that `max_pool2d` found them at; see `fastcnn.ops.max_unpool2d`."""
    return apply(graph.MaxUnpool2d(kernel_size, stride, padding, output_size), input, indices)


def avg_pool2d(
    input: T,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int, ...] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> T:
    """Mean of each window; see `fastcnn.ops.avg_pool2d`."""
    step = None if no_stride(stride) else stride
    operation = graph.AvgPool2d(kernel_size, step, padding, ceil_mode, count_include_pad, divisor_override)
    return apply(operation, input)


def adaptive_avg_pool2d(input: T, output_size: int | tuple[int | None, int | None] | None) -> T:
    """Mean over windows that divide the image into output_size parts."""
    return apply(graph.AdaptiveAvgPool2d(output_size), input)


@overload
def adaptive_max_pool2d(
    input: T,
    output_size: int | tuple[int | None, int | None] | None,
    return_indices: Literal[False] = False,
) -> T: ...
@overload
def adaptive_max_pool2d(
    input: T, output_size: int | tuple[int | None, int | None] | None, return_indices: bool = False
) -> Any: ...
def adaptive_max_pool2d(
    input: Any, output_size: int | tuple[int | None, int | None] | None, return_indices: bool = False
) -> Any:
    """Maximum over windows that divide the image; see `fastcnn.ops.adaptive_max_pool2d`.

    With return_indices it is a pair (maxima, int64 indices ``row * W + column`` in a plane of input).
    """
    return _maxima(graph.AdaptiveMaxPool2d(output_size), input, return_indices, "adaptive_max_pool2d")
