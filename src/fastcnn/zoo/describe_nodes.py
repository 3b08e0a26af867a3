"""What a network that exists consists of, as the nodes of a definition."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from .. import graph, nn
from .._arguments import checked
from ..errors import FastcnnError
from ..nn.declaration import FEATURES, Shape, declaration_of
from .building import sample_shapes
from .definition import INPUT, Call, Layer, Node, Nodes
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

    def describe(self, shapes: list[Shape]) -> Nodes:
        """Return the nodes, after a look at everything that they cannot say."""
        evaluated, trained = (trace(self._model, shapes, mode, self._refused) for mode in (False, True))
        self._check_modes(evaluated, trained)
        self._check_weights(evaluated)
        inputs = self._inputs(len(shapes))
        used = {each for step in evaluated.steps for each in step.sources if isinstance(each, int)}
        if not evaluated.steps or not used.issuperset(range(len(inputs))):
            raise self._refused(self._model, "does not compute with all of its inputs")
        return Nodes(inputs, tuple(self._nodes(evaluated, trained)), evaluated.output, self._what)

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

    def _nodes(self, evaluated: TracedForward, trained: TracedForward) -> list[Node]:
        nodes: list[Node] = []
        first: dict[int, int] = {}  # the node of a module's first call
        for step, other in zip(evaluated.steps, trained.steps, strict=True):
            what, name, also = self._part(step, other, first, len(nodes))
            sources = tuple(self._source(each, step) for each in step.sources)
            nodes.append(Node(what, sources, self._where(step), name, also))
        return nodes

    def _part(
        self, step: TracedStep, other: TracedStep, first: dict[int, int], number: int
    ) -> tuple[Layer | Call | int, str | None, tuple[str, ...]]:
        """Return what a step is, and the places of a layer of its own."""
        if isinstance(step.what, Layered):
            if id(step.what.module) in first:
                return first[id(step.what.module)], None, ()
            first[id(step.what.module)] = number
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
        for each in places:
            if not is_place(each):
                raise self._refused(module, "its name must be letters, digits, '_' and '-' to be written")
            try:
                self._tree.place(each, nn.Identity())
            except FastcnnError as error:
                raise self._refused(module, str(error)) from error
        return places[0], tuple(places[1:])

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

    def _source(self, source: Any, step: TracedStep) -> int | float:
        if isinstance(source, nn.Parameter):
            raise self._refused(step.scope, "computes with a parameter beside its layers")
        if isinstance(source, float) and not math.isfinite(source):
            raise self._refused(step.scope, f"computes with {source}, which files have no number for")
        return source

    def _where(self, step: TracedStep) -> str:
        return f"{self._what}: {self._places.get(id(step.scope), [''])[0] or type(step.scope).__name__}"

    def _check_weights(self, evaluated: TracedForward) -> None:
        """Refuse arrays of the network that are no layer's which takes part."""
        used = {id(step.what.module) for step in evaluated.steps if isinstance(step.what, Layered)}
        owners: dict[int, nn.Module] = {}
        for module in self._model.modules():
            own = [*module._parameters.values()]
            if id(module) not in used and (own or module._buffers):
                if declaration_of(module) is not None:
                    raise self._refused(module, "takes no part in forward, which cannot be written")
                raise self._refused(
                    module, f"has arrays of its own, and is no layer that files have: {', '.join(known())}"
                )
            for each in own:
                other = owners.setdefault(id(each), module)
                if other is not module:
                    place = self._places[id(other)][0]
                    raise self._refused(
                        module, f"shares its weights with layer {place}, which cannot be written"
                    )


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
