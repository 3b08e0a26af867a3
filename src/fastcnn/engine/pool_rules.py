"""Lowering rules of pooling: windows become the pixels that they read."""

from __future__ import annotations

import numpy as np

from .. import graph
from .._outputs import pooling
from .._shapes import Window
from ..ops.pooling import checked_divisor
from .graph import Value
from .nodes.pool import Pool
from .rules import Lowering, Source, image, over_value, tensor
from .taps import Axis, Taps
from .view import View


def _taps(w: Window) -> Taps:
    """Return the taps of all windows, in the padding too."""
    return Taps(
        Axis.sliding(w.out_h, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top),
        Axis.sliding(w.out_w, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left),
    )


def max_pool(lowering: Lowering, op: graph.MaxPool2d, x: Source) -> View:
    """Lower max-pooling: a margin's zeros take part in the maximum, the pool's own padding does not."""
    view = tensor(lowering, x, "MaxPool2d")
    value = image(view, "MaxPool2d")
    kernel_size, stride, padding, dilation, ceil_mode = op.window
    in_hw = view.height, view.width
    placed = pooling(in_hw, kernel_size, stride, padding, dilation, ceil_mode, "max_pool2d")
    w = over_value(view, placed.window)
    left, right, top, bottom = view.margin
    taps = _taps(w).within((-top, value.height + bottom), (-left, value.width + right))
    return lowering.append(Pool(value, Value(value.channels, w.out_h, w.out_w), taps, None))


def avg_pool(lowering: Lowering, op: graph.AvgPool2d, x: Source) -> View:
    """Lower average pooling."""
    view = tensor(lowering, x, "AvgPool2d")
    value, margin = image(view, "AvgPool2d"), view.margin
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override = op.window
    in_hw = view.height, view.width
    placed = pooling(in_hw, kernel_size, stride, padding, 1, ceil_mode, "avg_pool2d")
    w, pads = over_value(view, placed.window), placed.padding
    divisor = checked_divisor(divisor_override, "avg_pool2d")
    left, right, top, bottom = (
        (m + p for m, p in zip(margin, pads, strict=True)) if count_include_pad else margin
    )
    taps = _taps(w)
    inside = taps.within((0, value.height), (0, value.width))
    counted = taps.within((-top, value.height + bottom), (-left, value.width + right))

    def factors() -> np.ndarray:
        return 1 / np.maximum(counted.counts, 1) if divisor == 0 else np.full(y.pixels, 1 / divisor)

    y = Value(value.channels, w.out_h, w.out_w)
    return lowering.append(Pool(value, y, inside, factors))


def adaptive_avg_pool(lowering: Lowering, op: graph.AdaptiveAvgPool2d, x: Source) -> View:
    """Lower adaptive average pooling."""
    view = tensor(lowering, x, "AdaptiveAvgPool2d")
    image(view, "AdaptiveAvgPool2d")
    return means(lowering, view, lowering.shape[1:])


def means(lowering: Lowering, x: View, sizes: tuple[int, ...]) -> View:
    """Append means over windows that divide the image into so many rows and columns."""
    value, y, taps = _divided(lowering, x, sizes)
    return lowering.append(Pool(value, y, taps, lambda: 1 / taps.counts))


def adaptive_max_pool(lowering: Lowering, op: graph.AdaptiveMaxPool2d, x: Source) -> View:
    """Lower adaptive max-pooling."""
    view = tensor(lowering, x, "AdaptiveMaxPool2d")
    image(view, "AdaptiveMaxPool2d")
    value, y, taps = _divided(lowering, view, lowering.shape[1:])
    return lowering.append(Pool(value, y, taps, None))


def _divided(lowering: Lowering, x: View, sizes: tuple[int, ...]) -> tuple[Value, Value, Taps]:
    """Return the value of a view, that of its windows, and the windows."""
    value = lowering.written(x).value
    out_h, out_w = sizes
    taps = Taps(Axis.adaptive(out_h, value.height), Axis.adaptive(out_w, value.width))
    return value, Value(value.channels, out_h, out_w), taps
