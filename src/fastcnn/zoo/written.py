"""Networks as dicts of strings, numbers and lists, and those as JSON and TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import tomli_w

from .. import graph
from ..errors import ArgumentError
from .definition import INPUT, PARAMETER, Call, Definition, Layer, Node, Nodes, Weight
from .layers import find

# What is written: a list of layers, or a table of nodes.
Dicts = Sequence[Mapping[str, Any]] | Mapping[str, Any]


def plain(network: Definition | Sequence[Layer]) -> Any:
    """Return a list of layers, or for what is no chain a table of nodes."""
    return _table(network) if isinstance(network, Nodes) else [_layer(each) for each in network]


def _layer(layer: Layer) -> dict[str, Any]:
    table: dict[str, Any] = {"type": layer.kind}
    if layer.name is not None:
        table["name"] = layer.name
    for key, body in layer.bodies.items():
        table[key] = _layer(body) if isinstance(body, Layer) else plain(body)
    table.update(_others(layer.arguments, find(layer.kind).defaults))
    return table


def _others(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that have not their default."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in values.items()
        if key not in defaults or value != defaults[key]
    }


def _table(network: Nodes) -> dict[str, Any]:
    names = _names(network)
    table: dict[str, Any] = {} if network.inputs == (INPUT,) else {"inputs": list(network.inputs)}
    last = len(names) - 1
    if network.output != last:
        output = graph.replaced(network.output, names.__getitem__)
        table["output"] = list(output) if isinstance(output, tuple) else output
    table["nodes"] = [_node(each, number, network, names) for number, each in enumerate(network.nodes)]
    return table


def _node(node: Node, number: int, network: Nodes, names: list[str | None]) -> dict[str, Any]:
    first = len(network.inputs)
    table: dict[str, Any] = {}
    name = names[first + number]
    if name is not None and not (node.name is None and isinstance(node.what, Layer)):
        table["name"] = name
    if isinstance(node.what, int):
        table["layer"] = names[first + node.what]
    elif isinstance(node.what, Call):
        table["type"] = node.what.function
    elif isinstance(node.what, Weight):
        table["type"] = PARAMETER
    else:
        table["type"] = node.what.kind
    if node.sources and node.sources != _usual(number, first):
        given = [names[each] if isinstance(each, int) else each for each in node.sources]
        table["inputs"] = given if len(given) > 1 else given[0]
    if node.also:
        table["also"] = list(node.also)
    if isinstance(node.what, Call):
        table.update(_others(node.what.settings, graph.FUNCTIONS[node.what.function].defaults))
    elif isinstance(node.what, Layer):
        table.update(_layer(node.what))
    elif isinstance(node.what, Weight):
        table.update(_others(node.what._asdict(), Weight._field_defaults))
    return table


def _usual(number: int, inputs: int) -> tuple[int, ...] | None:
    """Return what a node is applied to that does not say it."""
    return None if number == 0 and inputs > 1 else (inputs + number - 1,)


def _names(network: Nodes) -> list[str | None]:
    """Return the names of all values; of functions, those that others refer to have one."""
    first = len(network.inputs)
    names: list[str | None] = [*network.inputs]
    for number, node in enumerate(network.nodes):
        names.append(str(number) if node.name is None and isinstance(node.what, Layer) else node.name)
    needed = set() if network.output == len(names) - 1 else set(graph.leaves(network.output))
    for number, node in enumerate(network.nodes):
        if node.sources != _usual(number, first):
            needed.update(each for each in node.sources if isinstance(each, int))
    taken = {name for name in names if name is not None}
    for value in sorted(needed):
        if names[value] is None:
            node = network.nodes[value - first]
            base = node.what.function if isinstance(node.what, Call) else f"{names[first + node.what]}_again"
            count, name = 1, base
            while name in taken:
                count += 1
                name = f"{base}_{count}"
            names[value] = name
            taken.add(name)
    return names


def to_json(dicts: Dicts) -> str:
    """Return a list of dicts as JSON, a layer a line; or a table of nodes, a node a line."""
    if not isinstance(dicts, Mapping):
        return "\n".join(_json_lines(dicts, "")) + "\n"
    head = [f'"{key}": {_json(value)}, ' for key, value in dicts.items() if key != "nodes"]
    first, *rest = _json_lines(dicts["nodes"], "")
    return "\n".join([f'{{{"".join(head)}"nodes": {first}', *rest]) + "}\n"


def to_toml(dicts: Dicts) -> str:
    """Return a list of dicts as TOML: ``[[layers]]``; or a table of nodes: ``[[nodes]]``.

    Raises
    ------
    ArgumentError
        If an argument is None, which TOML has no word for.
    """
    try:
        return tomli_w.dumps(dict(dicts) if isinstance(dicts, Mapping) else {"layers": list(dicts)})
    except TypeError as error:
        raise ArgumentError(f"to_toml: TOML has no word for None; use JSON ({error})") from error


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _json_lines(dicts: Sequence[Mapping[str, Any]], indent: str) -> list[str]:
    lines = ["["]
    for index, table in enumerate(dicts):
        comma = "," if index < len(dicts) - 1 else ""
        bodies = {key: value for key, value in table.items() if _is_chain(value)}
        text = _json({key: value for key, value in table.items() if key not in bodies})
        lines.append(f"{indent}  {text}")
        for key, body in bodies.items():
            inner = _json_lines(body, f"{indent}  ")
            lines[-1] = f'{lines[-1][:-1]}, "{key}": ['
            lines += [*inner[1:-1], f"{indent}  ]}}"]
        lines[-1] += comma
    return [*lines, f"{indent}]"]


def _is_chain(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
