"""Pooling along lines: that of images of one row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ... import graph
from ..._shapes import single
from ...errors import ShapeError
from .windows import adaptive_avg_pool2d, avg_pool2d, max_pool2d

__all__ = ["adaptive_avg_pool1d", "avg_pool1d", "max_pool1d"]

T = TypeVar("T")


def max_pool1d(
    input: T,
    kernel_size: int | tuple[int],
    stride: int | tuple[int] | None = None,
    padding: int | tuple[int] = 0,
    dilation: int | tuple[int] = 1,
    ceil_mode: bool = False,
) -> T:
    """Maximum of each window of lines (N, C, L) or (C, L); see `fastcnn.ops.max_pool2d`."""
    what = "max_pool1d"
    window = _window(kernel_size, stride, padding, what)
    apart = 1, single(dilation, f"{what}: dilation", 1)
    return _of_rows(lambda x: max_pool2d(x, *window, apart, ceil_mode), input, what)


def avg_pool1d(
    input: T,
    kernel_size: int | tuple[int],
    stride: int | tuple[int] | None = None,
    padding: int | tuple[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> T:
    """Mean of each window of lines (N, C, L) or (C, L); see `fastcnn.ops.avg_pool2d`."""
    window = _window(kernel_size, stride, padding, "avg_pool1d")
    return _of_rows(lambda x: avg_pool2d(x, *window, ceil_mode, count_include_pad), input, "avg_pool1d")


def adaptive_avg_pool1d(input: T, output_size: int | tuple[int]) -> T:
    """Mean over windows that divide lines (N, C, L) or (C, L) into output_size parts."""
    size = single(output_size, "adaptive_avg_pool1d: output_size", 1)
    return _of_rows(lambda x: adaptive_avg_pool2d(x, (1, size)), input, "adaptive_avg_pool1d")


def _window(
    kernel_size: object, stride: object, padding: object, what: str
) -> tuple[tuple[int, int], tuple[int, int] | None, tuple[int, int]]:
    """Return kernel size, stride and padding for images of one row."""
    step = None if stride is None else (1, single(stride, f"{what}: stride", 1))
    kernel = 1, single(kernel_size, f"{what}: kernel_size", 1)
    return kernel, step, (0, single(padding, f"{what}: padding"))


def _of_rows(pool: Callable[[Any], Any], lines: Any, what: str) -> Any:
    """Apply a function of images to lines."""
    shape = graph.shape_of(lines)
    if len(shape) not in (2, 3):
        raise ShapeError(f"{what}: x must be (N, C, L) or (C, L), got the shape {shape}")
    y = pool(graph.apply(graph.Reshape((*shape[:-1], 1, shape[-1])), lines))
    sizes = graph.shape_of(y)
    return graph.apply(graph.Reshape((*sizes[:-2], sizes[-1])), y)
