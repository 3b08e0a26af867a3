"""The layers that a network in a file may have: their arguments, and how sizes follow from the input.

Nothing here makes a layer or an array: a file is understood, and found too large, in plain integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import nn
from .._shapes import conv_padding, padding4, pair, window
from ..errors import ArgumentError, ShapeError
from . import arguments
from .arguments import Check

Shape = tuple[int, ...]
Values = Mapping[str, Any]


# Shapes -----------------------------------------------------------------------------------------------


def _as_it_came(values: Values, shape: Shape) -> Shape:
    return shape


def _convolved(values: Values, shape: Shape) -> Shape:
    kernel, stride, dilation = (pair(values[key], key, 1) for key in ("kernel_size", "stride", "dilation"))
    groups, channels = values["groups"], (shape[0], values["out_channels"])
    if channels[0] % groups or channels[1] % groups:
        raise ArgumentError(
            f"in_channels {channels[0]} and out_channels {channels[1]} must be multiples of groups {groups}"
        )
    pads = conv_padding(values["padding"], kernel, stride, dilation, "padding")
    found = window(shape[1:], kernel, stride, pads, dilation, "conv2d")  # type: ignore[arg-type]
    return values["out_channels"], found.out_h, found.out_w


def _pooled(values: Values, shape: Shape) -> Shape:
    kernel = pair(values["kernel_size"], "kernel_size", 1)
    stride = kernel if values["stride"] is None else pair(values["stride"], "stride", 1)
    dilation = pair(values.get("dilation", 1), "dilation", 1)
    pads = padding4(values["padding"], "padding")
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    if max(pads[:2]) > extent[1] // 2 or max(pads[2:]) > extent[0] // 2:
        raise ArgumentError(f"padding may be at most half of the kernel, got {values['padding']!r}")
    hw: Any = shape[1:]
    found = window(hw, kernel, stride, pads, dilation, "pool2d", values["ceil_mode"])
    return shape[0], found.out_h, found.out_w


def _averaged(values: Values, shape: Shape) -> Shape:
    size = values["output_size"]
    wanted = size if isinstance(size, tuple) else (size, size)
    return shape[0], *(old if new is None else new for new, old in zip(wanted, shape[1:], strict=True))


def _padded(values: Values, shape: Shape) -> Shape:
    left, right, top, bottom = padding4(values["padding"], "padding")
    return shape[0], shape[1] + top + bottom, shape[2] + left + right


def _flattened(values: Values, shape: Shape) -> Shape:
    axes = len(shape) + 1
    start, end = values["start_dim"], values["end_dim"]
    start, end = start + axes if start < 0 else start, end + axes if end < 0 else end
    if not 1 <= start <= end < axes:
        raise ShapeError(
            f"start_dim {values['start_dim']} to end_dim {values['end_dim']} must be axes behind the batch "
            f"axis, of {axes} in all"
        )
    return *shape[: start - 1], math.prod(shape[start - 1 : end]), *shape[end:]


def _along(values: Values, shape: Shape) -> Shape:
    axes, dim = len(shape) + 1, values["dim"]
    if dim is not None and not -axes <= dim < axes:
        raise ShapeError(f"dim {dim} is none of the {axes} axes")
    return shape


def _connected(values: Values, shape: Shape) -> Shape:
    return *shape[:-1], values["out_features"]


# The layers -------------------------------------------------------------------------------------------


class LayerType(NamedTuple):
    """What a layer of a file may be.

    Attributes
    ----------
    make : type
        The class.
    arguments : dict of str to callable
        What each argument may be: ``check(value, name)`` returns it in one form, or raises.
    defaults : dict
        Of the arguments that may be left out; the sizes in `sizes` may be left out too.
    output : callable
        ``output(values, shape)``: the shape of a sample behind the layer.
    weights : callable
        ``weights(values)``: the shapes of its arrays, the largest first.
    sizes : dict of str to callable
        Arguments that follow from the shape of a sample in front of the layer.
    images : bool
        Whether a sample must be (C, H, W).
    """

    make: type[nn.Module]
    arguments: dict[str, Check]
    defaults: dict[str, Any] = {}  # noqa: RUF012
    output: Callable[[Values, Shape], Shape] = _as_it_came
    weights: Callable[[Values], list[Shape]] = lambda values: []
    sizes: dict[str, Callable[[Shape], Any]] = {}  # noqa: RUF012
    images: bool = False


def _kernels(values: Values) -> list[Shape]:
    depth = values["in_channels"] // values["groups"]
    return [(values["out_channels"], depth, *pair(values["kernel_size"], "kernel_size", 1))]


def _channels(shape: Shape) -> int:
    return shape[0]


_WINDOW: dict[str, Check] = {
    "kernel_size": arguments.one_or_two,
    "stride": arguments.optional(arguments.one_or_two),
    "padding": arguments.margins,
}
_WINDOW_DEFAULTS = {"stride": None, "padding": 0}
_SOFTMAX: dict[str, Any] = {
    "arguments": {"dim": arguments.optional(arguments.axis)},
    "defaults": {"dim": None},
    "output": _along,
}
LAYERS = {
    "AdaptiveAvgPool2d": LayerType(
        nn.AdaptiveAvgPool2d,
        {"output_size": arguments.optional(arguments.parts)},
        output=_averaged,
        images=True,
    ),
    "AvgPool2d": LayerType(
        nn.AvgPool2d,
        {
            **_WINDOW,
            "ceil_mode": arguments.flag,
            "count_include_pad": arguments.flag,
            "divisor_override": arguments.optional(arguments.count),
        },
        {**_WINDOW_DEFAULTS, "ceil_mode": False, "count_include_pad": True, "divisor_override": None},
        _pooled,
        images=True,
    ),
    "BatchNorm2d": LayerType(
        nn.BatchNorm2d,
        {
            "num_features": arguments.count,
            "eps": arguments.number,
            "momentum": arguments.optional(arguments.share),
            "affine": arguments.flag,
            "track_running_stats": arguments.flag,
            "bias": arguments.flag,
        },
        {"eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True, "bias": True},
        weights=lambda values: [(4, values["num_features"])],
        sizes={"num_features": _channels},
        images=True,
    ),
    "Conv2d": LayerType(
        nn.Conv2d,
        {
            "in_channels": arguments.count,
            "out_channels": arguments.count,
            "kernel_size": arguments.one_or_two,
            "stride": arguments.one_or_two,
            "padding": arguments.margins_or_word,
            "dilation": arguments.one_or_two,
            "groups": arguments.count,
            "bias": arguments.flag,
        },
        {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
        _convolved,
        _kernels,
        {"in_channels": _channels},
        images=True,
    ),
    "Dropout": LayerType(nn.Dropout, {"p": arguments.share}, {"p": 0.5}),
    "Flatten": LayerType(
        nn.Flatten,
        {"start_dim": arguments.axis, "end_dim": arguments.axis},
        {"start_dim": 1, "end_dim": -1},
        _flattened,
    ),
    "Identity": LayerType(nn.Identity, {}),
    "Linear": LayerType(
        nn.Linear,
        {"in_features": arguments.count, "out_features": arguments.count, "bias": arguments.flag},
        {"bias": True},
        _connected,
        lambda values: [(values["out_features"], values["in_features"])],
        {"in_features": lambda shape: shape[-1]},
    ),
    "LogSoftmax": LayerType(nn.LogSoftmax, **_SOFTMAX),
    "MaxPool2d": LayerType(
        nn.MaxPool2d,
        {**_WINDOW, "dilation": arguments.one_or_two, "ceil_mode": arguments.flag},
        {**_WINDOW_DEFAULTS, "dilation": 1, "ceil_mode": False},
        _pooled,
        images=True,
    ),
    "PositionBias": LayerType(
        nn.PositionBias,
        {"shape": arguments.sample},
        weights=lambda values: [values["shape"]],
        sizes={"shape": lambda shape: shape},
        images=True,
    ),
    "ReLU": LayerType(nn.ReLU, {}),
    "Softmax": LayerType(nn.Softmax, **_SOFTMAX),
    "ZeroPad2d": LayerType(nn.ZeroPad2d, {"padding": arguments.margins}, output=_padded, images=True),
}
# Layers with a body of layers, and what class each is.
BLOCKS: dict[str, Callable[..., nn.Module]] = {
    "DenseResidual": nn.DenseResidual,
    "Residual": nn.Residual,
    "Sequential": nn.Sequential,
}


def check_argument(kind: str, key: str, value: Any) -> Any:
    """Return the value of an argument in one form.

    Raises
    ------
    ArgumentError, DTypeError
        If it cannot have that value; the message starts with the name of the argument.
    """
    return LAYERS[kind].arguments[key](arguments.plain(value, key), key)
