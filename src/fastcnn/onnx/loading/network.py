"""The network that an ONNX file becomes, node by node."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ... import graph, nn
from ..._arguments import shown_index
from ...errors import FastcnnError
from ...zoo.definition import Call, Layer, Node, Nodes, Weight
from ...zoo.graph_module import GraphModule
from ...zoo.parser import is_place
from ...zoo.sizes import Sizes
from .nodes import Source
from .values import Known, Made, names_of

Shape = tuple[int, ...]

_MOST_AXES = 31  # of a sample, as many as every NumPy has
# What PyTorch and Keras call the arrays of a layer.
_OF_ARRAYS = re.compile(r"(.+)[./](?:weight|bias|kernel|gamma|beta|scale)(?::0)?")


class Network:
    """Takes layers, functions and parameters, and the arrays that these begin with.

    Parameters
    ----------
    inputs : mapping of str to tuple
        The shape of a sample of each input, by its name.
    path : str
        Where it comes from, for messages.

    Attributes
    ----------
    state : dict of str to array
        What a state dict holds.
    frozen : set of str
        The parameters among it that are constants of the file.
    """

    def __init__(self, inputs: Mapping[str, Shape], path: str) -> None:
        self.path = path
        # The sizes of the batch that the file has written down; one sample where it leaves them open.
        self.batches = {1}
        self.inputs = tuple(inputs)
        self.state: dict[str, np.ndarray] = {}
        # The node of the file that takes each of them, for messages.
        self.origins: dict[str, str] = {}
        self.frozen: set[str] = set()
        # The nodes of the file that read a value, by its name; None for the network's output.
        self.users: dict[str, list[Any]] = {}
        # What the names of the file stand for.
        self.values: dict[str, Any] = {"": None}
        # Bytes that nodes may still make while the file is read.
        self.room = 0
        # Nodes that another one has done the work of, by their id.
        self.absorbed: set[int] = set()
        self._sizes = Sizes()
        self._shapes = list(inputs.values())
        self._sizes.start(list(inputs.values()))
        self._tree = GraphModule(())  # which knows what names there can be
        self._layers: dict[Any, list[tuple[int, str]]] = {}
        self._weights: dict[int, int] = {}
        self._numbers: dict[str, Iterator[int]] = {}  # of the layers that have no name of their own
        self._kept: list[np.ndarray] = []  # whose ids are keys

    def finished(self, output: Any) -> Nodes:
        """Return what the output, the numbers of values, depends on."""
        nodes, count = self._sizes.added, len(self.inputs)
        needed = set(graph.leaves(output))
        for number in reversed(range(len(nodes))):
            if count + number in needed:
                node = nodes[number]
                needed.update(each for each in node.sources if isinstance(each, int))
                if isinstance(node.what, int):  # a layer stands where it was used first, an earlier node
                    needed.add(count + node.what)
        left = [number for number in range(len(nodes)) if count + number in needed]
        places = {old: new for new, old in enumerate(left)}
        numbers = {**{i: i for i in range(count)}, **{count + old: count + places[old] for old in left}}
        kept = []
        for old in left:
            node = nodes[old]
            sources = tuple(numbers[each] if isinstance(each, int) else each for each in node.sources)
            what = places[node.what] if isinstance(node.what, int) else node.what
            kept.append(node._replace(what=what, sources=sources))
        gone = {node.name for number, node in enumerate(nodes) if number not in places and node.name}
        for name in [each for each in self.state if each in gone or each.rpartition(".")[0] in gone]:
            del self.state[name]
            self.frozen.discard(name)
        return Nodes(self.inputs, tuple(kept), graph.replaced(output, numbers.__getitem__), self.path)

    # What was read ----------------------------------------------------------------------------------

    def origin(self, value: Any) -> Node | None:
        """Return the node that has made a value, None if it is an input or no value."""
        if not isinstance(value, Made) or value.number < len(self.inputs):
            return None
        return self._sizes.added[value.number - len(self.inputs)]

    def value(self, source: int | float) -> Any:
        """Return the value or the number that a node is applied to."""
        if not isinstance(source, int):
            return source
        return Made(source, self._shapes[source])

    def number(self, operand: Any) -> float | None:
        """Return an operand that is one number; None if it is something else."""
        if isinstance(operand, int | float):
            return float(operand)
        if (
            isinstance(operand, Known)
            and operand.fixed
            and operand.first.size == 1
            and operand.first.ndim <= 1
        ):
            return float(operand.first.ravel()[0])
        return None

    def follower(self, name: str, kind: str) -> Any:
        """Return the only node that reads a value by name, if it is of a kind; else None."""
        users = self.users.get(name, [])
        return users[0] if len(users) == 1 and users[0] is not None and users[0].op_type == kind else None

    # What is added ----------------------------------------------------------------------------------

    def _add(self, node: Node) -> Made:
        shape = self._sizes.add(node)
        self._shapes.append(shape)
        return Made(len(self._shapes) - 1, shape)

    def call(self, source: Source, function: str, *operands: Any, **settings: Any) -> Made:
        """Apply a function to values, which may be numbers or arrays where the function takes such."""
        sources = tuple(self._operand(source, each) for each in operands)
        return self._add(Node(Call(function, settings), sources, source.where))

    def layer(
        self,
        source: Source,
        kind: str,
        x: Made,
        arguments: dict[str, Any],
        arrays: Mapping[str, np.ndarray | None],
        names: Sequence[str] = (),
        frozen: bool = False,
    ) -> Made:
        """Apply a layer.

        Parameters
        ----------
        source : Source
        kind : str
            Its class.
        x : Made
        arguments : dict
        arrays : mapping of str to array or None
            Its parameters and buffers, by their names in the layer.
        names : sequence of str
            Those of its arrays in the file, "" of those that have none. Two layers of arrays that all have
            the same names, with the same arguments and equal arrays, are one; a file may use an array as it
            is and transposed.
        frozen : bool
            Whether its parameters are constants, which are not trained.
        """
        where = source.where
        alike = (
            self._layers.setdefault((kind, repr(arguments), tuple(names)), []) if names and all(names) else []
        )
        for number, place in alike:
            if self._holds(place, arrays):
                return self._add(Node(number, (x.number,), where))
        place = self._place(source, names)
        made = self._add(Node(Layer(kind, arguments, where), (x.number,), where, place))
        alike.append((len(self._sizes.added) - 1, place))
        for name, array in arrays.items():
            if array is not None:
                self.state[f"{place}.{name}"] = array
                self.origins[f"{place}.{name}"] = where
                if frozen:
                    self.frozen.add(f"{place}.{name}")
        return made

    def _holds(self, place: str, arrays: Mapping[str, np.ndarray | None]) -> bool:
        """Tell whether the layer at a place has these arrays."""
        return all(
            each is None or np.array_equal(self.state[f"{place}.{name}"], each)
            for name, each in arrays.items()
        )

    def _operand(self, source: Source, value: Any) -> int | float:
        """Return a value as nodes have it: a number of one element, and an array as a parameter."""
        if isinstance(value, Made):
            return value.number
        if isinstance(value, int | float):
            return float(value)
        number = self.number(value)
        if number is not None:
            return number
        source.array(value, "an operand")
        return self.weight(source, value)

    def weight(self, source: Source, value: Known) -> int:
        """Return the number of a parameter of the network itself."""
        array = value.first
        if not array.size:
            source.refuse(f"an operand must have elements, got the shape {array.shape}")
        if array.dtype.kind != "f" and source.kind != "Pow":  # whose exponents may be integers
            source.refuse(f"an operand must be floating point numbers, got {array.dtype}")
        if id(array) not in self._weights:
            place = self._place(source, names_of(value), "parameter" if value.name else "constant")
            made = self._add(Node(Weight(array.shape), (), source.where, place))
            self._weights[id(array)] = made.number
            self._kept.append(array)
            self.state[place], self.origins[place] = array, source.where
            if not value.name:
                self.frozen.add(place)
        return self._weights[id(array)]

    def reshaped(self, source: Source, x: Made, sample: Sequence[int]) -> Made:
        """Return x with samples of another shape."""
        if tuple(sample) == x.shape:
            return x
        if len(sample) > _MOST_AXES:
            source.refuse(f"makes samples of {len(sample)} axes, {_MOST_AXES} at most are known here")
        return self.call(source, "reshape", x, shape=(-1, *sample))

    def part(self, source: Source, x: Made, *index: Any) -> Made:
        """Return what integers and slices take out, of the batch and the axes of a sample."""
        if all(each == slice(None) for each in index):
            return x
        return self.call(source, "slice", x, index=shown_index(index))

    def permuted(self, source: Source, x: Made, order: Sequence[int]) -> Made:
        """Return x with its axes in another order, the batch first."""
        if list(order) == list(range(len(order))):
            return x
        return self.call(source, "permute", x, dims=tuple(order))

    def _place(self, source: Source, names: Sequence[str], otherwise: str | None = None) -> str:
        """Take a place in the tree of modules: what the file calls the arrays or the node, if it can be."""
        if otherwise is None:
            suggestions, plain = [*_stems(names), *_path(source)], source.kind.lower()
        else:
            suggestions, plain = [name for name in names if name and not _is_made_up(name)], otherwise
        for each in itertools.chain(suggestions, self._numbered(plain)):
            place = re.sub(r"[^A-Za-z0-9_.-]", "_", each)
            if is_place(place):
                try:
                    self._tree.place(place, nn.Identity())
                except FastcnnError:
                    continue
                return place
        raise AssertionError("numbers do not end")

    def _numbered(self, plain: str) -> Iterator[str]:
        """Yield a name with the numbers that were not tried yet; the first has none."""
        for number in self._numbers.setdefault(plain, itertools.count(1)):
            yield plain if number == 1 else f"{plain}_{number}"


def _is_made_up(name: str) -> bool:
    """Tell whether an exporter has made up a name for an array that it computed."""
    return "::" in name


def _stems(names: Sequence[str]) -> list[str]:
    """Return the place of a layer by the names of its arrays, such as conv1.weight."""
    found = (_OF_ARRAYS.fullmatch(name) for name in names if not _is_made_up(name))
    return [each[1] for each in found if each]


def _path(source: Source) -> list[str]:
    """Return the place of a layer by the name of its node: /layer1/layer1.0/conv1/Conv is layer1.0.conv1."""
    parts = [part for part in source.name.split("/") if part]
    if parts and re.fullmatch(rf"{source.kind}(_[0-9]+)?", parts[-1]):
        parts.pop()
    whole = [part for i, part in enumerate(parts) if not "".join(parts[i + 1 : i + 2]).startswith(f"{part}.")]
    return [".".join(whole)] if whole else []
