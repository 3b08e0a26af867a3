"""Steps that leave all weights finite, or change nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .._kernels import optim as kernels
from ..nn.factored import FactoredGradient
from .optimizer import Optimizer

# A gradient that is a product, and could be above this by the size of its factors, is looked at itself.
_LARGE = 2.0**60
_NATIVE = np.dtype(np.float32), np.dtype(np.float64)


def largest(arrays: Iterable[Any]) -> float:
    """Return the largest magnitude among arrays, infinity if one of their elements is not finite."""
    sorted_: dict[int, list[np.ndarray]] = {4: [], 8: []}
    for array in arrays:
        kept = np.asarray(array)
        if kept.dtype not in _NATIVE or not kept.flags.carray:
            kept = np.require(kept, np.float64, ("C", "A"))
        sorted_[kept.dtype.itemsize].append(kept)
    return max(kernels.largest(size, each) for size, each in sorted_.items())


def largest_gradient(optimizer: Optimizer) -> float:
    """Return a bound of the magnitude of all gradients, infinity if one of them is not finite."""
    found, arrays = 0.0, []
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            grad = parameter._grad
            if grad is None or not parameter.requires_grad:
                continue
            if isinstance(grad, FactoredGradient):
                bound = len(grad.x) * largest([grad.dy]) * largest([grad.x])
                if bound <= _LARGE:
                    found = max(found, bound)
                    continue
                grad = parameter.grad
            arrays.append(grad)
    return max(found, largest(arrays))


def step_if_finite(optimizer: Optimizer, bound: float) -> bool:
    """Take a step, unless it would make weights infinite or NaN; nothing has changed then.

    Parameters
    ----------
    optimizer : Optimizer
    bound : float
        Of the gradients' magnitude.

    Returns
    -------
    bool
        Whether the step was taken.
    """
    if not math.isfinite(bound):
        return False
    if all(optimizer.stays_finite(group, bound) for group in optimizer.param_groups):
        optimizer.step()
        return True
    trained = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
    state, weights = optimizer.state_dict(), [p.data.copy() for p in trained]
    optimizer.step()
    if math.isfinite(largest(p._array for p in trained)):
        return True
    for parameter, before in zip(trained, weights, strict=True):
        parameter.data[...] = before
    optimizer.load_state_dict(state)
    return False
