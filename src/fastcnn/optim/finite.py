"""Steps that leave all weights finite, or change nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .._kernels import optim as kernels
from .gradients import Gathered
from .optimizer import Optimizer

_NATIVE = np.dtype(np.float32), np.dtype(np.float64)


def largest(arrays: Iterable[Any]) -> float:
    """Return the largest magnitude among arrays, infinity if one of their elements is not finite."""
    sorted_: dict[int, list[np.ndarray]] = {4: [], 8: []}
    for array in arrays:
        kept = np.asarray(array)
        if kept.dtype not in _NATIVE or not (kept.flags.c_contiguous and kept.flags.aligned):
            kept = np.require(kept, np.float64, ("C", "A"))
        sorted_[kept.dtype.itemsize].append(kept)
    return max(kernels.largest(size, each) for size, each in sorted_.items())


def step_if_finite(optimizer: Optimizer, gathered: list[Gathered], bound: float) -> bool:
    """Take a step, unless it would make weights infinite or NaN; nothing has changed then.

    Parameters
    ----------
    optimizer : Optimizer
    gathered : list
        Its gradients, see `Optimizer.gathered`.
    bound : float
        Of their magnitude.

    Returns
    -------
    bool
        Whether the step was taken.
    """
    if not math.isfinite(bound):
        return False
    if all(optimizer.stays_finite(group, bound) for group in optimizer.param_groups):
        _step(optimizer, gathered)
        return True
    trained = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
    state, weights = optimizer.state_dict(), [p.data.copy() for p in trained]
    _step(optimizer, gathered)
    if math.isfinite(largest(p._array for p in trained)):
        return True
    for parameter, before in zip(trained, weights, strict=True):
        parameter.data[...] = before
    optimizer.load_state_dict(state)
    return False


def _step(optimizer: Optimizer, gathered: list[Gathered]) -> None:
    if getattr(optimizer.step, "__func__", None) is Optimizer.step:
        optimizer.take(gathered)
    else:  # a user's own, which does more than take the step
        optimizer.step()
