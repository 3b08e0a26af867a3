"""Networks as ordered lists of dicts, one a layer, as JSON and TOML have them.

    [{"type": "Conv2d", "out_channels": 32, "kernel_size": 5, "padding": 2},
     {"type": "ReLU"},
     {"type": "Residual", "body": [{"type": "Conv2d", "out_channels": 32, "kernel_size": 1}]},
     {"type": "Linear", "out_features": 10}]

``type`` is a class of `fastcnn.nn`, the other keys are its arguments. Sizes of the input (in_channels,
in_features, num_features, the shape of PositionBias) may be left out, and so may Flatten before Linear.
Residual, DenseResidual and Sequential have a ``body``: a list of dicts, or, but for Sequential, one dict; so
is the ``shortcut`` of Residual. ``name`` may say what a layer is called in its Sequential; without it, it is
numbered.

What is no chain is a table of nodes instead, see `fastcnn.zoo.nodes`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .. import nn
from .._arguments import short
from ..errors import ArgumentError, DataError
from ..nn.declaration import FEATURES
from .building import build_layers
from .definition import Chain, Definition, Layer, chain_of
from .describe import describe
from .describe_nodes import describe_nodes
from .layers import LAYERS, find, is_flat_behind
from .nodes import parse_nodes
from .parser import NAME, Parser
from .written import Dicts, plain, to_json, to_toml

__all__ = ["from_dicts", "parse", "parse_json", "parse_table", "plain", "to_dicts", "to_json", "to_toml"]


def parse(dicts: Dicts, source: str, path: str = "layers") -> Definition:
    """Read the layers of a list of dicts, or the nodes of a table.

    Parameters
    ----------
    dicts : sequence of mapping, or mapping
    source : str
        What messages call it: the file's path.
    path : str
        What messages call the list.

    Raises
    ------
    DataError
        If a type or a key is not known or missing, or a value is not what its key takes; the message names
        source, index and key.
    """
    if isinstance(dicts, Mapping) and "nodes" in dicts:
        return parse_nodes(dicts, source)
    layers = Parser(source).chain(dicts, path, 0)
    if not layers:
        raise DataError(f"{source}: {path} has no layers")
    return layers


def parse_json(text: str, source: str) -> Definition:
    """Read a JSON text: the list of layers, an object whose key "layers" is the list, or one of nodes.

    Raises
    ------
    DataError
        If it is not JSON, or not right; see `parse`.
    """
    try:
        value = json.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise DataError(f"{source}: not a JSON file: brackets are nested too deep") from None
    except ValueError as error:  # JSONDecodeError, and integers with thousands of digits
        raise DataError(f"{source}: not a JSON file: {error}") from error
    return parse_table(value, source) if isinstance(value, Mapping) else parse(value, source)


def parse_table(table: Mapping[str, Any], source: str) -> Definition:
    """Read the layers of a table whose only key is "layers", or the nodes of one that has them."""
    if "nodes" in table:
        return parse_nodes(table, source)
    unknown = [key for key in table if key != "layers"]
    if unknown or "layers" not in table:
        raise DataError(
            f"{source}: a network is a list of layers, or a table with the key 'layers' alone, or nodes; "
            f"got the keys {short(list(table))}"
        )
    return parse(table["layers"], source)


def from_dicts(dicts: Dicts, input_shape: Sequence[Any], source: str = "from_dicts") -> nn.Module:
    """Make the network that a list of dicts, or a table of nodes, describes.

    Parameters
    ----------
    dicts : sequence of mapping, or mapping
        See `fastcnn.zoo.dicts` and `fastcnn.zoo.nodes`.
    input_shape : (C, H, W), (C, L) or (features,)
        Shape of one sample; for a network with several inputs, one for each.
    source : str
        Opens messages.

    Returns
    -------
    Sequential, or for nodes a module that computes what they say

    Raises
    ------
    DataError
        If it is not right, a layer does not fit what comes before it, or the network does not fit into
        memory; the message names index and key.
    """
    return build_layers(parse(dicts, source), input_shape)


def to_dicts(model: nn.Module, input_shape: Sequence[Any] | None = None) -> Any:
    """Return a network as a list of dicts, or a table of nodes.

    `from_dicts` makes one of the same layers, with new weights. What has its default, and sizes that follow
    from the input, are left out.

    Parameters
    ----------
    model : Module
    input_shape : (C, H, W), (C, L) or (features,), optional
        Shape of one sample, for several inputs one for each. It is needed for what is no chain, no
        `Sequential` of layers that files have: its forward is traced.

    Raises
    ------
    ArgumentError
        If a part cannot be written, such as a layer of your own; the message names it.
    """
    try:
        layers, _ = _without_sizes(describe(model, "to_dicts"), False)
        for layer in layers:
            _check_names(layer)
    except ArgumentError:
        if input_shape is None:
            raise
        return plain(describe_nodes(model, input_shape, "to_dicts"))
    return plain(layers)


def _without_sizes(layers: Sequence[Layer], flat: bool) -> tuple[Chain, bool]:
    """Return layers without sizes that follow from the input, and whether samples are flat behind them."""
    result = []
    for layer in layers:
        if layer.kind in LAYERS:
            # What takes features works on the last axis of whatever comes; without its size it would flatten.
            found = find(layer.kind).found if flat or find(layer.kind).takes != FEATURES else {}
            given = {key: value for key, value in layer.arguments.items() if key not in found}
            result.append(layer._replace(arguments=given))
            flat = is_flat_behind(layer.kind, layer.arguments, flat)
            continue
        bodies, after = {}, flat
        for key, body in layer.bodies.items():
            inner, after = _without_sizes(chain_of(body), flat)
            bodies[key] = inner[0] if isinstance(body, Layer) else inner
        result.append(layer._replace(bodies=bodies))
        flat = after
    return tuple(result), flat


def _check_names(layer: Layer) -> None:
    if layer.name is not None and not NAME.fullmatch(layer.name):
        raise ArgumentError(f"{layer.where}: its name must be letters, digits, '_' and '-' to be written")
    for body in layer.bodies.values():
        for each in chain_of(body):
            _check_names(each)
