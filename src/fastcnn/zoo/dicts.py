"""Networks as ordered lists of dicts, one a layer, as JSON and TOML have them.

    [{"type": "Conv2d", "out_channels": 32, "kernel_size": 5, "padding": 2},
     {"type": "ReLU"},
     {"type": "Residual", "body": [{"type": "Conv2d", "out_channels": 32, "kernel_size": 1}]},
     {"type": "Linear", "out_features": 10}]

``type`` is a class of `fastcnn.nn`, the other keys are its arguments. Sizes of the input (in_channels,
in_features, num_features, the shape of PositionBias) may be left out, and so may Flatten before Linear.
Residual, DenseResidual and Sequential have a ``body``: a list of dicts, or, but for Sequential, one dict.
``name`` may say what a layer is called in its Sequential; without it, it is numbered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import tomli_w

from .. import nn
from ..errors import ArgumentError, DataError, FastcnnError, suggestion
from .arguments import short
from .definition import MOST_LAYERS, MOST_LEVELS, Layer, build_layers
from .describe import describe
from .layers import BLOCKS, LAYERS, check_argument

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
# Layers behind which what was flat is still flat.
_POINTWISE = ("Dropout", "Linear", "LogSoftmax", "ReLU", "Softmax")


def parse(dicts: Sequence[Mapping[str, Any]], source: str, path: str = "layers") -> tuple[Layer, ...]:
    """Read the layers of a list of dicts.

    Parameters
    ----------
    dicts : sequence of mapping
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
    parser = _Parser(source)
    layers = parser.chain(dicts, path, 0)
    if not layers:
        raise DataError(f"{source}: {path} has no layers")
    return layers


def parse_json(text: str, source: str) -> tuple[Layer, ...]:
    """Read the layers of a JSON text: the list, or an object whose key "layers" is the list.

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


def parse_table(table: Mapping[str, Any], source: str) -> tuple[Layer, ...]:
    """Read the layers of a table whose only key is "layers"."""
    unknown = [key for key in table if key != "layers"]
    if unknown or "layers" not in table:
        raise DataError(
            f"{source}: a network is a list of layers, or a table with the key 'layers' alone; got the keys "
            f"{short(list(table))}"
        )
    return parse(table["layers"], source)


def from_dicts(
    dicts: Sequence[Mapping[str, Any]], input_shape: Sequence[int], source: str = "from_dicts"
) -> nn.Sequential:
    """Make the network that a list of dicts describes.

    Parameters
    ----------
    dicts : sequence of mapping
        See `fastcnn.zoo.dicts`.
    input_shape : (C, H, W) or (features,)
        Shape of one sample.
    source : str
        Opens messages.

    Raises
    ------
    DataError
        If the list is not right, a layer does not fit what comes before it, or the network does not fit into
        memory; the message names index and key.
    """
    return build_layers(parse(dicts, source), input_shape)


def to_dicts(model: nn.Module) -> list[dict[str, Any]]:
    """Return a network as a list of dicts; `from_dicts` makes one of the same layers, with new weights.

    What has its default, and sizes that follow from the input, are left out.

    Raises
    ------
    ArgumentError
        If a layer cannot be written, such as one of your own; the message names it.
    """
    layers, _ = _without_sizes(describe(model, "to_dicts"), False)
    for layer in layers:
        _check_names(layer)
    return plain(layers)


def plain(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Return layers as dicts of strings, numbers and lists."""
    return [_plain(layer) for layer in layers]


def to_json(dicts: Sequence[Mapping[str, Any]]) -> str:
    """Return a list of dicts as JSON, a layer a line."""
    return "\n".join(_json_lines(dicts, "")) + "\n"


