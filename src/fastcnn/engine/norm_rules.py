"""Lowering rules of normalisations: over the batch, and of each image by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import graph, nn
from .._outputs import normalized_sizes
from ..ops._check import is_number
from .graph import Value
from .nodes.group_norm import GroupNorm, Running
from .nodes.local_response_norm import LocalResponseNorm
from .normalization import Normalization
from .rules import Lowering, Source, elementwise, tensor, trains
from .shape_rules import channels_first, channels_last, unmoved
from .tracing import UnsupportedError
from .view import View


def batch_norm(lowering: Lowering, op: graph.BatchNorm, x: Source, weight: Source, bias: Source) -> View:
    """Lower batch normalisation; without running statistics it has those of the batch in predictions too."""
    view = lowering.laid_out(tensor(lowering, x, "BatchNorm2d").as_features())
    shape = (view.value.channels,)
    parameters = _parameters(lowering, weight, bias, shape)
    numbers: Any = op if op.owner is None else op.owner  # a layer's may change between calls
    if not is_number(numbers.eps) or not (numbers.momentum is None or is_number(numbers.momentum)):
        raise UnsupportedError("a normalisation without a number for eps or momentum")
    statistics = {"running_mean": op.running_mean, "running_var": op.running_var}
    for name, each in statistics.items():
        if each is not None:
            lowering.array(each, shape, f"BatchNorm2d with a {name}")
    counter = op.num_batches_tracked
    if counter is not None and not (counter.dtype == np.int64 and counter.ndim == 0):
        raise UnsupportedError("BatchNorm2d with a num_batches_tracked that is no int64")
    tracked = any(each is not None for each in statistics.values())
    norm = Normalization(
        *parameters,
        running_mean=op.running_mean,
        running_var=op.running_var,
        num_batches_tracked=counter,
        eps=lambda: numbers.eps,
        momentum=None if numbers.momentum is None else lambda: numbers.momentum,
        fixed=not (trains(lowering, op) if tracked else op.training),
    )
    return elementwise(lowering, view, norm=norm)


def group_norm(lowering: Lowering, op: graph.GroupNorm, x: Source, weight: Source, bias: Source) -> View:
    """Lower group normalisation: each image's groups of channels over all pixels."""
    view = tensor(lowering, x, "GroupNorm")
    view = lowering.written(lowering.laid_out(view.as_features()))
    value = view.value
    made = _normalize(
        lowering, value, weight, bias, (value.channels,), op.groups(value.channels), False, op.eps
    )
    return view.of(made)


def instance_norm(
    lowering: Lowering, op: graph.InstanceNorm, x: Source, weight: Source, bias: Source
) -> View:
    """Lower normalisation of each image's channels that keeps running statistics."""
    if not lowering.training:
        raise UnsupportedError("InstanceNorm that trains in evaluation mode")
    view = lowering.written(tensor(lowering, x, "InstanceNorm"))
    channels = view.value.channels
    for name, each in (("running_mean", op.running_mean), ("running_var", op.running_var)):
        lowering.array(each, (channels,), f"InstanceNorm with a {name}")
    if not is_number(op.momentum):
        raise UnsupportedError("a normalisation without a number for eps or momentum")
    running = Running(op.running_mean, op.running_var, op.momentum)
    made = _normalize(lowering, view.value, weight, bias, (channels,), channels, False, op.eps, running)
    return view.of(made)


def layer_norm(lowering: Lowering, op: graph.LayerNorm, x: Source, weight: Source, bias: Source) -> View:
    """Lower normalisation of the last axes, whose elements become the channels of a pixel."""
    view = unmoved(lowering, x, "LayerNorm")
    sizes = normalized_sizes(op.normalized_shape, "LayerNorm")
    value = channels_first(lowering, view, len(sizes))
    made = _normalize(lowering, value, weight, bias, sizes, 1, True, op.eps)
    return channels_last(made, view.shape)


def local_response_norm(lowering: Lowering, op: graph.LocalResponseNorm, x: Source) -> View:
    """Lower normalisation by the squares of neighbouring channels."""
    view = lowering.written(tensor(lowering, x, "LocalResponseNorm"))
    value = view.value
    y = Value(*value.sizes)
    return view.of(lowering.append(LocalResponseNorm(value, y, op.numbers(value.channels))).value)


def _normalize(
    lowering: Lowering,
    value: Value,
    weight: Source,
    bias: Source,
    shape: tuple[int, ...],
    groups: int,
    each_pixel: bool,
    eps: float,
    running: Running | None = None,
) -> Value:
    """Append a normalisation whose scale and shift have a shape."""
    if not is_number(eps):
        raise UnsupportedError("a normalisation without a number for eps")
    parameters = _parameters(lowering, weight, bias, shape)
    y = Value(*value.sizes)
    node = GroupNorm(value, y, *parameters, groups, each_pixel, eps, running=running)
    return lowering.append(node).value


def _parameters(
    lowering: Lowering, weight: Source, bias: Source, shape: tuple[int, ...]
) -> tuple[nn.Parameter | None, nn.Parameter | None]:
    """Return a scale and a shift that the program can read."""
    for each in (weight, bias):
        if each is not None and not isinstance(each, nn.Parameter):
            raise UnsupportedError("a normalisation with a scale or shift that is no parameter")
        if each is not None:
            lowering.weight(each, shape)
    return weight, bias  # type: ignore[return-value]
