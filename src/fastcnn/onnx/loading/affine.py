"""Normalisations that files write in parts: groups as instances of another shape, factors behind them.

A Reshape, a product and a sum are looked at when they are read. What their parts have made is left out in the
end if nothing else reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...zoo.definition import Call
from .naming import is_made_up, is_of_layer
from .network import Network
from .nodes import Source
from .values import Known, Made

_INSTANCES = ("InstanceNorm1d", "InstanceNorm2d")
_KINDS = (*_INSTANCES, "GroupNorm")


def instances(
    net: Network, source: Source, x: Made, names: Sequence[str], arrays: Mapping[str, np.ndarray]
) -> Made:
    """Apply a normalisation of each channel; perhaps with factors."""
    plain = has_no_factors(names, arrays)
    channels, eps = x.shape[0], source.epsilon()
    if len(x.shape) in (2, 3):
        kind = _INSTANCES[len(x.shape) - 2]
        arguments: dict[str, Any] = {"num_features": channels, "eps": eps, "affine": not plain}
    else:
        kind = "GroupNorm"
        arguments = {"num_groups": channels, "num_channels": channels, "eps": eps, "affine": not plain}
    return net.layer(source, kind, x, arguments, {} if plain else arrays, [] if plain else names)


def has_no_factors(names: Sequence[str], arrays: Mapping[str, np.ndarray | None]) -> bool:
    """Tell whether the factors of a node are ones and zeros which are there because it must have some."""
    weight, bias = arrays["weight"], arrays["bias"]
    is_plain = (weight is None or bool((weight == 1).all())) and (bias is None or not bias.any())
    return is_plain and not any(map(is_of_layer, names))


def regrouped(net: Network, source: Source, y: Made, sample: Sequence[int]) -> Made | None:
    """Return a normalisation of groups, if a Reshape ends one: of groups as the channels of lines."""
    inner = net.applied(y)
    if inner is None or inner.layer.kind != _INSTANCES[0] or inner.arrays:
        return None
    before, groups = net.origin(inner.x), y.shape[0]
    if before is None or not isinstance(before.what, Call) or before.what.function != "reshape":
        return None
    x = net.value(before.sources[0])
    if x.shape != tuple(sample) or x.shape[0] % groups:
        return None
    arguments = {
        "num_groups": groups,
        "num_channels": x.shape[0],
        "eps": inner.layer.arguments["eps"],
        "affine": False,
    }
    return net.layer(source, "GroupNorm", x, arguments, {})


def with_factors(net: Network, source: Source, function: str, a: Any, b: Any) -> Made | None:
    """Return a normalisation with factors, if a "mul" of one and an array, or an "add" to that, is it."""
    for y, array in ((a, b), (b, a)):
        inner = net.applied(y)
        if inner is None or inner.layer.kind not in _KINDS or not isinstance(array, Known):
            continue
        name = {("mul",): "weight", ("add", "weight"): "bias"}.get((function, *inner.arrays))
        if name is not None and _is_for_channels(net, source, array, y.shape):
            arguments = {**inner.layer.arguments, "affine": True, "bias": name == "bias"}
            arrays = {**inner.arrays, name: array.first.reshape(-1)}
            return net.layer(source, inner.layer.kind, inner.x, arguments, arrays, [*inner.names, array.name])
    return None


def _is_for_channels(net: Network, source: Source, array: Known, sample: Sequence[int]) -> bool:
    """Tell whether an array has a number for each channel, and is that of a layer: nothing else reads it."""
    shape = (sample[0], *(1,) * (len(sample) - 1))
    if not array.fixed or array.first.dtype.kind != "f" or array.first.shape not in (shape, (1, *shape)):
        return False
    own = {array.name, *(name for name in source.inputs if net.values.get(name) is array)} - {""}
    if any(len(net.users[name]) != 1 for name in own):
        return False
    if not array.name or is_made_up(array.name):
        return True
    return is_of_layer(array.name) and net.values[array.name].first.ndim == 1
