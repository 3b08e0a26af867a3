"""Lowering rules of pooling: windows become the pixels that they read."""

from __future__ import annotations

import numpy as np

from .. import nn
from .._shapes import Window, integer, padding4, pair
from ..ops.pooling import checked_divisor
from .graph import Pool, Value, View
from .rules import Lowering, UnsupportedError, image, plain, window_over
from .taps import Axis, Taps


def _taps(w: Window) -> Taps:
    """Return the taps of all windows, in the padding too."""
    return Taps(
        Axis.sliding(w.out_h, w.kernel_h, w.stride_h, w.dilation_h, w.pad_top),
        Axis.sliding(w.out_w, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left),
    )


def _geometry(
    x: View, module: nn.MaxPool2d | nn.AvgPool2d, dilation: object, what: str
) -> tuple[Window, tuple[int, int, int, int]]:
    """Return (window, the pool's own padding)."""
    kernel, dilations = pair(module.kernel_size, what, 1), pair(dilation, what, 1)
    stride = kernel if module.stride is None else pair(module.stride, what, 1)
    pads = padding4(module.padding, what)
    extent_h, extent_w = (d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True))
    if max(pads[:2]) > extent_w // 2 or max(pads[2:]) > extent_h // 2:
        raise UnsupportedError(f"{what} with more padding than half of the kernel")
    if not isinstance(module.ceil_mode, bool):
        raise UnsupportedError(f"{what} with ceil_mode={module.ceil_mode!r}")
    return window_over(x, kernel, stride, pads, dilations, what, module.ceil_mode), pads


def max_pool(lowering: Lowering, module: nn.MaxPool2d, x: View) -> View:
    """Lower max-pooling: a margin's zeros take part in the maximum, the pool's own padding does not."""
    value, margin = image(x, "MaxPool2d"), x.margin
    w, _ = _geometry(x, module, module.dilation, "max_pool2d")
    left, right, top, bottom = margin
    taps = _taps(w).within((-top, value.height + bottom), (-left, value.width + right))
    return lowering.append(Pool(value, Value(value.channels, w.out_h, w.out_w), taps, None))


def avg_pool(lowering: Lowering, module: nn.AvgPool2d, x: View) -> View:
    """Lower average pooling."""
    value, margin = image(x, "AvgPool2d"), x.margin
    w, pads = _geometry(x, module, 1, "avg_pool2d")
    divisor = checked_divisor(module.divisor_override, "avg_pool2d")
    if not isinstance(module.count_include_pad, bool):
        raise UnsupportedError(f"AvgPool2d with count_include_pad={module.count_include_pad!r}")
    left, right, top, bottom = (
        (m + p for m, p in zip(margin, pads, strict=True)) if module.count_include_pad else margin
    )
    taps = _taps(w)
    inside = taps.within((0, value.height), (0, value.width))
    counted = taps.within((-top, value.height + bottom), (-left, value.width + right))

    def factors() -> np.ndarray:
        return 1 / np.maximum(counted.counts, 1) if divisor == 0 else np.full(y.pixels, 1 / divisor)

    y = Value(value.channels, w.out_h, w.out_w)
    return lowering.append(Pool(value, y, inside, factors))


def adaptive_avg_pool(lowering: Lowering, module: nn.AdaptiveAvgPool2d, x: View) -> View:
    """Lower adaptive average pooling."""
    value, size = image(x, "AdaptiveAvgPool2d"), module.output_size
    plain(x, "AdaptiveAvgPool2d")
    wanted = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(wanted) != 2:
        raise UnsupportedError(f"AdaptiveAvgPool2d with output_size={size!r}")
    out_h, out_w = (
        n if k is None else integer(k, "AdaptiveAvgPool2d: output_size", 1)
        for k, n in zip(wanted, (value.height, value.width), strict=True)
    )

    taps = Taps(Axis.adaptive(out_h, value.height), Axis.adaptive(out_w, value.width))
    y = Value(value.channels, out_h, out_w)
    return lowering.append(Pool(value, y, taps, lambda: 1 / taps.counts))
