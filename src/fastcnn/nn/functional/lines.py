"""Pooling along lines: that of images of one row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, overload

from ... import graph
from ..._outputs import sizes_of
from ..._shapes import no_stride, single
from ...errors import ShapeError
from .windows import adaptive_avg_pool2d, adaptive_max_pool2d, avg_pool2d, max_pool2d, max_unpool2d

__all__ = ["adaptive_avg_pool1d", "adaptive_max_pool1d", "avg_pool1d", "max_pool1d", "max_unpool1d"]

T = TypeVar("T")


@overload
def max_pool1d(
    input: T,
    kernel_size: int | tuple[int],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int] = 0,
    dilation: int | tuple[int] = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> T: ...
@overload
def max_pool1d(
    input: T,
    kernel_size: int | tuple[int],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int] = 0,
    dilation: int | tuple[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any: ...
def max_pool1d(
    input: Any,
    kernel_size: int | tuple[int],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int] = 0,
    dilation: int | tuple[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Maximum of each window of lines (N, C, L) or (C, L); see `fastcnn.ops.max_pool2d`.

    With return_indices it is a pair (maxima, int64 indices in a line of input), for `max_unpool1d`.
    """
    what = "max_pool1d"
    window = _window(kernel_size, stride, padding, what)
    apart = 1, single(dilation, f"{what}: dilation", 1)
    return over_rows(lambda x: max_pool2d(x, *window, apart, ceil_mode, return_indices), what, input)


def max_unpool1d(
    input: T,
    indices: Any,
    kernel_size: int | tuple[int],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int] = 0,
    output_size: tuple[int, ...] | None = None,
) -> T:
    """Put maxima of lines back in the places that `max_pool1d` found them at, among zeros.

    ``output_size`` is (out,), or three sizes of which that is the last.
    """
    what = "max_unpool1d"
    window = _window(kernel_size, stride, padding, what)
    size = None if output_size is None else (1, *sizes_of(output_size, (1, 3), what))
    return over_rows(lambda x, at: max_unpool2d(x, at, *window, size), what, input, indices)


def avg_pool1d(
    input: T,
    kernel_size: int | tuple[int],
    stride: int | tuple[int, ...] | None = None,
    padding: int | tuple[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> T:
    """Mean of each window of lines (N, C, L) or (C, L); see `fastcnn.ops.avg_pool2d`."""
    window = _window(kernel_size, stride, padding, "avg_pool1d")
    return over_rows(lambda x: avg_pool2d(x, *window, ceil_mode, count_include_pad), "avg_pool1d", input)


def adaptive_avg_pool1d(input: T, output_size: int | tuple[int]) -> T:
    """Mean over windows that divide lines (N, C, L) or (C, L) into output_size parts."""
    size = single(output_size, "adaptive_avg_pool1d: output_size", 1)
    return over_rows(lambda x: adaptive_avg_pool2d(x, (1, size)), "adaptive_avg_pool1d", input)


@overload
def adaptive_max_pool1d(
    input: T, output_size: int | tuple[int], return_indices: Literal[False] = False
) -> T: ...
@overload
def adaptive_max_pool1d(input: T, output_size: int | tuple[int], return_indices: bool = False) -> Any: ...
def adaptive_max_pool1d(input: Any, output_size: int | tuple[int], return_indices: bool = False) -> Any:
    """Maximum over windows that divide lines (N, C, L) or (C, L) into output_size parts.

    With return_indices it is a pair (maxima, int64 indices in a line of input).
    """
    what = "adaptive_max_pool1d"
    size = 1, single(output_size, f"{what}: output_size", 1)
    return over_rows(lambda x: adaptive_max_pool2d(x, size, return_indices), what, input)


def _window(
    kernel_size: object, stride: object, padding: object, what: str
) -> tuple[tuple[int, int], tuple[int, int] | None, tuple[int, int]]:
    """Return kernel size, stride and padding for images of one row."""
    step = None if no_stride(stride) else (1, single(stride, f"{what}: stride", 1))
    kernel = 1, single(kernel_size, f"{what}: kernel_size", 1)
    return kernel, step, (0, single(padding, f"{what}: padding"))


def over_rows(pool: Callable[..., Any], what: str, *lines: Any) -> Any:
    """Apply a function of images to lines; it may make several."""
    for each in lines:
        shape = graph.shape_of(each)
        if len(shape) not in (2, 3):
            raise ShapeError(f"{what}: x must be (N, C, L) or (C, L), got the shape {shape}")
    made = pool(*(_reshaped(each, -1, (1,)) for each in lines))
    return tuple(_reshaped(y, -2) for y in made) if isinstance(made, tuple) else _reshaped(made, -2)


def _reshaped(x: Any, end: int, rows: tuple[int, ...] = ()) -> Any:
    """Return a tensor with other axes before the last one, in the place of those from `end` on."""
    shape = graph.shape_of(x)
    return graph.apply(graph.Reshape((*shape[:end], *rows, shape[-1])), x)
