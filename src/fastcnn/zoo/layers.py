"""The layers that a network in a file may have: their arguments, and how sizes follow from the input.

Nothing here makes a layer or an array: a file is understood, and found too large, in plain integers.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import nn
from .._shapes import INT_MAX, conv_padding, integer, padding4, pair, window
from ..errors import ArgumentError, DTypeError, ShapeError

Shape = tuple[int, ...]
Values = Mapping[str, Any]
Check = Callable[[Any, str], Any]
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 100


def short(value: object) -> str:
    """Return a value as a message shows it, however long it is."""
    return _short.repr(value)


# Arguments --------------------------------------------------------------------------------------------


def _plain(value: Any, name: str) -> Any:
    """Return lists as tuples; refuse integers that no size has, before a message shows all their digits."""
    if isinstance(value, list | tuple):
        if len(value) > 4:
            raise ArgumentError(f"{name} must be a number or a few, got {len(value)}")
        return tuple(_plain(each, name) for each in value)
    if isinstance(value, int) and abs(value) > INT_MAX:
        raise ArgumentError(f"{name} must be below 2**63, got {short(value)}")
    return value


def _count(value: Any, name: str) -> int:
    return integer(value, name, 1)


def _pair(value: Any, name: str) -> Any:
    numbers = pair(value, name, 1)
    return numbers[0] if numbers[0] == numbers[1] else numbers


def _padding(value: Any, name: str) -> Any:
    padding4(value, name)
    return value


def _padding_or_word(value: Any, name: str) -> Any:
    return value if value in ("same", "valid") else _padding(value, name)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise DTypeError(f"{name} must be true or false, got {short(value)}")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DTypeError(f"{name} must be a number, got {short(value)}")
    if not (math.isfinite(value) and value >= 0):
        raise ArgumentError(f"{name} must be at least 0 and finite, got {value}")
    return value


def _share(value: Any, name: str) -> float:
    if _number(value, name) > 1:
        raise ArgumentError(f"{name} must lie in [0, 1], got {value}")
    return value


def _axis(value: Any, name: str) -> int:
    return integer(value, name, -4)


def _sample(value: Any, name: str) -> tuple[int, ...]:
    if not isinstance(value, tuple) or len(value) != 3:
        raise ShapeError(f"{name} must be (C, H, W), got {short(value)}")
    return tuple(integer(size, name, 1) for size in value)


def _part(value: Any, name: str) -> Any:
    if not isinstance(value, tuple):
        return integer(value, name, 1)
    if len(value) != 2:
        raise ArgumentError(f"{name} must be an integer or two, got {short(value)}")
    return tuple(None if each is None else integer(each, name, 1) for each in value)


def _optional(check: Check) -> Check:
    """Return a check that lets None pass."""
    return lambda value, name: None if value is None else check(value, name)


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


_WINDOW: dict[str, Check] = {"kernel_size": _pair, "stride": _optional(_pair), "padding": _padding}
_WINDOW_DEFAULTS = {"stride": None, "padding": 0}
_SOFTMAX: dict[str, Any] = {
    "arguments": {"dim": _optional(_axis)},
    "defaults": {"dim": None},
    "output": _along,
}
LAYERS = {
    "AdaptiveAvgPool2d": LayerType(
        nn.AdaptiveAvgPool2d, {"output_size": _optional(_part)}, output=_averaged, images=True
    ),
    "AvgPool2d": LayerType(
        nn.AvgPool2d,
        {**_WINDOW, "ceil_mode": _flag, "count_include_pad": _flag, "divisor_override": _optional(_count)},
        {**_WINDOW_DEFAULTS, "ceil_mode": False, "count_include_pad": True, "divisor_override": None},
        _pooled,
        images=True,
    ),
    "BatchNorm2d": LayerType(
        nn.BatchNorm2d,
        {
            "num_features": _count,
            "eps": _number,
            "momentum": _optional(_share),
            "affine": _flag,
            "track_running_stats": _flag,
        },
        {"eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True},
        weights=lambda values: [(4, values["num_features"])],
        sizes={"num_features": _channels},
        images=True,
    ),
    "Conv2d": LayerType(
        nn.Conv2d,
        {
            "in_channels": _count,
            "out_channels": _count,
            "kernel_size": _pair,
            "stride": _pair,
            "padding": _padding_or_word,
            "dilation": _pair,
            "groups": _count,
            "bias": _flag,
        },
        {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True},
        _convolved,
        _kernels,
        {"in_channels": _channels},
        images=True,
    ),
    "Dropout": LayerType(nn.Dropout, {"p": _share}, {"p": 0.5}),
    "Flatten": LayerType(
        nn.Flatten, {"start_dim": _axis, "end_dim": _axis}, {"start_dim": 1, "end_dim": -1}, _flattened
    ),
    "Linear": LayerType(
        nn.Linear,
        {"in_features": _count, "out_features": _count, "bias": _flag},
        {"bias": True},
        _connected,
        lambda values: [(values["out_features"], values["in_features"])],
        {"in_features": lambda shape: shape[-1]},
    ),
    "LogSoftmax": LayerType(nn.LogSoftmax, **_SOFTMAX),
    "MaxPool2d": LayerType(
        nn.MaxPool2d,
        {**_WINDOW, "dilation": _pair, "ceil_mode": _flag},
        {**_WINDOW_DEFAULTS, "dilation": 1, "ceil_mode": False},
        _pooled,
        images=True,
    ),
    "PositionBias": LayerType(
        nn.PositionBias,
        {"shape": _sample},
        weights=lambda values: [values["shape"]],
        sizes={"shape": lambda shape: shape},
        images=True,
    ),
    "ReLU": LayerType(nn.ReLU, {}),
    "Softmax": LayerType(nn.Softmax, **_SOFTMAX),
    "ZeroPad2d": LayerType(nn.ZeroPad2d, {"padding": _padding}, output=_padded, images=True),
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
    return LAYERS[kind].arguments[key](_plain(value, key), key)
