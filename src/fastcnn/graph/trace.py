"""The trace of a forward: the operations that it applies to a sample, whatever is in it.

A trace runs forward on values of no image: shapes come out as they do for a batch, and nothing is computed.
What would not be the same for every batch is refused: forward must not look at elements, at the size of the
batch, or at random numbers of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from .batch import BATCH, TraceError
from .operation import Array, Operation, as_array, caller
from .structure import as_tuple
from .value import Value


class Traced(Value):
    """A value of a trace."""

    @property
    def shape(self) -> tuple[Any, ...]:
        """Its sizes; that of the batch is any number."""
        return (BATCH, *self._array.shape[1:])

    def __len__(self) -> int:
        return len(range(BATCH))

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self))])

    def numel(self) -> int:
        """Raise: it depends on the batch."""
        return len(self)


class Step(NamedTuple):
    """An operation of a trace.

    Attributes
    ----------
    sources : tuple
        For each input the number of a value, a parameter, a number, or None where there is none.
    outputs : range
        The numbers of the values that it makes.
    shapes : tuple
        For each output the shape of a sample.
    scope : object
        The innermost module that was called.
    """

    operation: Operation
    sources: tuple[Any, ...]
    outputs: range
    shapes: tuple[tuple[int, ...], ...]
    scope: Any


class Trace:
    """Records operations on values of no image.

    Parameters
    ----------
    aside : callable, optional
        Returns a context for code that will run again for each batch: what it does beside is undone.

    Attributes
    ----------
    steps : list of Step
    """

    def __init__(self, aside: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._aside = aside
        self.steps: list[Step] = []
        self._count = 0
        self._scopes: list[Any] = [None]

    def input(self, array: Array) -> Traced:
        """Return the value of an input, of which `array` has no image."""
        return self._value(array)

    def _value(self, array: Array) -> Traced:
        self._count += 1
        return Traced(array, self, self._count - 1)

    def call(self, module: Any, forward: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        """Run the forward of a module on values; it is the innermost one that was called."""
        self._scopes.append(module)
        try:
            return forward(*args, **kwargs)
        finally:
            self._scopes.pop()

    def record(self, operation: Operation, inputs: tuple[Any, ...]) -> Any:
        """Note an operation on values, parameters and numbers."""
        if not any(isinstance(each, Traced) for each in inputs):
            raise TraceError("parameters are computed with", caller())
        sources = tuple(self._source(each) for each in inputs)
        with self._aside() if operation.runs_code else nullcontext():
            y = operation.trace(*map(as_array, inputs))
        first = self._count
        made = tuple(map(self._value, as_tuple(y)))
        for value in made:
            if value.ndim == 0 or value._array.shape[0] != 0 or 0 in value._array.shape[1:]:
                raise TraceError(f"{type(operation).__name__} over the batch", caller())
        shapes = tuple(value._array.shape[1:] for value in made)
        outputs = range(first, self._count)
        self.steps.append(Step(operation, sources, outputs, shapes, self._scopes[-1]))
        return made if isinstance(y, tuple) else made[0]

    def _source(self, each: Any) -> Any:
        if isinstance(each, Value):
            if each.recorder is not self:
                raise TraceError("a value of another call is used", caller())
            return each.index
        if isinstance(each, np.ndarray):
            if each.ndim:
                raise TraceError("an array is used that is no parameter", caller())
            return float(each)
        return float(each) if isinstance(each, int | float | np.generic) else each

    def look(self, value: Value, what: str) -> Array:
        """Refuse that somebody looks at elements."""
        raise TraceError(f"{what} of a value: forward depends on data", caller())

    def leave(self, value: Value, what: str) -> Array:
        """Refuse that NumPy computes."""
        raise TraceError(what, caller())
