"""What a model does with a sample: its trace, and what that depends on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import graph, nn
from ..errors import FastcnnError
from ..nn import calls, changes, passive
from .effects import Attributes, Generators


class UnsupportedError(FastcnnError):
    """A model does what the engine has no form for; it then runs eagerly."""


# How often a forward is traced during which random numbers are drawn: another thread may have done it.
_TRIES = 3


class Picture(NamedTuple):
    """The operations of a model for samples of certain shapes.

    Attributes
    ----------
    input_shapes : tuple of tuples
        Of a sample of each input.
    dtype : np.dtype
    training : bool
        Whether each layer is in its own mode; else all are in evaluation mode.
    steps : list of graph.Step
    form : nested tuples, lists and dicts
        What the model returns, with the numbers of values in their places, of which its inputs have the
        first; None where it has None.
    outputs : list of int
        The numbers in `form`.
    structure : tuple
        Two that are equal, of one model, stand for the same program.
    mode : tuple
        What a plan for training depends on beside it: what is trained, and which layers are in training.
    """

    input_shapes: tuple[tuple[int, ...], ...]
    dtype: np.dtype
    training: bool
    steps: list[graph.Step]
    form: Any
    outputs: list[int]
    structure: tuple
    mode: tuple


def picture(
    model: nn.Module, input_shapes: tuple[tuple[int, ...], ...], dtype: np.dtype, training: bool
) -> Picture:
    """Trace a model.

    Raises
    ------
    UnsupportedError
        If its forward does what is not the same for every batch, or raises anything.
    FastcnnError
        If the shape of the samples does not fit.
    """
    generators, drawn = Generators(model), True
    arrays = [np.empty((0, *shape), dtype) for shape in input_shapes]
    for _ in range(_TRIES):
        trace, y, drawn = _run(model, arrays, training, generators)
        if not drawn:
            break
    if drawn:
        generators.undo()
        raise UnsupportedError("forward draws random numbers")
    outputs = [each for each in graph.leaves(y) if each is not None]
    if not outputs or not all(isinstance(each, graph.Value) and each.recorder is trace for each in outputs):
        raise UnsupportedError("an output that is not made of tensors that depend on the input")
    form = graph.replaced(y, lambda each: None if each is None else each.index)
    modes = tuple(step.operation.training for step in trace.steps if hasattr(step.operation, "training"))
    # A plan for training is one of a mode; in evaluation a forward can still ask for dropout.
    structure = tuple(_facts(step) for step in trace.steps), _told(form), () if training else modes
    sources = (each for step in trace.steps for each in step.sources)
    parameters = {id(each): each for each in sources if isinstance(each, nn.Parameter)}
    own = (step.operation.trained() for step in trace.steps if step.operation.runs_code)
    mode = modes, (*(each.requires_grad for each in parameters.values()), *own)
    numbers = [each.index for each in outputs]
    return Picture(input_shapes, dtype, training, trace.steps, form, numbers, structure, mode)


def _run(
    model: nn.Module, arrays: list[np.ndarray], training: bool, generators: Generators
) -> tuple[graph.Trace, Any, bool]:
    """Return the trace of a forward, its output, and whether random numbers were drawn meanwhile."""
    trace, attributes = graph.Trace(generators.kept), Attributes(model)
    before = generators.states()
    try:
        with (
            calls.passive(evaluating=not training),
            passive.observed(None),
            changes.watched(attributes.note),
        ):
            y = model(*[trace.input(array) for array in arrays])
    except Exception as error:
        generators.undo()
        if isinstance(error, FastcnnError) and not isinstance(error, graph.TraceError):
            raise
        raised = "" if isinstance(error, graph.TraceError) else f"forward raised {type(error).__name__}: "
        raise UnsupportedError(f"{raised}{error}") from (error if raised else None)
    finally:
        assigned = attributes.undo()
    if assigned is not None:
        generators.undo()
        raise UnsupportedError(f"forward changes the attribute {assigned}")
    return trace, y, generators.differ(before)


def _facts(step: graph.Step) -> tuple:
    settings = tuple(_told(each) for each in step.operation.settings())
    return type(step.operation), settings, tuple(_told(each) for each in step.sources)


def _told(what: Any) -> Any:
    """Return something that is equal only for what a program is the same for.

    Arrays and objects are told by their ids: those that a plan uses live as long as the plan, so that no
    other can have theirs.
    """
    if isinstance(what, np.ndarray | nn.Parameter):
        return id(what), what.shape, what.dtype, isinstance(what, nn.Parameter) or what.flags.c_contiguous
    if isinstance(what, tuple | list):
        return type(what), tuple(map(_told, what))
    if isinstance(what, dict):
        return tuple((name, _told(each)) for name, each in what.items())
    if isinstance(what, slice):
        return slice, repr(what)
    if what is None or isinstance(what, bool | int | float | str | np.generic):
        return type(what), repr(what)
    return type(what), id(what)
