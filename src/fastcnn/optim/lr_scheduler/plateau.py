"""Lower the rate when a metric stops improving."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..._shapes import integer
from ...errors import ArgumentError
from .._check import real
from ..optimizer import Optimizer
from .base import Stateful, check_optimizer

_WHAT = "ReduceLROnPlateau"


class ReduceLROnPlateau(Stateful):
    """Multiply the rate by `factor` when a metric has not improved for more than `patience` steps.

    A value is an improvement over the best one so far if it is below ``best (1 - threshold)`` ("min",
    "rel"), ``best - threshold`` ("min", "abs"), above ``best (1 + threshold)`` ("max", "rel") or
    ``best + threshold`` ("max", "abs"). NaN never is.

    Parameters
    ----------
    optimizer : Optimizer
    mode : {"min", "max"}
        Whether a small or a large metric is good.
    factor : float in (0, 1)
    patience : int
        Number of steps without improvement that are let pass.
    threshold : float
    threshold_mode : {"rel", "abs"}
    cooldown : int
        Number of steps after a reduction that are not counted.
    min_lr : float, or sequence of one a group
        The rate is not lowered further. A single number is also that of groups that are added later.
    eps : float
        A smaller change of the rate is left undone.

    Attributes
    ----------
    best : float
        The best metric so far.
    num_bad_epochs, cooldown_counter, last_epoch : int
        Steps without improvement, steps of cooldown to come, steps so far.
    """

    _kept_out = ("optimizer", "default_min_lr")

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        check_optimizer(optimizer, _WHAT)
        for name, value, known in (
            ("mode", mode, ("min", "max")),
            ("threshold_mode", threshold_mode, ("rel", "abs")),
        ):
            if value not in known:
                raise ArgumentError(f"{_WHAT}: {name} must be one of {known}, got {value!r}")
        groups = optimizer.param_groups
        floors = list(min_lr) if isinstance(min_lr, Sequence) else [min_lr] * len(groups)
        if len(floors) != len(groups):
            raise ArgumentError(f"{_WHAT}: min_lr has {len(floors)} numbers for {len(groups)} groups")
        self.optimizer = optimizer
        # For groups that are added later; None if each has its own.
        self.default_min_lr = None if isinstance(min_lr, Sequence) else real(min_lr, f"{_WHAT}: min_lr")
        self.mode = mode
        self.factor = real(factor, f"{_WHAT}: factor", 0, 1, "()")
        self.patience = integer(patience, f"{_WHAT}: patience")
        self.threshold = real(threshold, f"{_WHAT}: threshold")
        self.threshold_mode = threshold_mode
        self.cooldown = integer(cooldown, f"{_WHAT}: cooldown")
        self.min_lrs = [real(each, f"{_WHAT}: min_lr") for each in floors]
        self.eps = real(eps, f"{_WHAT}: eps")
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0
        self._last_lr: list[float] = [group["lr"] for group in groups]

    def _improves(self, metric: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            bound = self.best * (1.0 + sign * self.threshold)
        else:
            bound = self.best + sign * self.threshold
        return metric < bound if self.mode == "min" else metric > bound

    def step(self, metrics: float) -> None:
        """Take note of the metric and lower the rate if it is time.

        Raises
        ------
        StateError
            If the rate is to be lowered, and the optimizer has got a group since for which min_lr, a
            sequence, has no number; nothing is changed then.
        """
        metric = float(metrics)
        best, bad, cooldown = self.best, self.num_bad_epochs + 1, self.cooldown_counter
        if self._improves(metric):
            best, bad = metric, 0
        if cooldown > 0:
            bad, cooldown = 0, cooldown - 1
        if bad > self.patience:
            self._lower()
            bad, cooldown = 0, self.cooldown
        self.best, self.num_bad_epochs, self.cooldown_counter = best, bad, cooldown
        self.last_epoch += 1
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _lower(self) -> None:
        groups = self.optimizer.param_groups
        if self.default_min_lr is not None:
            self.min_lrs = (self.min_lrs + [self.default_min_lr] * len(groups))[: len(groups)]
        floors = self._each_group(self.min_lrs, "min_lrs", "append the smallest rate of the group to min_lrs")
        for group, floor in zip(groups, floors, strict=True):
            lower = max(group["lr"] * self.factor, floor)
            if group["lr"] - lower > self.eps:
                group["lr"] = lower

    def get_last_lr(self) -> list[float]:
        """Return the rates after the last step, one a group."""
        return self._last_lr