def to_toml(dicts: Sequence[Mapping[str, Any]]) -> str:
    """Return a list of dicts as TOML: ``[[layers]]``.

    Raises
    ------
    ArgumentError
        If an argument is None, which TOML has no word for.
    """
    try:
        return tomli_w.dumps({"layers": list(dicts)})
    except TypeError as error:
        raise ArgumentError(f"to_toml: TOML has no word for None; use JSON ({error})") from error


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._count = 0

    def chain(self, value: object, path: str, level: int) -> tuple[Layer, ...]:
        if not isinstance(value, list | tuple):
            raise DataError(f"{self._source}: {path} must be a list of layers, got {short(value)}")
        return tuple(self._layer(each, f"{path}[{index}]", level) for index, each in enumerate(value))

    def _layer(self, value: object, path: str, level: int) -> Layer:
        self._count += 1
        place = f"{self._source}: {path}"
        if self._count > MOST_LAYERS:
            raise DataError(f"{place}: more than {MOST_LAYERS:,} layers")
        if level > MOST_LEVELS:
            raise DataError(f"{place}: more than {MOST_LEVELS} blocks inside each other")
        if not isinstance(value, Mapping):
            raise DataError(f"{place} must be a table such as {{'type': 'ReLU'}}, got {short(value)}")
        known = [*LAYERS, *BLOCKS]
        if "type" not in value:
            raise DataError(f"{place}: type is missing: one of {', '.join(known)}")
        kind = value["type"]
        if not isinstance(kind, str) or kind not in known:
            hint = suggestion(kind, known) if isinstance(kind, str) else ""
            raise DataError(f"{place}: unknown type {short(kind)}{hint}; there is {', '.join(known)}")
        where = f"{place} ({kind})"
        takes = ["type", "name", *(["body"] if kind in BLOCKS else LAYERS[kind].arguments)]
        for key in value:
            if key not in takes:
                hint = suggestion(key, takes) if isinstance(key, str) else ""
                raise DataError(f"{where}: unknown key {short(key)}{hint}; it takes {', '.join(takes)}")
        name = value.get("name")
        if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise DataError(f"{where}: name must be letters, digits, '_' and '-', got {short(name)}")
        if kind in BLOCKS:
            return Layer(kind, {}, where, name, self._body(value, kind, path, level))
        return Layer(kind, self._arguments(value, kind, where), where, name)

    def _body(self, value: Mapping[str, Any], kind: str, path: str, level: int) -> tuple[Layer, ...] | Layer:
        if "body" not in value:
            raise DataError(f"{self._source}: {path} ({kind}): body is missing: a list of layers")
        body = value["body"]
        if kind != "Sequential" and isinstance(body, Mapping):
            return self._layer(body, f"{path}.body", level + 1)
        return self.chain(body, f"{path}.body", level + 1)

    def _arguments(self, value: Mapping[str, Any], kind: str, where: str) -> dict[str, Any]:
        layer = LAYERS[kind]
        arguments = {}
        for key in layer.arguments:
            if key in value:
                try:
                    arguments[key] = check_argument(kind, key, value[key])
                except FastcnnError as error:
                    raise DataError(f"{where}: {error}") from error
            elif key not in layer.defaults and key not in layer.sizes:
                raise DataError(f"{where}: {key} is missing")
        return arguments


def _without_sizes(layers: Sequence[Layer], flat: bool) -> tuple[tuple[Layer, ...], bool]:
    """Return layers without sizes that follow from the input, and whether samples are flat behind them."""
    result = []
    for layer in layers:
        if layer.kind in BLOCKS:
            body, single = layer.body, isinstance(layer.body, Layer)
            inner, after = _without_sizes([body] if single else body, flat)  # type: ignore[list-item, arg-type]
            result.append(layer._replace(body=inner[0] if single else inner))
            flat = after
            continue
        sizes: Any = LAYERS[layer.kind].sizes
        if layer.kind == "Linear" and not flat:
            # It works on the last axis of whatever comes; without in_features it would flatten.
            sizes = ()
        given = {key: value for key, value in layer.arguments.items() if key not in sizes}
        result.append(layer._replace(arguments=given))
        whole = layer.kind == "Flatten" and layer.arguments == LAYERS["Flatten"].defaults
        flat = whole or (flat and layer.kind in _POINTWISE)
    return tuple(result), flat


def _check_names(layer: Layer) -> None:
    if layer.name is not None and not _NAME.fullmatch(layer.name):
        raise ArgumentError(f"{layer.where}: its name must be letters, digits, '_' and '-' to be written")
    body = layer.body or ()
    for each in (body,) if isinstance(body, Layer) else body:
        _check_names(each)


def _plain(layer: Layer) -> dict[str, Any]:
    table: dict[str, Any] = {"type": layer.kind}
    if layer.name is not None:
        table["name"] = layer.name
    if layer.kind in BLOCKS:
        body = layer.body or ()
        table["body"] = _plain(body) if isinstance(body, Layer) else plain(body)
        return table
    defaults = LAYERS[layer.kind].defaults
    for key, value in layer.arguments.items():
        if key not in defaults or value != defaults[key]:
            table[key] = list(value) if isinstance(value, tuple) else value
    return table


def _json_lines(dicts: Sequence[Mapping[str, Any]], indent: str) -> list[str]:
    lines = ["["]
    for index, table in enumerate(dicts):
        comma = "," if index < len(dicts) - 1 else ""
        body = table.get("body")
        if isinstance(body, list) and body:
            head = json.dumps({key: value for key, value in table.items() if key != "body"}, allow_nan=False)
            inner = _json_lines(body, f"{indent}  ")
            lines += [f'{indent}  {head[:-1]}, "body": [', *inner[1:-1], f"{indent}  ]}}{comma}"]
        else:
            lines.append(f"{indent}  {json.dumps(table, allow_nan=False)}{comma}")
    return [*lines, f"{indent}]"]
