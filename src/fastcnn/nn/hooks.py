"""Functions that are called with each call of a module; they see arrays."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from .. import graph
from ..errors import DTypeError
from . import calls, changes

FORWARD_PRE, FORWARD, BACKWARD = "_forward_pre_hooks", "_forward_hooks", "_backward_hooks"
_numbers = itertools.count()


class RemovableHandle:
    """What takes a hook away again: ``handle.remove()``, or the end of a with block."""

    def __init__(self, hooks: dict[int, Callable], number: int) -> None:
        self._hooks = hooks
        self._number = number

    def remove(self) -> None:
        """Take the hook away, if it is there."""
        self._hooks.pop(self._number, None)
        changes.note()

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register(module: Any, kind: str, hook: object) -> RemovableHandle:
    """Add a hook of a kind to a module."""
    if not callable(hook):
        raise DTypeError(f"{type(module).__name__}: hook must be callable, got {type(hook).__name__}")
    hooks = module.__dict__.setdefault(kind, {})
    number = next(_numbers)
    hooks[number] = hook
    changes.note()
    return RemovableHandle(hooks, number)


def _hooks(module: Any, kind: str) -> list[Callable]:
    return list(module.__dict__.get(kind, {}).values())


def has_hooks(module: Any) -> bool:
    """Tell whether a module has a hook of any kind."""
    own = module.__dict__
    return bool(own.get(FORWARD_PRE) or own.get(FORWARD) or own.get(BACKWARD))


def run(module: Any, forward: Callable, args: tuple, kwargs: dict, recorder: graph.Tape) -> Any:
    """Call a forward on values, with the hooks of the module around it."""
    for hook in _hooks(module, FORWARD_PRE):
        made = hook(module, graph.replaced(args, graph.as_array))
        if made is not None:
            args = graph.as_tuple(made)
            _cut(module, recorder)
    backward = _hooks(module, BACKWARD)
    grad_output: list[tuple] = []
    if backward:
        called = calls.reference(module)

        def ended(grad_input: tuple) -> tuple:
            for hook in backward:
                made = hook(called(), grad_input, grad_output[0])
                if made is not None:
                    grad_input = graph.as_tuple(made)
            return grad_input

        args = _watched(args, ended)
    y = forward(*args, **kwargs)
    for hook in _hooks(module, FORWARD):
        made = hook(module, graph.replaced(args, graph.as_array), graph.replaced(y, graph.as_array))
        if made is not None:
            y = made
            _cut(module, recorder)
    if not backward:
        return y

    def begun(dy: tuple) -> tuple:
        grad_output[:] = [dy]
        return dy

    return _watched(y, begun)


def _cut(module: Any, recorder: graph.Tape) -> None:
    recorder.cut(f"a hook of {type(module).__name__} put other arrays in the place of values")


def _watched(given: Any, function: Callable[[tuple], tuple]) -> Any:
    """Return tensors whose gradients go through a function."""
    values = [each for each in graph.leaves(given) if isinstance(each, graph.Value)]
    if not values:
        return given
    made = graph.apply(Watch(function), *values)
    new = iter(graph.as_tuple(made))
    return graph.replaced(given, lambda each: next(new) if isinstance(each, graph.Value) else each)


class Watch(graph.Operation):
    """The same tensors; their gradients are what a function makes of them."""

    def __init__(self, function: Callable[[tuple], tuple]) -> None:
        self._function = function

    def forward(self, *inputs: Any) -> tuple[Any, Any]:
        """Return the inputs."""
        return inputs if len(inputs) > 1 else inputs[0], None

    def backward(self, dy: Any, saved: Any, wanted: graph.Wanted) -> tuple[Any, ...]:
        """Return what the function makes of dy."""
        return self._function(graph.as_tuple(dy))

    def trained(self) -> bool:
        """Tell that the backward pass is always wanted."""
        return True
