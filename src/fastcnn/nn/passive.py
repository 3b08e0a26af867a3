"""Forward passes that somebody watches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from .. import _samples, graph
from .._samples import Samples
from .._scoped import Scoped
from . import calls

Observer = Callable[[Any, Any, Any], None]


_observer = Scoped()


def observed(watch: Observer | None) -> AbstractContextManager[None]:
    """Call `watch(module, input, output)` after each module's forward pass in this thread."""
    return _observer.set(watch)


def report(module: Any, given: tuple[tuple, dict], y: Any) -> None:
    """Tell who watches of a forward pass; arrays stand in the place of values.

    The input is what was given, by place or by name: one thing, or a tuple of several.
    """
    if _observer.value is not None:
        (args, kwargs), output = graph.replaced((given, y), graph.as_array)
        inputs = (*args, *kwargs.values())
        _observer.value(module, inputs[0] if len(inputs) == 1 else inputs, output)


def observe(module: Any, x: Samples, watch: Observer) -> Any:
    """Run `module` on x in evaluation mode; call `watch(module, input, output)` for each module in it."""
    with observed(watch), calls.passive():
        return module(*_samples.arrays(x))


def tensors(given: Any) -> list[np.ndarray]:
    """Return the arrays among what a module takes or returns."""
    return [each for each in graph.leaves(given) if isinstance(each, np.ndarray)]
