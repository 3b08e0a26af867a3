"""Pools and reductions, from ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._shapes import extent
from .elements import absolute
from .network import Network
from .nodes import Source, rule
from .values import Made
from .windows import Windows, windows_of


def _as_images(net: Network, source: Source, x: Made) -> Made:
    """Return lines as images of one row, and images as they are."""
    return net.reshaped(source, x, (x.shape[0], 1, *x.shape[1:])) if len(x.shape) == 2 else x


def _as_before(net: Network, source: Source, y: Made, x: Made) -> Made:
    return net.reshaped(source, y, (y.shape[0], y.shape[2])) if len(x.shape) == 2 else y


def _is_narrow(windows: Windows) -> bool:
    """Whether margins are at most half of a window, as pools have them."""
    reach = [extent(k, d) // 2 for k, d in zip(windows.kernel, windows.dilation, strict=True)]
    return all(max(each) <= half for *each, half in zip(windows.before, windows.after, reach, strict=True))


def _refuse_ceil_mode(source: Source, ceil_mode: bool) -> None:
    """Refuse windows that may begin in wide margins, which are no more to be told from the image."""
    if ceil_mode:
        source.refuse("pads must be at most half of the kernel where ceil_mode is 1")


@rule("MaxPool")
def max_pool(net: Network, source: Source, x: Any) -> Made:
    """Read the maximum of each window."""
    x = source.made(x)
    windows = windows_of(source, x.shape[1:]).of_images()
    images = _as_images(net, source, x)
    margins, ceil_mode = windows.margins, bool(source.integer("ceil_mode", 0))
    if not _is_narrow(windows):
        _refuse_ceil_mode(source, ceil_mode)
        images = net.call(source, "pad", images, padding=margins, value=-float(np.finfo(np.float32).max))
        margins = (0, 0, 0, 0)
    y = net.call(
        source,
        "max_pool2d",
        images,
        kernel_size=windows.kernel,
        stride=windows.stride,
        padding=margins,
        dilation=windows.dilation,
        ceil_mode=ceil_mode,
    )
    return _as_before(net, source, y, x)


@rule("AveragePool")
def average_pool(net: Network, source: Source, x: Any) -> Made:
    """Read the mean of each window."""
    x = source.made(x)
    windows = windows_of(source, x.shape[1:]).of_images()
    images, margins = _as_images(net, source, x), windows.margins
    counted, ceil_mode = (bool(source.integer(name, 0)) for name in ("count_include_pad", "ceil_mode"))
    if set(windows.dilation) != {1}:
        source.refuse("dilations must be 1: means of spread windows are not known here")
    if not _is_narrow(windows):
        if not counted:
            source.refuse("pads must be at most half of the kernel, or count")
        _refuse_ceil_mode(source, ceil_mode)
        images, margins = net.call(source, "pad", images, padding=margins), (0, 0, 0, 0)
    y = net.call(
        source,
        "avg_pool2d",
        images,
        kernel_size=windows.kernel,
        stride=windows.stride,
        padding=margins,
        ceil_mode=ceil_mode,
        count_include_pad=counted,
    )
    return _as_before(net, source, y, x)


@rule("GlobalAveragePool", "GlobalMaxPool")
def global_pool(net: Network, source: Source, x: Any) -> Made:
    """Read the mean or the maximum of all pixels."""
    x = source.made(x)
    kind = "avg" if source.kind == "GlobalAveragePool" else "max"
    if len(x.shape) == 3:
        return net.call(source, f"adaptive_{kind}_pool2d", x, output_size=1)
    axes = tuple(range(2, len(x.shape) + 1))
    return net.call(source, "mean" if kind == "avg" else "amax", x, dim=axes, keepdim=True) if axes else x


_REDUCTIONS = {
    "ReduceL1": ("sum", "Abs", None),
    "ReduceL2": ("sum", "Square", "sqrt"),
    "ReduceLogSum": ("sum", None, "log"),
    "ReduceLogSumExp": ("sum", "exp", "log"),
    "ReduceMax": ("amax", None, None),
    "ReduceMean": ("mean", None, None),
    "ReduceMin": ("amax", "neg", "neg"),
    "ReduceSum": ("sum", None, None),
    "ReduceSumSquare": ("sum", "Square", None),
}


@rule(*_REDUCTIONS)
def reduce(net: Network, source: Source, x: Any, given: Any = None) -> Made:
    """Read a sum, a mean or a maximum over axes, of a function of the values."""
    x = source.made(x)
    function, before, after = _REDUCTIONS[source.kind]
    axes = source.axes(given)
    if not axes and not source.integer("noop_with_empty_axes", 0):
        source.refuse("axes must be given: over all of them it would mix the samples of a batch")
    if source.kind == "ReduceLogSumExp":
        return _log_sum_exp(net, source, x, axes) if axes else x
    inner = x
    if before == "Square":
        inner = net.call(source, "mul", x, x)
    elif before == "Abs":
        inner = absolute(net, source, x)
    elif before is not None:
        inner = net.call(source, before, x)
    made = inner  # of no axes, only the function of each value is left
    if axes:
        made = net.call(source, function, inner, dim=axes, keepdim=bool(source.integer("keepdims", 1)))
    return made if after is None else net.call(source, after, made)


def _log_sum_exp(net: Network, source: Source, x: Made, axes: tuple[int, ...]) -> Made:
    """Return log(sum(exp(x))), with the maximum taken out so that nothing is too large."""
    top = net.call(source, "amax", x, dim=axes, keepdim=True)
    shifted = net.call(source, "exp", net.call(source, "sub", x, top))
    total = net.call(source, "log", net.call(source, "sum", shifted, dim=axes, keepdim=True))
    made = net.call(source, "add", total, top)
    if source.integer("keepdims", 1):
        return made
    kept = [i for i in range(1, len(x.shape) + 1) if i not in {axis % (len(x.shape) + 1) for axis in axes}]
    return net.reshaped(source, made, [x.shape[i - 1] for i in kept])
