"""What a network that is no chain does, found by a trace of its forward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import graph, nn
from ..engine.effects import Attributes, Generators
from ..errors import ArgumentError, FastcnnError
from ..nn import calls, changes, passive
from ..nn.declaration import Shape, declaration_of
from ..nn.sample import dtype_of
from .layers import completed


class RefusedError(ArgumentError):
    """A part of a network cannot be written."""


Refused = Callable[[Any, str], RefusedError]


class Layered(NamedTuple):
    """A layer that files have, called in a trace.

    Attributes
    ----------
    arguments : dict
        All of them, checked.
    shape : tuple
        Of the sample that came in.
    """

    module: nn.Module
    arguments: dict[str, Any]
    shape: Shape


class TracedStep(NamedTuple):
    """A step of a trace: a layer, or an operation and the shape of the sample that it makes.

    Attributes
    ----------
    sources : tuple
        What it was applied to: numbers of values (int), constants (float), or parameters.
    scope : Module
        The innermost module that was called.
    """

    what: Layered | graph.Operation
    sources: tuple[Any, ...]
    shape: Shape
    scope: Any


class TracedForward(NamedTuple):
    """What a forward does, in one mode; values are the inputs, then one for each step."""

    steps: list[TracedStep]
    output: Any


def trace(model: nn.Module, shapes: Sequence[Shape], training: bool, refused: Refused) -> TracedForward:
    """Trace a forward; nothing changes by it.

    Parameters
    ----------
    model : Module
    shapes : sequence of tuple
        Of a sample of each input.
    training : bool
        Whether all modules are in training mode; else all are in evaluation mode.
    refused : callable
        ``refused(module, problem)`` returns what is raised.

    Raises
    ------
    RefusedError
        If the forward does what is not the same for every batch, changes or draws anything, or raises.
    """
    dtype = dtype_of(model)
    generators, attributes, recorder = Generators(model), Attributes(model), _Trace(refused)
    before = generators.states()
    try:
        with (
            calls.passive(training=training),
            passive.observed(None),
            changes.watched(attributes.note),
        ):
            y = model(*(recorder.input(np.empty((0, *shape), dtype)) for shape in shapes))
    except RefusedError:
        raise
    except FastcnnError as error:
        raise refused(model, str(error)) from error
    except Exception as error:
        raise refused(model, f"forward raised {type(error).__name__}: {error}") from error
    finally:
        drawn = generators.differ(before)
        generators.undo()
        assigned = attributes.undo()
    if assigned is not None:
        raise refused(model, f"forward changes the attribute {assigned}")
    if drawn:
        raise refused(model, "forward draws random numbers")
    for each in graph.leaves(y):
        if not isinstance(each, graph.Value) or each.recorder is not recorder:
            raise refused(model, "returns something else than tensors that depend on its input")
    return _needed(recorder.whole, graph.replaced(y, lambda value: value.index), len(shapes))


def _needed(steps: list[TracedStep], output: Any, inputs: int) -> TracedForward:
    """Return the steps that the output depends on."""
    needed = set(graph.leaves(output))
    for number in reversed(range(len(steps))):
        if inputs + number in needed:
            needed.update(each for each in steps[number].sources if isinstance(each, int))
    order = [*range(inputs), *sorted(each for each in needed if each >= inputs)]
    numbers = {old: new for new, old in enumerate(order)}

    def renumbered(each: Any) -> Any:
        return numbers[each] if isinstance(each, int) else each

    kept = [steps[each - inputs] for each in order[inputs:]]
    return TracedForward(
        [step._replace(sources=tuple(map(renumbered, step.sources))) for step in kept],
        graph.replaced(output, numbers.__getitem__),
    )


class _Trace(graph.Trace):
    """A trace in which a layer that files have is one step."""

    def __init__(self, refused: Refused) -> None:
        super().__init__()
        self.whole: list[TracedStep] = []
        self._refused = refused

    def call(self, module: Any, forward: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        """Run the forward of a module, or note the call of a layer that files have."""
        declaration = declaration_of(module)
        if declaration is None or declaration.bodies:
            return super().call(module, forward, args, kwargs)
        given = list(graph.leaves((args, kwargs)))
        if len(given) != 1 or not isinstance(given[0], graph.Value):
            raise self._refused(module, "is called with something else than one tensor")
        (x,) = given
        shape = x.shape[1:]
        try:
            read = {key: each.of(module, key) for key, each in declaration.arguments.items()}
            values = completed(type(module).__name__, read, shape)
            after = declaration.output(values, shape)
        except FastcnnError as error:
            raise self._refused(module, str(error)) from error
        layer = Layered(module, values, shape)
        self.whole.append(TracedStep(layer, (self._source(x),), after, module))
        return self._value(np.empty((0, *after), x.dtype))

    def record(self, operation: graph.Operation, inputs: tuple[Any, ...]) -> Any:
        """Note an operation."""
        made = super().record(operation, inputs)
        step = self.steps.pop()
        if len(step.outputs) != 1:
            raise self._refused(step.scope, f"uses {type(operation).__name__}, which makes several tensors")
        self.whole.append(TracedStep(operation, step.sources, step.shapes[0], step.scope))
        return made
