"""The record of one call of a module, and the backward pass over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import _precision
from .._kernels import cpu
from ..errors import StateError
from .bfloat16 import rounded
from .operation import Array, Operand, Operation, as_array, caller
from .structure import as_tuple, leaves
from .value import Value


class _Step(NamedTuple):
    """An operation that was applied."""

    operation: Operation
    sources: tuple[int | Operand | None, ...]  # the number of a value, a parameter, or None: a constant
    outputs: range  # the numbers of the values that it made
    saved: Any


class Tape:
    """Applies operations to arrays, and keeps what a backward pass needs.

    Parameters
    ----------
    keep : bool
        Whether there will be a backward pass.
    before : Tape, optional
        The record of the call before, of which nothing is needed any more. It is forgotten step by step as
        new ones come: all at once, its memory would go back to the system, and have to be asked for again.
    """

    def __init__(self, keep: bool = True, before: Tape | None = None) -> None:
        self._old: list[_Step] = [] if before is None else before._steps[::-1]
        if before is not None:
            before._steps.clear()
        self._keep = keep
        self._steps: list[_Step] = []
        self._kinds: list[tuple[tuple[int, ...], np.dtype]] = []  # shape and type of each value
        self._inputs = 0
        # In the medium precision values and weights are rounded where they are computed with: what the model
        # returns, and what the loss says of it, is not, nor are other parameters.
        self._rounds = _precision.rounds() and cpu.multiplies_bfloat16()
        self._open = True
        self._left: str | None = None  # where NumPy was given a value

    def input(self, array: Array) -> Value:
        """Return the value of an input, in native byte order; inputs come before all operations."""
        self._inputs += 1
        native = array.dtype.isnative
        return self._value(array if native else array.astype(array.dtype.newbyteorder("=")))

    def _value(self, array: Array) -> Value:
        array = np.asarray(array)  # NumPy returns scalars for arrays without axes
        self._kinds.append((array.shape, array.dtype))
        return Value(array, self, len(self._kinds) - 1)

    def kind(self, number: int) -> tuple[tuple[int, ...], np.dtype]:
        """Return the shape and the type of a value."""
        return self._kinds[number]

    @property
    def left(self) -> str | None:
        """What made arrays of values, so that the record has a gap; None if nothing did."""
        return self._left

    def close(self) -> None:
        """Say that the call has ended."""
        self._open = False
        self._old.clear()

    def call(self, module: Any, forward: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        """Run the forward of a module on values: whose operations are recorded does not matter."""
        return forward(*args, **kwargs)

    def keeps(self, array: Array) -> bool:
        """Tell whether an array, or a part of it, is kept for the backward pass."""
        kept = (each for step in self._steps for each in leaves(step.saved))
        return any(isinstance(each, np.ndarray) and np.may_share_memory(array, each) for each in kept)

    # Forward ----------------------------------------------------------------------------------------

    def record(self, operation: Operation, inputs: tuple[Any, ...]) -> Any:
        """Apply an operation to values, parameters and constants."""
        if not self._open:
            raise StateError("a value is used after the call of the module that it belongs to")
        sources: list[int | Operand | None] = []
        for each in inputs:
            if not isinstance(each, Operand):
                sources.append(None)
            elif isinstance(each, Value):
                if each.recorder is not self:
                    raise StateError("a value is used in another call than the one that it belongs to")
                sources.append(each.index)
            else:
                sources.append(each)
        arrays = list(map(as_array, inputs))
        if self._rounds and not operation.moves:
            arrays = [
                rounded(array) if isinstance(source, int) or i == operation.weight_input else array
                for i, (array, source) in enumerate(zip(arrays, sources, strict=True))
            ]
        y, saved = operation.forward(*arrays)
        if self._old:
            self._old.pop()
        first = len(self._kinds)
        made = tuple(map(self._value, as_tuple(y)))
        if self._keep:
            operation.let_go()
            self._steps.append(_Step(operation, tuple(sources), range(first, len(self._kinds)), saved))
        return made if isinstance(y, tuple) else made[0]

    def look(self, value: Value, what: str) -> Array:
        """Return a value's array to somebody who knows that it has no gradient."""
        return value._array

    def leave(self, value: Value, what: str) -> Array:
        """Return a value's array to NumPy, which does not say what its gradient is."""
        if self._left is None:
            self._left = f"{what} ({caller()})"
        return value._array

    def cut(self, what: str) -> None:
        """Note that arrays stand in the place of values from here on: there is no backward pass."""
        if self._left is None:
            self._left = what

    # Backward ---------------------------------------------------------------------------------------

    def backward(self, dys: dict[int, Array], input_gradient: bool) -> list[Array | None]:
        """Add the gradients of all parameters, and return those of the inputs.

        Parameters
        ----------
        dys : dict
            Gradients of the loss, by the number of the value.
        input_gradient : bool
            Whether those of the inputs are wanted; else none are returned.
        """
        if self._left is not None:
            raise StateError(
                f"backward: {self._left}, whose gradient is not known: use functions of fastcnn, "
                "x.numpy() for what has no gradient, or give the module a backward of its own"
            )
        grads, owned, exact = dict(dys), set(), set(dys)

        def add(index: int, grad: Array) -> None:
            if index in owned:
                grads[index] += grad
                return
            if index in grads:
                grad = grads[index] + grad
                owned.add(index)
            grads[index] = np.asarray(grad)

        for step, wanted in reversed(self._wanted(input_gradient)):
            if grads.keys().isdisjoint(step.outputs):
                continue
            dy = tuple(
                grads.pop(index) if index in grads else np.zeros(*self._kinds[index])
                for index in step.outputs
            )
            if step.operation.moves:
                exact.update(source for source in step.sources if not exact.isdisjoint(step.outputs))
            elif self._rounds and exact.isdisjoint(step.outputs):
                dy = tuple(map(rounded, dy))
            made = step.operation.backward(dy if len(dy) > 1 else dy[0], step.saved, wanted)
            for source, want, grad in zip(step.sources, wanted, made, strict=True):
                if not want or grad is None:
                    continue
                if isinstance(source, int):
                    add(source, grad)
                else:
                    source.accumulate(grad)
        if not input_gradient:
            return []
        return [self._own(grads.get(index), index, owned) for index in range(self._inputs)]

    def _own(self, grad: Array | None, index: int, owned: set[int]) -> Array:
        """Return the gradient of an input as an array that can be written to, and is no other input's."""
        if grad is None:
            return np.zeros(*self._kinds[index])
        if self._rounds and grad.dtype == np.float32:
            return rounded(grad)
        if index not in owned and (self._inputs > 1 or not grad.flags.writeable):
            return grad.copy()
        return grad

    def _wanted(self, input_gradient: bool) -> list[tuple[_Step, tuple[bool, ...]]]:
        """Return the steps that a backward pass goes over, and of which inputs of each it needs gradients."""
        depends = [False] * len(self._kinds)
        for index in range(self._inputs):
            depends[index] = input_gradient and self._kinds[index][1].kind == "f"
        found = []
        for step in self._steps:
            wanted = tuple(
                depends[source] if isinstance(source, int) else source is not None and source.requires_grad
                for source in step.sources
            )
            if any(wanted) or step.operation.trained():
                for index in step.outputs:
                    depends[index] = True
                found.append((step, wanted))
        return found
