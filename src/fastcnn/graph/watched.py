"""The record of a call that somebody watches, operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .operation import Operation, as_array
from .structure import leaves
from .tape import Tape

# Takes the module whose forward applies it, the operation, and the arrays that it takes and makes.
Watch = Callable[[Any, Operation, list[np.ndarray], list[np.ndarray]], None]


class WatchedTape(Tape):
    """A tape that tells of each operation as soon as it is computed.

    Parameters
    ----------
    keep, before
        As of Tape.
    module : Module
        Whose call it is of.
    watch : callable ``watch(module, operation, inputs, outputs)``
    """

    def __init__(self, keep: bool, before: Tape | None, module: Any, watch: Watch) -> None:
        super().__init__(keep, before)
        self._modules = [module]
        self._watch = watch

    def call(self, module: Any, forward: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        """Run the forward of a module, whose operations are its own."""
        self._modules.append(module)
        try:
            return super().call(module, forward, args, kwargs)
        finally:
            self._modules.pop()

    def record(self, operation: Operation, inputs: tuple[Any, ...]) -> Any:
        """Apply an operation, and tell of it."""
        made = super().record(operation, inputs)
        self._watch(self._modules[-1], operation, _arrays(inputs), _arrays(made))
        return made


def _arrays(given: Any) -> list[np.ndarray]:
    return [each for each in map(as_array, leaves(given)) if isinstance(each, np.ndarray)]
