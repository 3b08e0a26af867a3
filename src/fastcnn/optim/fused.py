"""The base of optimizers that change each element by itself, all parameters in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from .._kernels import optim as kernels
from ..nn.parameter import Parameter
from ._check import SMALL
from .gradients import Gradient
from .optimizer import Optimizer


class Fused(Optimizer):
    """Base of optimizers that have a row in the kernels' list, ``csrc/eager/optimizers.inc``.

    A subclass names the row, says what its options may be, and what the row takes for a parameter.
    """

    _row: ClassVar[str]
    # How each option is checked, and brought into one form: ``check(value, "Adam: lr")``.
    _options: ClassVar[Mapping[str, Callable[[Any, str], Any]]]
    takes_factors = True

    def _check(self, group: dict[str, Any]) -> None:
        for key, check in self._options.items():
            group[key] = check(group[key], f"{self._name}: {key}")

    def _used(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        """Return the names of the arrays that are kept for a parameter: the row's, None for unused ones."""
        return kernels.OPTIMIZERS[self._row][1]

    def _own(self, state: dict[str, Any], group: dict[str, Any]) -> tuple[float, ...]:
        """Return the numbers that a parameter has for itself, in the order of the row."""
        return ()

    def _numbers(self, group: dict[str, Any]) -> Mapping[str, Any]:
        """Return the options of a group, of which the row takes its numbers, with the betas one by one."""
        if "betas" not in group:
            return group
        beta1, beta2 = group["betas"]
        return {**group, "beta1": beta1, "beta2": beta2}

    def _begin(self, parameter: Parameter) -> dict[str, Any]:
        """Return the state of a parameter, in which this step is counted."""
        state = self.state.get(parameter)
        if state is None:
            state = self.state[parameter] = {"step": 0}
        state["step"] += 1
        return state

    def _update(
        self, pairs: list[tuple[Parameter, Gradient]], dtype: np.dtype, group: dict[str, Any]
    ) -> None:
        # Small networks wait for this loop: the kernel looks for what is kept, and calls _buffer if need be.
        used, begin, own = self._used(group), self._begin, self._own
        keeps, updates = any(used), []
        for parameter, grad in pairs:
            state = begin(parameter) if keeps else {}
            updates.append((parameter.data, grad, state, *own(state, group)))
        kernels.step(self._row, dtype.itemsize, updates, self._numbers(group), used, self._buffer)


class Adaptive(Fused):
    """Base of those that divide by a root of squared gradients, plus eps."""

    def stays_finite(self, group: dict[str, Any], largest: float) -> bool:
        """Tell whether steps are small beside the range of floats, and decay does not let weights grow."""
        lr, eps, decay = group["lr"], group["eps"], group["weight_decay"]
        if not (lr >= 0 and decay >= 0 and lr * decay <= 1):
            return False  # they may be anything: users and schedulers write them
        return max(1.0, lr) * max(1.0, decay) * max(1.0, largest) < SMALL * min(eps, 1.0)
