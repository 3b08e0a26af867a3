"""Merging axes."""

from __future__ import annotations

import math

import numpy as np

from ..errors import DTypeError, ShapeError


def flatten(x: np.ndarray, start_dim: int = 0, end_dim: int = -1) -> np.ndarray:
    """Merge the axes start_dim to end_dim into one; negative axes count from the end.

    Returns
    -------
    array
        A view of x where that is possible.
    """
    if not isinstance(x, np.ndarray):
        raise DTypeError(f"flatten: x must be a NumPy array, got {type(x).__name__}")
    ndim = max(x.ndim, 1)
    for name, dim in (("start_dim", start_dim), ("end_dim", end_dim)):
        if isinstance(dim, bool) or not isinstance(dim, int | np.integer):
            raise DTypeError(f"flatten: {name} must be an integer, got {dim!r}")
    if not (-ndim <= start_dim < ndim and -ndim <= end_dim < ndim):
        raise ShapeError(f"flatten: x of the shape {x.shape} has no axes {start_dim} to {end_dim}")
    start, end = int(start_dim) % ndim, int(end_dim) % ndim
    if start > end:
        raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    return x.reshape(*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :])
