from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

# An array, or the factors dy and x of dy^T x.
Gradient = np.ndarray | tuple[np.ndarray, np.ndarray]

def gradient_of_factors(out: np.ndarray, dy: np.ndarray, x: np.ndarray) -> None: ...
def largest(itemsize: int, arrays: list[np.ndarray]) -> float: ...
def copy_arrays(targets: list[np.ndarray], sources: list[np.ndarray]) -> None: ...

# {name: (number, arrays, options, own numbers)} of the rows of csrc/eager/optimizers.inc.
OPTIMIZERS: dict[str, tuple[int, tuple[str, ...], tuple[str, ...], tuple[str, ...]]]

def step(
    name: str,
    itemsize: int,
    updates: list[tuple[Any, ...]],
    options: Mapping[str, Any],
    used: tuple[str | None, ...] | None = None,
    make: Callable[[dict[str, Any], str, np.ndarray], np.ndarray] | None = None,
) -> None: ...
