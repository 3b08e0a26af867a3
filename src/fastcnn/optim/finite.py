"""Steps that leave all weights finite, or change nothing."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .._kernels import optim as kernels
from ._check import SMALL
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


class FiniteSteps:
    """Takes the steps of an optimizer, unless they would make a weight, or what it keeps, infinite or NaN.

    A step is looked at afterwards, and taken back if need be, where the optimizer does not vouch for it
    (`Optimizer.stays_finite`), and as long as what a step has left is large.

    Parameters
    ----------
    optimizer : Optimizer
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._calm: object = None  # the state that was small when it was looked at, vouched for since

    def take(self, gathered: list[Gathered], bound: float) -> bool:
        """Take a step with gathered gradients, whose magnitude has a bound; return whether it was taken.

        If it was not, weights, options and what the optimizer keeps for them are as before.
        """
        optimizer = self._optimizer
        if not math.isfinite(bound):
            return False
        for group in optimizer.param_groups:
            if not optimizer.stays_finite(group, bound):
                self._calm = None
        if self._calm is not None and self._calm is optimizer.state:
            step_with(optimizer, gathered)
            return True
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        weights = [parameter.data.copy() for parameter in parameters]
        state = {key: copy.deepcopy(held) for key, held in optimizer.state.items()}
        options = [{key: group[key] for key in group if key != "params"} for group in optimizer.param_groups]
        step_with(optimizer, gathered)
        trained = [parameter._array for parameter in parameters if parameter.requires_grad]
        found = largest([*trained, *_arrays(optimizer.state)])
        if math.isfinite(found):
            self._calm = optimizer.state if found < SMALL else None
            return True
        for parameter, before in zip(parameters, weights, strict=True):
            parameter.data[...] = before
        optimizer.state.clear()
        optimizer.state.update(state)
        for group, before in zip(optimizer.param_groups, options, strict=True):
            for key in group.keys() - before.keys() - {"params"}:
                del group[key]
            group.update(before)
        return False


def step_with(optimizer: Optimizer, gathered: list[Gathered]) -> None:
    """Take a step of an optimizer with gradients that were gathered."""
    if getattr(optimizer.step, "__func__", None) is Optimizer.step:
        optimizer.take(gathered)
    else:  # a user's own, which does more than take the step
        optimizer.step()


def _arrays(state: dict[Any, Any]) -> list[np.ndarray]:
    """Return the arrays of floats that an optimizer keeps for parameters."""
    held = [value for each in state.values() if isinstance(each, dict) for value in each.values()]
    return [each for each in held if isinstance(each, np.ndarray) and each.dtype.kind == "f"]
