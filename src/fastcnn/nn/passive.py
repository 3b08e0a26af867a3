"""Forward passes in evaluation mode that leave no trace in a module, and those that somebody watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .tree import Tree

Observer = Callable[[Any, Any, Any], None]

# Called with (module, input, output) after each module's forward pass while it is set; see `observe`.
observer: Observer | None = None


class Passive:
    """Run a module in evaluation mode without leaving a trace: modes and saved arrays are put back."""

    def __init__(self, module: Tree[Any]) -> None:
        self.before = [(m, m.training, m._saved) for m in module.modules()]

    def __enter__(self) -> None:
        for module, _, _ in self.before:
            module.training = False

    def __exit__(self, *_: object) -> None:
        for module, training, saved in self.before:
            module.training = training
            module.saved = saved


def observe(module: Any, x: np.ndarray, watch: Observer) -> np.ndarray:
    """Run `module` on x in evaluation mode; call `watch(module, input, output)` for each module in it."""
    global observer
    previous, observer = observer, watch
    try:
        with Passive(module):
            return module(x)
    finally:
        observer = previous
