"""What a network that exists consists of, as the nodes of a definition."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import graph, nn
from .._arguments import checked
from ..errors import FastcnnError
from ..nn.declaration import FEATURES, Shape, declaration_of
from .building import sample_shapes
from .definition import INPUT, Call, Layer, Node, Nodes, Weight
from .graph_module import GraphModule
from .layers import check_argument, find, known
from .parser import is_place
from .traced import Layered, RefusedError, TracedForward, TracedStep, trace


def describe_nodes(model: nn.Module, input_shape: Sequence[Any], what: str) -> Nodes:
    """Return the nodes that do what the forward of a network does, in evaluation and in training mode.

    Parameters
    ----------
    model : Module
    input_shape : (C, H, W) or (F,), or a sequence of those
        Shapes of one sample.
    what : str
        Opens messages: the function that was called.

    Raises
    ------
    ArgumentError
        If a part of it cannot be written; the message names the part.
    """
    return _Describer(model, what).describe(sample_shapes(input_shape))


def _places(module: nn.Module, prefix: str = "", above: tuple = ()) -> Iterator[tuple[str, nn.Module]]:
    """Yield every place in a tree of modules; a module that stands in several has several."""
    for name, child in module._modules.items():
        # A module may stand in itself, by way of a reference to its parent.
        if not any(child is each for each in (*above, module)):
            yield f"{prefix}{name}", child
            yield from _places(child, f"{prefix}{name}.", (*above, module))


class _Describer:
    def __init__(self, model: nn.Module, what: str) -> None:
        self._model, self._what = model, what
        self._tree = GraphModule(())  # which knows what names there can be
        self._places: dict[int, list[str]] = {id(model): [""]}
        for place, module in _places(model):
            self._places.setdefault(id(module), []).append(place)
        self._owned: dict[int, list[str]] = {}
        for place, module in [("", model), *_places(model)]:
            for name, parameter in module._parameters.items():
                self._owned.setdefault(id(parameter), []).append(f"{place}.{name}" if place else name)

    def describe(self, shapes: list[Shape]) -> Nodes:
        """Return the nodes, after a look at everything that they cannot say."""
        evaluated, trained = (trace(self._model, shapes, mode, self._refused) for mode in (False, True))
        self._check_modes(evaluated, trained)
        self._check_weights(evaluated)
        inputs = self._inputs(len(shapes))
        used = {each for step in evaluated.steps for each in step.sources if isinstance(each, int)}
        if not evaluated.steps or not used.issuperset(range(len(inputs))):
            raise self._refused(self._model, "does not compute with all of its inputs")
        return Nodes(inputs, *self._nodes(evaluated, trained, len(inputs)), self._what)

    def _inputs(self, count: int) -> tuple[str, ...]:
        """Return the names of the inputs."""
        if isinstance(self._model, GraphModule):
            return self._model.inputs
        taken = {place for places in self._places.values() for place in places}
        base = INPUT
        while any(place.startswith(base) for place in taken):
            base += "_"
        return (base,) if count == 1 else tuple(f"{base}_{number + 1}" for number in range(count))

    def _refused(self, module: Any, problem: str) -> RefusedError:
        """Return the error of a part that cannot be written."""
        kind, place = type(module).__name__, self._places.get(id(module), [""])[0]
        return RefusedError(f"{self._what}: {f'layer {place} ({kind})' if place else kind}: {problem}")

    def _check_modes(self, evaluated: TracedForward, trained: TracedForward) -> None:
        """Refuse what does something else in training than in evaluation, but for dropout."""
        if len(evaluated.steps) == len(trained.steps) and evaluated.output == trained.output:
            pairs = zip(evaluated.steps, trained.steps, strict=True)
            if all(_facts(one) == _facts(other) for one, other in pairs):
                return
        raise self._refused(self._model, "forward does something else in training than in evaluation")

    def _nodes(
        self, evaluated: TracedForward, trained: TracedForward, inputs: int
    ) -> tuple[tuple[Node, ...], Any]:
        """Return the nodes, and the output with the numbers of their values."""
        nodes: list[Node] = []
        first: dict[int, int] = {}  # the node of a module's first call
        values: dict[Any, int] = {number: number for number in range(inputs)}  # those of steps and parameters
        for count, (step, other) in enumerate(zip(evaluated.steps, trained.steps, strict=True), inputs):
            what, name, also = self._part(step, other, first)
            for each in step.sources:
                if isinstance(each, nn.Parameter) and id(each) not in values:
                    values[id(each)] = inputs + len(nodes)
                    nodes.append(self._weight(each, step))
            sources = tuple(self._source(each, values, step) for each in step.sources)
            if isinstance(step.what, Layered):
                first.setdefault(id(step.what.module), len(nodes))
            values[count] = inputs + len(nodes)
            nodes.append(Node(what, sources, self._where(step), name, also))
        return tuple(nodes), graph.replaced(evaluated.output, values.__getitem__)

    def _part(
        self, step: TracedStep, other: TracedStep, first: dict[int, int]
    ) -> tuple[Layer | Call | int, str | None, tuple[str, ...]]:
        """Return what a step is, and the places of a layer of its own."""
        if isinstance(step.what, Layered):
            if id(step.what.module) in first:
                return first[id(step.what.module)], None, ()
            return self._layer(step.what), *self._named(step.what.module)
        if isinstance(step.what, graph.Dropout):
            place = self._free_place(type(step.what).__name__.lower())
            return self._dropout(step.what, other.what, step.scope), place, ()
        return self._call(step.what, step), None, ()

    def _call(self, operation: graph.Operation, step: TracedStep) -> Call:
        function = graph.function_of(operation)
        if operation.runs_code:
            raise self._refused(step.scope, "has a backward of its own, which cannot be written")
        if function is None:
            raise self._refused(
                step.scope,
                f"uses {type(operation).__name__}, which is no layer and no function that files have: "
                f"{', '.join([*known(), *sorted(graph.FUNCTIONS)])}",
            )
        settings = function.read(operation, step.shape)
        try:
            return Call(function.name, {k: checked(function.settings[k], v, k) for k, v in settings.items()})
        except FastcnnError as error:
            raise self._refused(step.scope, f"{function.name}: {error}") from error

    def _layer(self, called: Layered) -> Layer:
        kind = type(called.module).__name__
        declaration = find(kind)
        # What takes features says whether it works on the last axis of more.
        known_size = declaration.takes != FEATURES or len(called.shape) == 1
        found = declaration.found if known_size else {}
        return Layer(kind, {k: v for k, v in called.arguments.items() if k not in found}, "")

    def _named(self, module: nn.Module) -> tuple[str, tuple[str, ...]]:
        """Return the places of a layer in the tree."""
        places = [each for each in self._places.get(id(module), []) if each]
        if not places:  # it was made in forward, or is the whole network
            if module._parameters or module._buffers:
                raise self._refused(
                    module, "stands in no module: assign it to an attribute, or put it into a Sequential"
                )
            return self._free_place(type(module).__name__.lower()), ()
        return self._placed(places, module)

    def _placed(self, places: list[str], module: Any) -> tuple[str, tuple[str, ...]]:
        """Take places in the tree, and return the first of them and the others."""
        for each in places:
            if not is_place(each):
                raise self._refused(module, "its name must be letters, digits, '_' and '-' to be written")
            try:
                self._tree.place(each, nn.Identity())
            except FastcnnError as error:
                raise self._refused(module, str(error)) from error
        return places[0], tuple(places[1:])

    def _weight(self, parameter: nn.Parameter, step: TracedStep) -> Node:
        """Return the node of a parameter that is in no layer."""
        if id(parameter) not in self._owned:
            raise self._refused(step.scope, "computes with a parameter that stands in no module")
        for module in self._model.modules():
            if declaration_of(module) is not None and any(
                parameter is p for p in module._parameters.values()
            ):
                place = self._places[id(module)][0]
                raise self._refused(
                    step.scope, f"computes with a parameter of layer {place}, beside the layer"
                )
        name, also = self._placed(self._owned[id(parameter)], step.scope)
        weight = self._model.owned(name) if isinstance(self._model, GraphModule) else None
        if weight is None:
            weight = _drawn_like(parameter._array)
        if not (math.isfinite(weight.mean) and math.isfinite(weight.std)):
            raise self._refused(step.scope, f"its parameter {name} has values that are not finite")
        return Node(weight, (), self._where(step), name, also)

    def _dropout(self, one: graph.Dropout, other: Any, scope: Any) -> Layer:
        """Return the layer that does what a function does, if that follows the mode as a layer does."""
        if one.training or not other.training:
            raise self._refused(scope, "dropout that does not follow the mode, training=self.training")
        kind = type(one).__name__  # which is also that of the layer
        try:
            given = {key: getattr(one.owner, key) for key in find(kind).arguments}
            return Layer(kind, {key: check_argument(kind, key, each) for key, each in given.items()}, "")
        except FastcnnError as error:
            raise self._refused(scope, f"dropout: {error}") from error

    def _free_place(self, name: str) -> str:
        """Return a place in the tree that nothing has, and take it."""
        taken = {*self._tree._modules, *self._model._modules}
        count, place = 1, name
        while place in taken:
            count += 1
            place = f"{name}_{count}"
        self._tree.place(place, nn.Identity())
        return place

    def _source(self, source: Any, values: dict[Any, int], step: TracedStep) -> int | float:
        if isinstance(source, nn.Parameter):
            return values[id(source)]
        if isinstance(source, int):
            return values[source]
        if not math.isfinite(source):
            raise self._refused(step.scope, f"computes with {source}, which files have no number for")
        return source

    def _where(self, step: TracedStep) -> str:
        return f"{self._what}: {self._places.get(id(step.scope), [''])[0] or type(step.scope).__name__}"

    def _check_weights(self, evaluated: TracedForward) -> None:
        """Refuse arrays of the network that are no layer's which takes part."""
        used = {id(step.what.module) for step in evaluated.steps if isinstance(step.what, Layered)}
        beside = {
            id(each)
            for step in evaluated.steps
            if isinstance(step.what, graph.Operation) and graph.function_of(step.what) is not None
            for each in step.sources
            if isinstance(each, nn.Parameter)
        }
        owners: dict[int, nn.Module] = {}
        for module in self._model.modules():
            own = [*module._parameters.values()]
            left = module._buffers or any(id(each) not in beside for each in own)
            if id(module) not in used and left:
                if declaration_of(module) is not None:
                    raise self._refused(module, "takes no part in forward, which cannot be written")
                raise self._refused(
                    module, f"has arrays of its own, and is no layer that files have: {', '.join(known())}"
                )
            for each in own:
                other = owners.setdefault(id(each), module)
                if other is not module and not used.isdisjoint((id(module), id(other))):
                    place = self._places[id(other)][0]
                    raise self._refused(
                        module, f"shares its weights with layer {place}, which cannot be written"
                    )


def _drawn_like(values: np.ndarray) -> Weight:
    """Return a parameter of the mean and standard deviation of values that exist."""
    mean, std = values.mean(dtype=np.float64), values.std(dtype=np.float64)
    if values.min() == values.max():  # the mean of equal numbers may differ in its last bit
        mean, std = values.flat[0], 0
    kind = values.dtype.type
    return Weight(values.shape, float(str(kind(mean))), float(str(kind(std))))


def _facts(step: TracedStep) -> tuple:
    """Return what a step does, whatever the mode is."""
    if isinstance(step.what, Layered):
        module = step.what.module
        has_state = module._parameters or module._buffers
        return type(module), step.what.arguments, id(module) if has_state else None, step.sources
    if isinstance(step.what, graph.Dropout):
        return type(step.what), step.what.settings()[1:], step.sources
    function = graph.function_of(step.what)
    settings = None if function is None else function.read(step.what, step.shape)
    return type(step.what), settings, tuple(id(e) if isinstance(e, nn.Parameter) else e for e in step.sources)
