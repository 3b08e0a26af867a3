"""How an average goes on: exponentially, or with equal weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..._kernels import optim as kernels
from .._check import share

# ``average(averaged, current, num_averaged)`` returns the new average of one array ...
AverageFunction = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
# ... or changes a list of them, all of one type, in place.
MultiAverageFunction = Callable[[Sequence[np.ndarray], Sequence[np.ndarray], int], None]
_NATIVE = np.dtype(np.float32), np.dtype(np.float64)


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverageFunction:
    """Return ``averaged = decay averaged + (1 - decay) current``, in place and for all arrays in one pass.

    Parameters
    ----------
    decay : float
        In [0, 1].
    """
    fresh = 1 - share(decay, "get_ema_multi_avg_fn: decay")

    def ema_update(averaged: Sequence[np.ndarray], current: Sequence[np.ndarray], num_averaged: int) -> None:
        _mix(averaged, current, fresh)

    return ema_update


def get_swa_multi_avg_fn() -> MultiAverageFunction:
    """Return the plain average, ``averaged += (current - averaged) / (n + 1)``, in place for all arrays."""

    def swa_update(averaged: Sequence[np.ndarray], current: Sequence[np.ndarray], num_averaged: int) -> None:
        _mix(averaged, current, 1 / (int(num_averaged) + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> AverageFunction:
    """Return ``decay averaged + (1 - decay) current`` as a function of two arrays.

    Parameters
    ----------
    decay : float
        In [0, 1].
    """
    kept = share(decay, "get_ema_avg_fn: decay")
    return lambda averaged, current, num_averaged: kept * averaged + (1 - kept) * current


def get_swa_avg_fn() -> AverageFunction:
    """Return ``averaged + (current - averaged) / (n + 1)`` as a function of two arrays."""
    return lambda averaged, current, num_averaged: averaged + (current - averaged) / (int(num_averaged) + 1)


def _mix(averaged: Sequence[np.ndarray], current: Sequence[np.ndarray], fresh: float) -> None:
    """Let arrays go a share of the way to others, floats in one pass."""
    pairs: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
    for old, new in zip(averaged, current, strict=True):
        if old.dtype in _NATIVE and old.flags.carray:
            if new.dtype != old.dtype or not new.flags.carray:
                new = np.require(new, old.dtype, ("C", "A"))
            if old.size:
                pairs.setdefault(old.itemsize, []).append((old, new))
        else:  # counters, which are cut off to integers
            old[...] = (old + (new - old) * fresh).astype(old.dtype)
    for itemsize, each in pairs.items():
        kernels.step("average", itemsize, each, {"share": fresh})
