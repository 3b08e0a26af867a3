"""The rate at which weights that are averaged are trained."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..._shapes import integer
from ...errors import ArgumentError
from ..lr_scheduler.base import LRScheduler, check_optimizer, per_group
from ..optimizer import Optimizer


class SWALR(LRScheduler):
    """Take the rate of each group to a constant one, by a cosine or a line.

    ``lr = (1 - a) base + a swa_lr``, where a goes from 0 to 1 in `anneal_epochs` steps.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' "swa_lr" is set.
    swa_lr : float, or sequence of one a group
    anneal_epochs : int
        Steps to get there, at least 0.
    anneal_strategy : {"cos", "linear"}
    last_epoch : int
        As in LRScheduler.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | Sequence[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer, "SWALR")
        rates = per_group(swa_lr, "SWALR: swa_lr", len(optimizer.param_groups))
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self.anneal_epochs = integer(anneal_epochs, "SWALR: anneal_epochs")
        self.anneal_strategy = anneal_strategy
        # The step from which the way is counted.
        self.first_epoch = integer(last_epoch, "SWALR: last_epoch", -1) + 1
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """Return how much of the way is over at a step."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self.anneal_strategy == "cos" else t

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`, given those of the step before."""
        step = self.last_epoch - self.first_epoch
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            lr, goal = group["lr"], group.get("swa_lr", group["lr"])
            start = goal if before == 1 else (lr - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
