"""The sizes of all layers of a network, and the memory that it takes, before anything is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import graph, nn
from .._shapes import available_bytes, check_size
from ..errors import DataError, FastcnnError, ShapeError, SizeError
from ..nn.declaration import Shape
from .definition import MOST_LAYERS, Call, Chain, Layer, Node, Nodes, Weight, chain_of
from .layers import completed, find, needs_flatten

# Bytes of a weight while it is drawn: float64 beside float32. An output is float32.
_WEIGHT_BYTES, _OUTPUT_BYTES = 12, 4


class Sizes:
    """Finds the sizes of all layers, and counts what they take."""

    def __init__(self) -> None:
        self._free = available_bytes()
        self._bytes = 0
        self._layers = 0

    def chain(self, layers: Sequence[Layer], shape: Shape) -> tuple[Chain, Shape]:
        """Return the layers with all their arguments, a Flatten where one is needed, and the shape behind."""
        whole: list[Layer] = []
        for layer in layers:
            try:
                if needs_flatten(layer.kind, layer.arguments, shape):
                    flatten, shape = self._one(Layer("Flatten", {}, layer.where), shape)
                    whole.append(flatten)
                layer, shape = self._one(layer, shape)
            except DataError:
                raise
            except FastcnnError as error:
                raise DataError(f"{layer.where}: {error}") from error
            whole.append(layer)
        names: set[str] = set()
        for index, layer in enumerate(whole):
            name = str(index) if layer.name is None else layer.name
            if name in names:
                raise DataError(f"{layer.where}: there are two layers with the name {name!r}")
            names.add(name)
        return tuple(whole), shape

    def nodes(self, network: Nodes, shapes: Sequence[Shape]) -> Nodes:
        """Return a network that is no chain with all arguments of its layers and functions."""
        self.start(shapes)
        for node in network.nodes:
            self.add(node)
        return network._replace(nodes=tuple(self._whole))

    def start(self, shapes: Sequence[Shape]) -> None:
        """Begin a network that is no chain, for samples of these shapes."""
        self._trace = graph.Trace()
        self._values: list[Any] = [self._trace.input(_sample(shape)) for shape in shapes]
        self._whole: list[Node] = []

    def add(self, node: Node) -> Shape:
        """Take the next node, and return the shape of what it makes; if it raises nothing was taken."""
        inputs = [self._values[each] if isinstance(each, int) else each for each in node.sources]
        try:
            if isinstance(node.what, Weight):
                made = self._parameter(node.what)
            elif isinstance(node.what, Call):
                node, made = self._called(node, node.what, inputs)
            else:
                node, made = self._applied(node, self._whole, inputs[0], self._trace)
        except DataError:
            raise
        except graph.TraceError as error:
            raise DataError(f"{node.where}: {error.what}") from error
        except FastcnnError as error:
            raise DataError(f"{node.where}: {error}") from error
        self._whole.append(node)
        self._values.append(made)
        shape: Shape = made.shape if isinstance(node.what, Weight) else made.shape[1:]
        return shape

    @property
    def added(self) -> Sequence[Node]:
        """The nodes that were taken, with all arguments."""
        return self._whole

    def _called(self, node: Node, call: Call, inputs: list[Any]) -> tuple[Node, Any]:
        self._count()
        function = graph.FUNCTIONS[call.function]
        settings = {**function.defaults, **call.settings}
        made = function.apply(function.make(**settings), *inputs)
        self._output(made.shape[1:])
        return node._replace(what=call._replace(settings=settings)), made

    def _applied(self, node: Node, before: list[Node], x: Any, trace: graph.Trace) -> tuple[Node, Any]:
        """Apply a layer to a value of a trace: its own one, or that of a node before."""
        shape, shared = x.shape[1:], isinstance(node.what, int)
        layer: Any = before[node.what].what if isinstance(node.what, int) else node.what
        kind = find(layer.kind)
        if needs_flatten(layer.kind, layer.arguments, shape):
            size = next(iter(kind.found))
            raise ShapeError(
                f"{layer.kind} takes flat features, but samples {shape} come in: put a Flatten before it, or "
                f"give {size} for the last axis"
            )
        layer, after = self._one(layer, shape, weights=not shared)
        return node if shared else node._replace(what=layer), trace.input(_sample(after))

    def _one(self, layer: Layer, shape: Shape, weights: bool = True) -> tuple[Layer, Shape]:
        self._count()
        declaration, values = find(layer.kind), completed(layer.kind, layer.arguments, shape)
        bodies: dict[str, Any] = {}
        behind: dict[str, Shape | None] = dict.fromkeys(declaration.bodies)
        for key, body in layer.bodies.items():
            whole, behind[key] = self.chain(chain_of(body), shape)
            # A single layer that got a Flatten before it is two.
            bodies[key] = whole[0] if isinstance(body, Layer) and len(whole) == 1 else whole
        after = declaration.output({**values, **behind}, shape)
        for weight in declaration.weights(values) if weights else ():
            self._weight(weight)
        self._output(after)
        return layer._replace(arguments=values, bodies=bodies), after

    def _parameter(self, weight: Weight) -> nn.Parameter:
        self._count()
        self._weight(weight.shape)
        return nn.Parameter(np.empty(weight.shape, np.float32))

    def _weight(self, shape: Shape) -> None:
        check_size(shape, _WEIGHT_BYTES, "the weight")
        self._take(math.prod(shape) * _WEIGHT_BYTES)

    def _count(self) -> None:
        self._layers += 1
        if self._layers > MOST_LAYERS:
            raise SizeError(f"more than {MOST_LAYERS:,} layers")

    def _output(self, shape: Shape) -> None:
        check_size(shape, _OUTPUT_BYTES, "the output")
        self._take(math.prod(shape) * _OUTPUT_BYTES)

    def _take(self, count: int) -> None:
        self._bytes += count
        if self._bytes > self._free:
            raise SizeError(
                f"the layers up to here take {self._bytes / 2**30:.1f} GiB, but only "
                f"{self._free / 2**30:.1f} GiB of memory are free"
            )


def _sample(shape: Shape) -> np.ndarray:
    """Return an array of no sample of this shape, which takes no memory."""
    return np.empty((0, *shape), np.float32)
