"""The network of an estimator: by name, as data, from a factory, a module of one's own, or a dense one."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import nn, zoo
from .._arguments import short
from .._shapes import integer
from ..errors import ArgumentError, DTypeError
from ..recipes.experiment import build_network
from ..recipes.recipe import read_model
from .samples import Shape


def make_network(network: Any, hidden: Any, shape: Shape, outputs: int, seed: int, what: str) -> nn.Module:
    """Return the network that is trained, for samples of a shape.

    Parameters
    ----------
    network, hidden
        The parameters `network` and `hidden_layer_sizes` of an estimator, see there.
    shape : (C, H, W) or (F,)
        Of a sample.
    outputs : int
        What it has to make of one.
    seed : int
        Of its weights, but for a module, which keeps its own.
    what : str
        Opens the message of an error.

    Raises
    ------
    ArgumentError, DataError, DTypeError, ShapeError
        If there is no such network, or it does not fit.
    """
    if isinstance(network, nn.Module):
        return _checked(own_arrays(copy.deepcopy(network)), shape, outputs, what)
    scheme = "default"
    if network is None:
        made = zoo.from_dicts(_dense(hidden, outputs, what), shape, what)
        scheme = "xavier_uniform"  # as scikit-learn's own networks, which so learn faster in the first epochs
    elif isinstance(network, str | Mapping | Sequence):
        made, scheme = _from_data(network, shape, outputs, what)
    elif callable(network):
        made = network(shape, outputs)
        if not isinstance(made, nn.Module):
            raise DTypeError(f"{what}: network must return a Module, got {type(made).__name__}")
        made = _checked(made, shape, outputs, what)
    else:
        raise DTypeError(
            f"{what}: network must be a name of fastcnn.zoo, dicts, a function that returns a Module, or a "
            f"Module, got {short(network)}"
        )
    return made.initialize(scheme, seed)


def own_arrays(model: nn.Module) -> nn.Module:
    """Copy those arrays of a network that cannot be written, as those of a file that is mapped."""
    for parameter in model.parameters():
        parameter.data = parameter.data
    for module in model.modules():
        for name, values in module._buffers.items():
            module._buffers[name] = np.require(values, requirements=["C", "W"])
    return model


def _checked(model: nn.Module, shape: Shape, outputs: int, what: str) -> nn.Module:
    """Return a network if it makes of a sample what is needed."""
    zoo.check_logits(model, shape, outputs, f"{what}: the network")
    return model


def _dense(hidden: Any, outputs: int, what: str) -> list[dict[str, Any]]:
    """Return linear layers with ReLU between them."""
    sizes = hidden if isinstance(hidden, Sequence | np.ndarray) else [hidden]
    layers: list[dict[str, Any]] = []
    for size in sizes:
        features = integer(size, f"{what}: hidden_layer_sizes", 1)
        layers += [{"type": "Linear", "out_features": features}, {"type": "ReLU"}]
    return [*layers, {"type": "Linear", "out_features": outputs}]


def _from_data(network: Any, shape: Shape, outputs: int, what: str) -> tuple[nn.Module, str]:
    """Return the network of a name, or of what a recipe has of one, and the scheme of its first weights."""
    table = network
    if isinstance(network, str):
        table = {"name": network}
    elif not isinstance(network, Mapping):
        table = {"layers": list(network)}
    section, layers = read_model(table, what)
    if section.name is not None and len(shape) == 1:
        raise ArgumentError(
            f"{what}: {section.name!r} takes images, and X has rows of {shape[0]} numbers: say which shape "
            "they have, input_shape=(C, H, W)"
        )
    made = build_network(section, layers, shape, (outputs,), what)  # type: ignore[arg-type]
    return made, section.init
