"""Merging axes."""

from __future__ import annotations

import numpy as np

from .._outputs import flattened
from ..errors import DTypeError


def flatten(x: np.ndarray, start_dim: int = 0, end_dim: int = -1) -> np.ndarray:
    """Merge the axes start_dim to end_dim into one; negative axes count from the end.

    Returns
    -------
    array
        A view of x where that is possible.
    """
    if not isinstance(x, np.ndarray):
        raise DTypeError(f"flatten: x must be a NumPy array, got {type(x).__name__}")
    return x.reshape(flattened(x.shape, start_dim, end_dim, "flatten"))
