"""Normalisations, from ONNX."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..._shapes import check_size
from .affine import has_no_factors, instances
from .network import Network
from .nodes import Source, rule
from .values import Made, names_of


@rule("BatchNormalization")
def batch_norm(net: Network, source: Source, x: Any, scale: Any, shift: Any, mean: Any, var: Any) -> Made:
    """Read a batch normalisation with its running statistics."""
    x = source.made(x)
    if not source.integer("spatial", 1):
        source.refuse("spatial must be 1: statistics of each pixel are not known here")
    training = source.integer("training_mode", 0) or not source.integer("is_test", int(source.opset >= 7))
    if training or (source.opset < 14 and any(source.outputs[1:])):
        source.refuse("training_mode must be 0: a network trains when it is in training mode")
    arrays = {
        "weight": source.weights(scale, "scale"),
        "bias": source.weights(shift, "B"),
        "running_mean": source.weights(mean, "input_mean"),
        "running_var": source.weights(var, "input_var"),
        "num_batches_tracked": np.array(0),
    }
    names = names_of(scale, shift, mean, var)
    is_plain = has_no_factors(names[:2], arrays)
    if is_plain:
        arrays = {name: each for name, each in arrays.items() if name not in ("weight", "bias")}
    arguments = {
        "num_features": x.shape[0],
        "eps": source.epsilon(),
        "momentum": float(round(1 - source.number("momentum", 0.9), 7)),
        "affine": not is_plain,
    }
    kind = "BatchNorm2d" if len(x.shape) == 3 else "BatchNorm1d"
    images = x
    if len(x.shape) > 3:
        images = net.reshaped(source, x, (*x.shape[:2], math.prod(x.shape[2:])))
        kind = "BatchNorm2d"
    y = net.layer(source, kind, images, arguments, arrays, names)
    return net.reshaped(source, y, x.shape)


@rule("InstanceNormalization")
def instance_norm(net: Network, source: Source, x: Any, scale: Any, shift: Any) -> Made:
    """Read a normalisation of each channel of each sample by itself."""
    arrays = {"weight": source.weights(scale, "scale"), "bias": source.weights(shift, "B")}
    return instances(net, source, source.made(x), names_of(scale, shift), arrays)


@rule("GroupNormalization")
def group_norm(net: Network, source: Source, x: Any, scale: Any, shift: Any) -> Made:
    """Read a normalisation of groups of channels; before opset 21 its factors are those of groups."""
    x, groups = source.made(x), source.integer("num_groups", 1)
    arrays = {"weight": source.weights(scale, "scale"), "bias": source.weights(shift, "bias")}
    if source.opset < 21:
        if groups < 1 or x.shape[0] % groups:
            source.refuse(f"num_groups must divide {x.shape[0]} channels, got {groups}")
        if any(each.shape != (groups,) for each in arrays.values()):
            source.refuse(f"scale and bias must have a number for each of {groups} groups")
        check_size((x.shape[0],), 4, f"{source.where}: the factors of channels")
        arrays = {name: np.repeat(each, x.shape[0] // groups) for name, each in arrays.items()}
    arguments = {
        "num_groups": groups,
        "num_channels": x.shape[0],
        "eps": source.epsilon(),
        "affine": True,
    }
    return net.layer(source, "GroupNorm", x, arguments, arrays, names_of(scale, shift))


@rule("LayerNormalization")
def layer_norm(net: Network, source: Source, x: Any, scale: Any, shift: Any = None) -> Made:
    """Read a normalisation of the last axes."""
    x = source.made(x)
    ndim = len(x.shape) + 1
    axis = source.integer("axis", -1)
    if axis % ndim == 0 or not -ndim <= axis < ndim:
        source.refuse(f"axis must not be the batch, got {axis}")
    sizes = x.shape[axis % ndim - 1 :]
    factor, added = source.weights(scale, "Scale"), source.optional(shift, "B")
    arrays: dict[str, np.ndarray | None] = {
        "weight": source.spread(factor, sizes, "Scale"),
        "bias": None if added is None else source.spread(added, sizes, "B"),
    }
    names = names_of(scale, shift)
    is_plain = has_no_factors(names, arrays)
    arguments = {
        "normalized_shape": sizes,
        "eps": source.epsilon(),
        "elementwise_affine": not is_plain,
        "bias": added is not None,
    }
    return net.layer(source, "LayerNorm", x, arguments, {} if is_plain else arrays, names)


@rule("LRN")
def lrn(net: Network, source: Source, x: Any) -> Made:
    """Read x / (bias + alpha mean(x^2)) ** beta over channels.

    A window of an even size reaches one channel further on in ONNX, and one further back here: the channels
    are taken in the other order.
    """
    x, size = source.made(x), source.integer("size", 1)
    if size % 2 == 0:
        x = _turned(net, source, x)
    y = net.call(
        source,
        "local_response_norm",
        x,
        size=size,
        alpha=source.number("alpha", 1e-4),
        beta=source.number("beta", 0.75),
        k=source.number("bias", 1.0),
    )
    return _turned(net, source, y) if size % 2 == 0 else y


def _turned(net: Network, source: Source, x: Made) -> Made:
    return net.part(source, x, slice(None), slice(None, None, -1))
