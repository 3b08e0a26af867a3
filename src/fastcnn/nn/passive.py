"""Forward passes that somebody watches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from .. import graph
from .._scoped import Scoped
from . import calls

Observer = Callable[[Any, Any, Any], None]


_observer = Scoped()


def observed(watch: Observer | None) -> AbstractContextManager[None]:
    """Call `watch(module, input, output)` after each module's forward pass in this thread."""
    return _observer.set(watch)


def report(module: Any, args: tuple, y: Any) -> None:
    """Tell who watches of a forward pass; arrays stand in the place of values."""
    if _observer.value is not None:
        inputs, output = graph.replaced((args, y), graph.as_array)
        _observer.value(module, inputs[0] if len(inputs) == 1 else inputs, output)


def observe(module: Any, x: np.ndarray, watch: Observer) -> np.ndarray:
    """Run `module` on x in evaluation mode; call `watch(module, input, output)` for each module in it."""
    with observed(watch), calls.passive():
        return module(x)
