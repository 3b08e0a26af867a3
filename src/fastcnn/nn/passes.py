"""The two passes of a module: its forward, recorded, and the backward pass over the record."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import graph
from ..errors import DTypeError, ShapeError, StateError
from . import calls, hooks
from .opaque import Opaque


def _recorder(*given: Any) -> Any:
    """Return the record that the values among arguments belong to, None without any."""
    return next((each.recorder for each in graph.leaves(given) if isinstance(each, graph.Value)), None)


def with_input(module: Any, named: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """Return positional and named arguments of a forward that are given by name alone, `input` among them.

    `input` is the first argument, whatever forward calls that, unless another one has the name.
    """
    taken = list(inspect.signature(module.forward).parameters.values())
    if any(each.name == "input" or each.kind is each.VAR_KEYWORD for each in taken[1:]):
        return (), named
    return (named["input"],), {name: each for name, each in named.items() if name != "input"}


def run(module: Any, args: tuple, kwargs: dict, opaque: bool) -> Any:
    """Call a module on arrays, or on values of a call that is being recorded.

    Parameters
    ----------
    opaque : bool
        Whether it has a backward of its own; else that is derived from its forward.
    """
    if "input" in kwargs and not args:
        args, kwargs = with_input(module, kwargs)
    recorder, hooked = _recorder(args, kwargs), hooks.has_hooks(module)
    forward = functools.partial(_apply, module) if opaque else module.forward
    if recorder is not None:
        if hooked and not isinstance(recorder, graph.Tape):
            raise graph.TraceError(f"{type(module).__name__} has hooks")
        around = functools.partial(_hooked, module, forward, recorder) if hooked else forward
        return recorder.call(module, around, args, kwargs)
    before = calls.take(module)  # whose arrays would take memory beside the new ones
    call = calls.new_call()
    if opaque and not hooked:
        with calls.entered(module, call):
            y = module.forward(*args, **kwargs)
    else:
        call.derived = True
        y = _record(module, forward, args, kwargs, call, hooked, None if before is None else before.tape)
    calls.put(module, call)
    return y


def _hooked(module: Any, forward: Callable, recorder: graph.Tape, *args: Any, **kwargs: Any) -> Any:
    return hooks.run(module, forward, args, kwargs, recorder)


def _apply(module: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a module with a backward of its own on values: it is one operation."""
    operation = Opaque(module, (args, kwargs))
    made = graph.apply(operation, *graph.leaves((args, kwargs)))
    return graph.filled(operation.output, iter(graph.as_tuple(made)))


def _number(output: Any) -> int | type | None:
    """Return the number of a value, None for what has no gradient, and the type of what could hold values."""
    if isinstance(output, graph.Value):
        return output.index
    if isinstance(output, graph.Operand | np.ndarray) or not hasattr(output, "__dict__"):
        return None
    return type(output)


def _record(
    module: Any,
    forward: Callable,
    args: tuple,
    kwargs: dict,
    call: calls.Call,
    hooked: bool = False,
    before: graph.Tape | None = None,
) -> Any:
    """Run a forward on arrays and record it in a call, in the place of the record before; return arrays."""
    call.tape = tape = calls.new_tape(module, before)

    def as_value(given: Any) -> Any:
        return tape.input(given) if isinstance(given, np.ndarray) else given

    args, kwargs = graph.replaced(args, as_value), graph.replaced(kwargs, as_value)
    try:
        with calls.entered(module, call, tape):
            y = hooks.run(module, forward, args, kwargs, tape) if hooked else forward(*args, **kwargs)
    finally:
        tape.close()
    call.output = graph.replaced(y, _number)

    def as_output(made: Any) -> Any:
        array = graph.as_array(made)
        # The user may write into what was returned: ``y[rows, labels] -= 1``, then ``model.backward(y)``.
        return array.copy() if isinstance(made, graph.Value) and tape.keeps(array) else array

    return graph.replaced(y, as_output)


def for_super(forward: Callable) -> Callable:
    """Return a forward without a backward, recorded where a class that has one calls it on arrays.

    Such a class, derived from this one, may use both: ``super().forward(x)`` and ``super().backward(dy)``.
    """

    @functools.wraps(forward)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = calls.innermost(self)
        if call is None or call.tape is not None or _recorder(args, kwargs):
            return forward(self, *args, **kwargs)
        return _record(self, functools.partial(forward, self), args, kwargs, call)

    return wrapper


def in_call(backward: Callable) -> Callable:
    """Return a module's own backward that finds what its latest call kept, and those of its members."""

    @functools.wraps(backward)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if calls.innermost(self) is not None or (call := calls.latest(self)) is None:
            return backward(self, *args, **kwargs)
        if call.derived:  # it has hooks, between which its own backward runs
            return derived(self, *args, **kwargs)
        with calls.entered(self, call):
            return backward(self, *args, **kwargs)

    return wrapper


def derived(module: Any, dy: Any, input_gradient: bool = True) -> Any:
    """Do the backward pass of the latest call of a module in this thread, derived from its forward.

    Raises
    ------
    StateError
        If there was none, NumPy took part in it, or its output is an object.
    DTypeError, ShapeError
        If dy is not like the output.
    """
    name, call = type(module).__name__, calls.find(module)
    if call.tape is None or not call.recorded():
        raise StateError(f"{name}: backward was called before forward: its call, model(x), has not ended")
    for each in graph.leaves(call.output):
        if isinstance(each, type):
            raise StateError(
                f"{name}: backward: forward returned an object, {each.__name__}, whose tensors are unknown: "
                "it must return tensors, or tuples, lists or dicts of them"
            )
    dys = output_gradients(call.output, dy, call.tape.kind, name)
    dxs = call.tape.backward(dys, input_gradient)
    if not input_gradient:
        return None
    return dxs[0] if len(dxs) == 1 else tuple(dxs)


def output_gradients(
    form: Any, dy: Any, kind: Callable[[int], tuple[tuple[int, ...], np.dtype]], name: str
) -> dict[int, np.ndarray]:
    """Return the gradient of each output by its number, of those that have one.

    Parameters
    ----------
    form : nested tuples, lists and dicts
        The output, with numbers in the places of arrays.
    dy : alike, with arrays in their places
        None stands for no gradient, of one of several outputs or of all within.
    kind : callable
        Returns shape and element type of the output of a number.
    name : str
        Opens the message of an error.

    Raises
    ------
    DTypeError, ShapeError
        If dy is not like the output.
    """
    dys: dict[int, np.ndarray] = {}
    one = isinstance(form, int)
    for number, each in list(graph.paired(form, dy, f"{name}: dy")):
        if number is None or (each is None and not one):
            continue
        shape, dtype = kind(number)
        if isinstance(each, np.generic):  # as NumPy returns in the place of arrays without axes
            each = np.asarray(each)
        if not isinstance(each, np.ndarray):
            raise DTypeError(f"{name}: dy must be an array, got {type(each).__name__}")
        if each.shape != shape:
            raise ShapeError(f"{name}: dy must have the shape {shape}, got {each.shape}")
        if each.dtype.newbyteorder("=") != dtype:
            raise DTypeError(f"{name}: dy must be {dtype} as the output, got {each.dtype}")
        each = each.astype(dtype, copy=False)
        dys[number] = each if number not in dys else dys[number] + each
    return dys
