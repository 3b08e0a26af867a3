"""The network that an ONNX file becomes, node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import graph
from ..._arguments import shown_index
from ...zoo.definition import Call, Layer, Node, Nodes, Weight
from ...zoo.sizes import Sizes
from .naming import Names, is_made_up, path_of, stems
from .nodes import Source
from .values import Known, Made, names_of

Shape = tuple[int, ...]

_MOST_AXES = 31  # of a sample, as many as every NumPy has


class Arrays(NamedTuple):
    """What a node of the network begins with, a layer or a parameter, which gets its name in the end.

    Attributes
    ----------
    places : list of str
        What the file calls it, the best first.
    plain : str
        What it is called otherwise, with a number.
    arrays : mapping of str to array
        By their names in the layer; a parameter is "".
    names : sequence of str
        Those of the arrays in the file.
    frozen : bool
        Whether they are constants, which are not trained.
    """

    places: list[str]
    plain: str
    arrays: Mapping[str, np.ndarray]
    names: Sequence[str]
    frozen: bool


class Applied(NamedTuple):
    """A layer and what it is applied to.

    Attributes
    ----------
    layer : Layer
    x : Made
    arrays, names
        As in `Arrays`.
    """

    layer: Layer
    x: Any
    arrays: Mapping[str, np.ndarray]
    names: Sequence[str]


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
        What a state dict holds, when it is finished.
    frozen : set of str
        The parameters among it that are constants of the file.
    origins : dict of str to str
        The node of the file that takes each of them, for messages.
    """

    def __init__(self, inputs: Mapping[str, Shape], path: str) -> None:
        self.path = path
        # The sizes of the batch that the file has written down; none where it leaves them open.
        self.batches: set[int] = set()
        self.inputs = tuple(inputs)
        self.state: dict[str, np.ndarray] = {}
        self.frozen: set[str] = set()
        self.origins: dict[str, str] = {}
        # The nodes of the file that read a value, by its name; None for the network's output.
        self.users: dict[str, list[Any]] = {}
        # What the names of the file stand for.
        self.values: dict[str, Any] = {"": None}
        # Whether arrays that are parameters have the names of these.
        self.has_names = False
        # Bytes that nodes may still make while the file is read.
        self.room = 0
        # Nodes that another one has done the work of, by their id.
        self.absorbed: set[int] = set()
        self._sizes = Sizes()
        self._shapes = list(inputs.values())
        self._sizes.start(list(inputs.values()))
        self._names = Names()
        self._arrays: dict[int, Arrays] = {}  # by the number of the node
        self._layers: dict[Any, list[int]] = {}
        self._weights: dict[int, int] = {}
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
            kept.append(node._replace(what=what, sources=sources, name=self._named(old, node.where)))
        return Nodes(self.inputs, tuple(kept), graph.replaced(output, numbers.__getitem__), self.path)

    def _named(self, number: int, where: str) -> str | None:
        """Return the name of a node that has arrays, and put these into the state; None for others."""
        if number not in self._arrays:
            return None
        places, plain, arrays, _, frozen = self._arrays[number]
        place = self._names.take(places, plain)
        for key, array in arrays.items():
            name = f"{place}.{key}" if key else place
            self.state[name], self.origins[name] = array, where
            if frozen:
                self.frozen.add(name)
        return place

    # What was read ----------------------------------------------------------------------------------

    def origin(self, value: Any) -> Node | None:
        """Return the node that has made a value, None if it is an input or no value."""
        if not isinstance(value, Made) or value.number < len(self.inputs):
            return None
        return self._sizes.added[value.number - len(self.inputs)]

    def applied(self, value: Any) -> Applied | None:
        """Return the layer that has made a value, None if it is what no layer has made."""
        node = self.origin(value)
        if node is None or not isinstance(node.what, int | Layer):
            return None
        number = node.what if isinstance(node.what, int) else value.number - len(self.inputs)
        layer, arrays = self._sizes.added[number].what, self._arrays[number]
        assert isinstance(layer, Layer)
        return Applied(layer, self.value(node.sources[0]), arrays.arrays, arrays.names)

    def value(self, source: int | float) -> Any:
        """Return the value or the number that a node is applied to."""
        if not isinstance(source, int):
            return source
        return Made(source, self._shapes[source])

    def number(self, operand: Any, or_parameter: bool = False) -> float | None:
        """Return an operand that is one number, and no parameter; None if it is something else."""
        if isinstance(operand, int | float):
            return float(operand)
        if (
            isinstance(operand, Known)
            and operand.fixed
            and operand.first.size == 1
            and operand.first.ndim <= 1
            and (or_parameter or not self._is_parameter(operand))
        ):
            return float(operand.first.ravel()[0])
        return None

    def _is_parameter(self, operand: Known) -> bool:
        """Tell whether an array of one element is trained: only of some exporters its name says that."""
        return self.has_names and bool(operand.name) and not is_made_up(operand.name)

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
        known = {name: array for name, array in arrays.items() if array is not None}
        key = kind, repr(arguments), tuple(names)
        alike = self._layers.setdefault(key, []) if names and all(names) else []
        for number in alike:
            if all(np.array_equal(self._arrays[number].arrays[name], each) for name, each in known.items()):
                return self._add(Node(number, (x.number,), where))
        places = [*stems(names), *path_of(source)]
        made = self._add(Node(Layer(kind, arguments, where), (x.number,), where))
        alike.append(self._noted(Arrays(places, source.kind.lower(), known, names, frozen)))
        return made

    def _noted(self, arrays: Arrays) -> int:
        """Note what the newest node begins with, and return its number."""
        number = len(self._sizes.added) - 1
        self._arrays[number] = arrays
        return number

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
            made = self._add(Node(Weight(array.shape), (), source.where))
            self._weights[id(array)] = made.number
            self._kept.append(array)
            places = [name for name in names_of(value) if name and not is_made_up(name)]
            plain = "parameter" if value.name else "constant"
            self._noted(Arrays(places, plain, {"": array}, [value.name], frozen=not value.name))
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
