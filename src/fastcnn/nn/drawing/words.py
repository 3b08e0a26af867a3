"""What a picture says of an operation: its kind, and the settings that are not the usual ones."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from ... import graph
from ..opaque import Opaque

Inputs = tuple[Any, ...]

# What a colour stands for.
KINDS = ("conv", "linear", "norm", "activation", "pool", "join", "shape", "arithmetic", "own", "end")
_KINDS: dict[type, str] = {
    graph.Conv1d: "conv",
    graph.Conv2d: "conv",
    graph.ConvTranspose2d: "conv",
    graph.Linear: "linear",
    graph.BatchNorm: "norm",
    graph.Dropout: "norm",
    graph.Activation: "activation",
    graph.PReLU: "activation",
    graph.Softmax: "activation",
    graph.LogSoftmax: "activation",
    graph.MaxPool2d: "pool",
    graph.AvgPool2d: "pool",
    graph.AdaptiveAvgPool2d: "pool",
    graph.AdaptiveMaxPool2d: "pool",
    graph.MaxPoolWithIndices: "pool",
    graph.MaxUnpool2d: "pool",
    graph.Concat: "join",
    graph.Flatten: "shape",
    graph.Reshape: "shape",
    graph.Permute: "shape",
    graph.Slice: "shape",
    graph.Pad: "shape",
    graph.Unflatten: "shape",
    graph.PixelShuffle: "shape",
    graph.PixelUnshuffle: "shape",
    graph.ChannelShuffle: "shape",
    graph.Interpolate: "shape",
    graph.Detach: "shape",
    Opaque: "own",
}


def kind_of(operation: graph.Operation, joins: bool) -> str:
    """Return the kind of an operation; `joins` says that it takes more than one value."""
    kind = next((_KINDS[each] for each in type(operation).__mro__ if each in _KINDS), "arithmetic")
    return "join" if kind == "arithmetic" and joins else kind


def sizes(shape: Any) -> str:
    """Return sizes as 3×32×32."""
    return "×".join(map(str, shape))


@singledispatch
def settings(operation: graph.Operation, inputs: Inputs) -> str:
    """Return what an operation was told, beside what its shape tells, for its inputs."""
    return ""


@settings.register(graph.Conv1d)
@settings.register(graph.Conv2d)
@settings.register(graph.ConvTranspose2d)
def _(operation: graph.Conv1d | graph.Conv2d | graph.ConvTranspose2d, inputs: Inputs) -> str:
    geometry = operation.geometry
    return _joined(
        sizes(inputs[1].shape[2:]),
        _unusual("stride", geometry["stride"], 1),
        _unusual("padding", geometry["padding"], 0),
        _unusual("output padding", geometry.get("output_padding", 0), 0),
        _unusual("dilation", geometry["dilation"], 1),
        _unusual("groups", geometry["groups"], 1),
    )


@settings.register
def _(operation: graph.Linear, inputs: Inputs) -> str:
    return " → ".join(map(str, reversed(inputs[1].shape)))


@settings.register(graph.MaxPool2d)
@settings.register(graph.AvgPool2d)
@settings.register(graph.MaxUnpool2d)
def _(operation: graph.MaxPool2d | graph.AvgPool2d | graph.MaxUnpool2d, inputs: Inputs) -> str:
    kernel, stride, padding = operation.window[:3]
    pair = _pair(kernel)
    step = pair if stride is None else _pair(stride)
    return _joined(
        sizes(pair),
        "" if step == pair else f"stride {_one(step)}",
        _unusual("padding", padding, 0),
    )


@settings.register
def _(operation: graph.MaxPoolWithIndices, inputs: Inputs) -> str:
    return settings(operation.pool, inputs)


@settings.register
def _(operation: graph.Dropout, inputs: Inputs) -> str:
    return f"p = {operation.owner.p:g}"


@settings.register
def _(operation: graph.Clamp, inputs: Inputs) -> str:
    low, high = operation.limits
    return _joined("" if low is None else f"from {low:g}", "" if high is None else f"to {high:g}")


@settings.register(graph.Mean)
@settings.register(graph.Sum)
@settings.register(graph.Amax)
def _(operation: graph.Mean | graph.Sum | graph.Amax, inputs: Inputs) -> str:
    return "" if operation.dim is None else f"over {_axes(operation.dim)}"


@settings.register(graph.Softmax)
@settings.register(graph.LogSoftmax)
def _(operation: graph.Softmax | graph.LogSoftmax, inputs: Inputs) -> str:
    return "" if operation.dim is None else f"over {_axes(operation.dim)}"


@settings.register
def _(operation: graph.Concat, inputs: Inputs) -> str:
    return _axes(operation.dim)


@settings.register
def _(operation: graph.Permute, inputs: Inputs) -> str:
    return f"to {_axes(operation.dims)}"


@settings.register
def _(operation: graph.Slice, inputs: Inputs) -> str:
    return f"[{', '.join(map(_place, operation.index))}]"


@settings.register
def _(operation: graph.Pad, inputs: Inputs) -> str:
    return _joined(f"by {_one(operation.padding)}", f"with {operation.value:g}" if operation.value else "")


@settings.register
def _(operation: graph.Interpolate, inputs: Inputs) -> str:
    given = operation.given
    return _joined(
        given.mode, "corners aligned" if given.align_corners else "", "smoothed" if given.antialias else ""
    )


@settings.register
def _(operation: graph.PixelShuffle, inputs: Inputs) -> str:
    return f"by {operation.upscale_factor}"


@settings.register
def _(operation: graph.PixelUnshuffle, inputs: Inputs) -> str:
    return f"by {operation.downscale_factor}"


@settings.register
def _(operation: graph.ChannelShuffle, inputs: Inputs) -> str:
    return f"of {operation.groups} groups"


for _kind in (graph.Add, graph.Subtract, graph.Multiply, graph.Divide, graph.Power):

    @settings.register(_kind)
    def _(operation: graph.Operation, inputs: Inputs) -> str:
        numbers = [each for each in inputs if not isinstance(each, graph.Operand) and np.ndim(each) == 0]
        return f"with {float(numbers[0]):g}" if numbers else ""


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _unusual(name: str, value: Any, usual: int) -> str:
    """Return a setting, and nothing if it is what it is when nobody says anything."""
    if isinstance(value, str):
        return f"{name} {value}"
    values = (value,) if isinstance(value, int | np.integer) else tuple(value)
    return "" if all(each == usual for each in values) else f"{name} {_one(values)}"


def _pair(value: Any) -> tuple[int, ...]:
    return (int(value), int(value)) if isinstance(value, int | np.integer) else tuple(value)


def _one(value: Any) -> str:
    """Return one number for equal ones."""
    values = _pair(value)
    return str(values[0]) if len(set(values)) == 1 else sizes(values)


def _axes(dim: Any) -> str:
    several = isinstance(dim, tuple | list)
    return f"axes {', '.join(map(str, dim))}" if several else f"axis {dim}"


def _place(part: Any) -> str:
    if not isinstance(part, slice):
        return "..." if part is Ellipsis else str(part)
    ends = ["" if each is None else str(each) for each in (part.start, part.stop)]
    return ":".join(ends if part.step is None else [*ends, str(part.step)])
