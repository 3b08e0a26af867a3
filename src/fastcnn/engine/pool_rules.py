"""Lowering rules of pooling: windows become lists of the pixels that they read."""

from __future__ import annotations

import numpy as np

from .. import nn
from .._shapes import Window, integer, padding4, pair
from ..ops.pooling import checked_divisor
from .graph import Pool, Value, View
from .rules import Lowering, UnsupportedError, image, plain, window_over


def _taps(w: Window, rows: tuple[int, int], columns: tuple[int, int]) -> list[list[tuple[int, int]]]:
    """Return the taps of each output pixel that lie in these ranges of rows and columns."""
    windows = []
    for i, j in np.ndindex(w.out_h, w.out_w):
        us = [i * w.stride_h - w.pad_top + u * w.dilation_h for u in range(w.kernel_h)]
        vs = [j * w.stride_w - w.pad_left + v * w.dilation_w for v in range(w.kernel_w)]
        windows.append(
            [(u, v) for u in us for v in vs if rows[0] <= u < rows[1] and columns[0] <= v < columns[1]]
        )
    return windows


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
    taps = _taps(w, (-margin[2], value.height + margin[3]), (-margin[0], value.width + margin[1]))
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
    inside = _taps(w, (0, value.height), (0, value.width))
    counted = _taps(w, (-top, value.height + bottom), (-left, value.width + right))
    factors = [1 / (divisor or max(1, len(window))) for window in counted]
    return lowering.append(Pool(value, Value(value.channels, w.out_h, w.out_w), inside, factors))


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

    def extent(i: int, size: int, out: int) -> range:
        return range(i * size // out, -(-(i + 1) * size // out))

    taps = [
        [(u, v) for u in extent(i, value.height, out_h) for v in extent(j, value.width, out_w)]
        for i, j in np.ndindex(out_h, out_w)
    ]
    factors = [1 / len(window) for window in taps]
    return lowering.append(Pool(value, Value(value.channels, out_h, out_w), taps, factors))
