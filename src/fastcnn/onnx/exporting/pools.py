"""Pools in ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import graph
from ..._outputs import pooling
from ..._shapes import Window
from ...engine.taps import Axis
from ...errors import ArgumentError
from .resampling import across, lines_from
from .rules import rule
from .writer import Operand, Writer

Shape = tuple[int, ...]
Margins = tuple[int, int, int, int]


@rule(graph.MaxPool2d)
def max_pool2d(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write the maximum of each window.

    What ceil_mode adds is margin like the rest, which never wins.
    """
    kernel_size, stride, padding, dilation, ceil_mode = operation.window
    window = pooling(
        (x.shape[-2], x.shape[-1]), kernel_size, stride, padding, dilation, bool(ceil_mode), "max_pool2d"
    ).window
    inner: str | Operand = x
    margins = _margins(window)
    if margins[2] >= window.kernel_h or margins[3] >= window.kernel_w:  # which runtimes refuse
        inner, margins = w.padded(x, margins, -np.inf), (0, 0, 0, 0)
    apart = (window.dilation_h, window.dilation_w)
    if apart != (1, 1) and w.opset < 10:
        raise ArgumentError(f"onnx.export: max_pool2d with dilation={apart} needs opset 10, got {w.opset}")
    return w.node(
        "MaxPool",
        inner,
        kernel_shape=(window.kernel_h, window.kernel_w),
        strides=(window.stride_h, window.stride_w),
        pads=margins,
        dilations=apart if w.opset >= 10 else None,
    )


@rule(graph.AvgPool2d)
def avg_pool2d(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write the mean of each window.

    Where windows reach over the margin, as with ceil_mode, or another divisor is given, it is the mean of an
    image with zeros around it, times a factor for each pixel.
    """
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor = operation.window
    pool = pooling((x.shape[-2], x.shape[-1]), kernel_size, stride, padding, 1, bool(ceil_mode), "avg_pool2d")
    window, given = pool.window, pool.padding
    shape = {
        "kernel_shape": (window.kernel_h, window.kernel_w),
        "strides": (window.stride_h, window.stride_w),
    }
    left, right, top, bottom = given
    margins = _margins(window)
    if divisor is None and margins[2] <= bottom and margins[3] <= right:
        return w.node(
            "AveragePool",
            x,
            pads=(top, left, bottom, right),
            count_include_pad=int(count_include_pad),
            **shape,
        )
    made = w.node("AveragePool", w.padded(x, margins), **shape)
    whole = window.kernel_h * window.kernel_w
    if divisor is not None:
        return w.node("Mul", made, w.constant(whole / divisor))
    rows = _counts(
        window.in_h, window.out_h, window.kernel_h, window.stride_h, top, bottom, count_include_pad
    )
    columns = _counts(
        window.in_w, window.out_w, window.kernel_w, window.stride_w, left, right, count_include_pad
    )
    return w.node("Mul", made, w.constant(whole / np.outer(rows, columns)))


def _margins(window: Window) -> Margins:
    """Return (top, left, bottom, right) of an image that all windows lie in, as ONNX has them."""
    bottom, right = (
        max((out - 1) * stride + dilation * (kernel - 1) + 1 - before - size, 0)
        for out, stride, dilation, kernel, before, size in (
            (window.out_h, window.stride_h, window.dilation_h, window.kernel_h, window.pad_top, window.in_h),
            (window.out_w, window.stride_w, window.dilation_w, window.kernel_w, window.pad_left, window.in_w),
        )
    )
    return window.pad_top, window.pad_left, bottom, right


def _counts(size: int, out: int, kernel: int, stride: int, before: int, after: int, pad: bool) -> np.ndarray:
    """Return what the sum of each window is divided by, along one axis."""
    first, last = (-before, size + after) if pad else (0, size)
    return np.maximum(Axis.sliding(out, kernel, stride, 1, before).within(first, last).count, 1)


@rule(graph.AdaptiveAvgPool2d)
def adaptive_avg_pool2d(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write the means of windows that divide the image; of windows of several sizes it is two products."""
    if y[-2:] == (1, 1):
        return w.node("GlobalAveragePool", x)
    even = _even(w, "AveragePool", x, y)
    return even or across(w, x, *(lines_from(*sizes) for sizes in zip(x.shape[-2:], y[-2:], strict=True)))


@rule(graph.AdaptiveMaxPool2d)
def adaptive_max_pool2d(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write the maxima of windows that divide the image; of windows of several sizes, line by line."""
    if y[-2:] == (1, 1):
        return w.node("GlobalMaxPool", x)
    made: str | Operand = _even(w, "MaxPool", x, y) or x
    if made is not x:
        return str(made)
    for axis in (2, 3):
        windows = Axis.adaptive(y[axis], x.shape[axis])
        parts = [
            w.reduced("ReduceMax", w.part(made, axis, start, start + count), [axis], True)
            for start, count in zip(windows.start.tolist(), windows.count.tolist(), strict=True)
        ]
        made = w.node("Concat", *parts, axis=axis)
    return str(made)


def _even(w: Writer, kind: str, x: Operand, y: Shape) -> str | None:
    """Write a pool of windows that are all alike; None if they are not."""
    sizes, outs = x.shape[-2:], y[-2:]
    if any(size % out for size, out in zip(sizes, outs, strict=True)):
        return None
    kernel = [size // out for size, out in zip(sizes, outs, strict=True)]
    return w.node(kind, x, kernel_shape=kernel, strides=kernel)
