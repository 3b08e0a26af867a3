"""Networks that are no chain, as tables of nodes in JSON and TOML.

    {"nodes": [
      {"name": "conv", "type": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1},
      {"name": "short", "type": "relu"},
      {"name": "conv2", "type": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1},
      {"type": "add", "inputs": ["conv2", "short"]},
      {"layer": "conv2"},
      {"type": "mean", "dim": [2, 3]},
      {"name": "fc", "type": "Linear", "out_features": 10}
    ], "output": "fc"}

The ``type`` of a node is that of a layer, as in `fastcnn.zoo.dicts`, or a function of
`fastcnn.graph.FUNCTIONS`; with ``layer`` instead it is the layer of a node before it, used again. ``inputs``
names what it is applied to: nodes before it, or ``input``, the sample. Left out, it is the node before.
Operators take numbers too. The other keys are arguments.

    {"name": "scale", "type": "parameter", "shape": [8, 1, 1], "mean": 1.0},
    {"type": "mul", "inputs": ["conv", "scale"]}

A node of the type ``parameter`` is a trainable array of the network itself, for the functions that come
behind. Its first values are drawn from the normal distribution of the ``mean`` and ``std`` that it gives (0
without); it has no inputs.

The ``name`` of a layer is its place in the tree of modules, as in ``layer1.0.conv1``: the names of its
weights begin with it. ``also`` lists other places that the same layer has. So it is with a parameter, whose
name is that in the state dict.

``output`` names the node that is returned, by default the last; a list or a table of names returns several.
``inputs`` beside it lists the names of several inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import _arguments as arguments
from .. import graph, nn
from .._arguments import checked, real, short
from ..errors import DataError, FastcnnError, suggestion
from .definition import INPUT, MOST_LAYERS, MOST_LEVELS, PARAMETER, Call, Layer, Node, Nodes, Weight
from .graph_module import GraphModule
from .layers import known
from .parser import Parser, check_keys, check_type, is_place, shape

_KEYS = ("inputs", "nodes", "output")
# Keys that are none of a layer's or a function's own.
_OTHERS = ("name", "inputs", "also")
# What a parameter may be.
_WEIGHT = {"shape": shape, "mean": real, "std": arguments.number}
# Of a node; and of inputs and outputs of a network.
_MOST_INPUTS = 1000


def parse_nodes(table: Mapping[str, Any], source: str, path: str = "") -> Nodes:
    """Read a network that is no chain.

    Parameters
    ----------
    table : mapping
        With the keys nodes, and if they are needed inputs and output.
    source : str
        Opens messages: the file's path.
    path : str
        What messages put before the keys.

    Raises
    ------
    DataError
        If something in it is not right; the message names source, node and key.
    """
    return _Nodes(source, path).read(table)


class _Nodes:
    def __init__(self, source: str, path: str) -> None:
        self._source, self._path = source, path
        self._parser = Parser(source)
        self._tree = GraphModule(())  # which knows what names there can be
        self._values: dict[str, int] = {}  # the numbers of values that have a name
        self._layers: dict[str, int] = {}  # the numbers of nodes with a layer of their own
        self._later: set[str] = set()  # all names, also of nodes that were not read yet
        self._used: set[int] = set()
        self._weights: set[int] = set()  # the numbers of values that are parameters

    def read(self, table: Mapping[str, Any]) -> Nodes:
        whole = f"{self._source}: {self._path.rstrip('.') or 'the network'}"
        check_keys(table, _KEYS, whole)
        given = table.get("nodes")
        if not isinstance(given, list | tuple) or not given:
            raise DataError(f"{self._source}: {self._path}nodes must be a list of nodes, got {short(given)}")
        inputs = self._names(table.get("inputs", [INPUT]), f"{self._source}: {self._path}inputs")
        for name in inputs:
            if name in self._values:
                raise DataError(f"{self._source}: {self._path}inputs: {name!r} stands there twice")
            self._values[name] = len(self._values)
        if len(given) > MOST_LAYERS:
            raise DataError(f"{self._source}: {self._path}nodes: more than {MOST_LAYERS:,} layers")
        names = (each.get("name") for each in given if isinstance(each, Mapping))
        self._later = {name for name in names if isinstance(name, str)}
        nodes = [self._node(each, number, len(inputs)) for number, each in enumerate(given)]
        output = self._output(table, len(inputs) + len(nodes) - 1)
        self._used.update(graph.leaves(output))
        if not self._weights.isdisjoint(graph.leaves(output)):
            raise DataError(f"{self._source}: {self._path}output must not be a parameter")
        for number, name in enumerate(inputs):
            if number not in self._used:
                raise DataError(f"{self._source}: {self._path}inputs: no node uses {name!r}")
        for number, node in enumerate(nodes, len(inputs)):
            if number not in self._used:
                raise DataError(
                    f"{node.where}: no node uses what it makes: name it in their inputs, or in output"
                )
        return Nodes(inputs, tuple(nodes), output, self._source)

    def _node(self, value: object, number: int, inputs: int) -> Node:
        place = f"{self._source}: {self._path}nodes[{number}]"
        table = self._parser.table(value, place)
        name = table.get("name")
        if name is not None:
            self._check_name(name, f"{place}: name")
            place += f" {name}"
            if name in self._values:
                raise DataError(f"{place}: there are two nodes or inputs with this name")
        # The first of several inputs is not more likely than the others.
        before = None if number == 0 and inputs > 1 else inputs + number - 1
        if "layer" in table:
            where = f"{place} (layer)"
            check_keys(table, ["name", "layer", "inputs"], where)
            node = Node(self._shared(table["layer"], where), self._sources(table, before, where), where, name)
            self._check_inputs(node, 1, 1, False)
        else:
            node = self._own(table, place, number, before, name)
        if isinstance(node.what, Layer):
            self._layers[name or str(number)] = number
            self._values.setdefault(name or str(number), inputs + number)
        elif isinstance(node.what, Weight):
            self._weights.add(inputs + number)
            self._values[node.name or ""] = inputs + number
        elif name is not None:
            self._values[name] = inputs + number
        return node

    def _own(
        self, table: Mapping[str, Any], place: str, number: int, before: int | None, name: str | None
    ) -> Node:
        kind = check_type(table, [*known(), *graph.FUNCTIONS, PARAMETER], place)
        where = f"{place} ({kind})"
        if kind == PARAMETER:
            return self._weight(table, where, name)
        if kind in graph.FUNCTIONS:
            function = graph.FUNCTIONS[kind]
            check_keys(table, ["type", "name", "inputs", *function.settings], where)
            node = Node(self._call(function, table, where), self._sources(table, before, where), where, name)
            self._check_inputs(node, function.least, function.most, function.numbers)
            return node
        layer = self._parser.layer(table, kind, where, f"{self._path}nodes[{number}]", 0, _OTHERS)
        also = self._placed(name or str(number), table, where)
        node = Node(layer, self._sources(table, before, where), where, name, also)
        self._check_inputs(node, 1, 1, False)
        return node

    def _placed(self, name: str, table: Mapping[str, Any], where: str) -> tuple[str, ...]:
        """Take the places of a layer or a parameter, and return all but the first."""
        also = self._names(table["also"], f"{where}: also") if "also" in table else ()
        for each in (name, *also):
            try:
                self._tree.place(each, nn.Identity())
            except FastcnnError as error:
                raise DataError(f"{where}: {error}") from error
        return also

    def _weight(self, table: Mapping[str, Any], where: str, name: str | None) -> Node:
        check_keys(table, ["type", "name", "also", *_WEIGHT], where)
        for key, given in (("name", name), ("shape", table.get("shape"))):
            if given is None:
                raise DataError(f"{where}: {key} is missing")
        try:
            values = {key: checked(check, table[key], key) for key, check in _WEIGHT.items() if key in table}
        except FastcnnError as error:
            raise DataError(f"{where}: {error}") from error
        return Node(Weight(**values), (), where, name, self._placed(str(name), table, where))

    def _call(self, function: graph.Function, table: Mapping[str, Any], where: str) -> Call:
        settings = {}
        for key, check in function.settings.items():
            if key in table:
                try:
                    settings[key] = checked(check, table[key], key)
                except FastcnnError as error:
                    raise DataError(f"{where}: {error}") from error
            elif key not in function.defaults:
                raise DataError(f"{where}: {key} is missing")
        return Call(function.name, settings)

    def _shared(self, name: object, where: str) -> int:
        if isinstance(name, str) and name in self._layers:
            return self._layers[name]
        raise DataError(
            f"{where}: layer must be the name of a node before it with a layer of its own, got {short(name)}"
            f"{suggestion(name, self._layers) if isinstance(name, str) else ''}"
        )

    def _sources(self, table: Mapping[str, Any], before: int | None, where: str) -> tuple[int | float, ...]:
        if "inputs" not in table:
            if before is None:
                raise DataError(f"{where}: inputs is missing")
            self._used.add(before)
            return (before,)
        given = table["inputs"]
        given = [given] if isinstance(given, str) else given
        if not isinstance(given, list | tuple) or not 1 <= len(given) <= _MOST_INPUTS:
            raise DataError(
                f"{where}: inputs must be a name, or a list of 1 to {_MOST_INPUTS}, got {short(given)}"
            )
        return tuple(self._source_of(each, f"{where}: inputs") for each in given)

    def _source_of(self, given: object, place: str) -> int | float:
        if isinstance(given, int | float) and not isinstance(given, bool):
            try:
                return float(checked(real, given, "a number"))
            except FastcnnError as error:
                raise DataError(f"{place}: {error}") from error
        value = self._value(given, place)
        self._used.add(value)
        return value

    def _value(self, name: object, place: str) -> int:
        if isinstance(name, str) and name in self._values:
            return self._values[name]
        if isinstance(name, str) and name in self._later:
            raise DataError(
                f"{place}: {short(name)} does not come before: nodes stand in the order in which they are "
                "computed, and have no cycles"
            )
        hint = suggestion(name, self._values) if isinstance(name, str) else ""
        raise DataError(f"{place}: no node is called {short(name)}{hint}")

    def _check_inputs(self, node: Node, least: int, most: int | None, numbers: bool) -> None:
        count, constants = len(node.sources), sum(isinstance(each, float) for each in node.sources)
        if count < least or (most is not None and count > most):
            expected = f"{least}" if most == least else f"at least {least}"
            raise DataError(f"{node.where}: inputs: {expected} needed, got {count}")
        if constants and not numbers:
            raise DataError(f"{node.where}: inputs must be names of nodes, got a number")
        if not self._weights.isdisjoint(node.sources) and not isinstance(node.what, Call):
            raise DataError(f"{node.where}: inputs: a layer is not applied to a parameter")
        weights = sum(each in self._weights for each in node.sources if isinstance(each, int))
        if constants + weights == count:
            what = "a node that is no parameter" if weights else "a node"
            raise DataError(f"{node.where}: inputs: one of them must be the name of {what}")

    def _output(self, table: Mapping[str, Any], last: int) -> Any:
        place = f"{self._source}: {self._path}output"
        given = table.get("output")
        if given is None:
            return last
        if isinstance(given, str):
            return self._value(given, place)
        if not isinstance(given, list | tuple | Mapping) or not 1 <= len(given) <= _MOST_INPUTS:
            raise DataError(
                f"{place} must be the name of a node, or a list or table of names, got {short(given)}"
            )
        if isinstance(given, Mapping):
            keys = self._names(list(given), place)
            return {key: self._value(given[key], place) for key in keys}
        return tuple(self._value(each, place) for each in given)

    def _names(self, given: object, place: str) -> tuple[str, ...]:
        if not isinstance(given, list | tuple) or not 1 <= len(given) <= _MOST_INPUTS:
            raise DataError(f"{place} must be a list of 1 to {_MOST_INPUTS} names, got {short(given)}")
        for each in given:
            self._check_name(each, place)
        return tuple(given)

    def _check_name(self, name: object, place: str) -> None:
        if not (isinstance(name, str) and is_place(name)):
            raise DataError(
                f"{place} must be letters, digits, '_' and '-', with dots between at most {MOST_LEVELS} parts"
                f", got {short(name)}"
            )
