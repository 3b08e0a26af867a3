"""Half a cosine from the initial rate to the smallest, and back."""

from __future__ import annotations

import math

from ..._shapes import integer
from .._check import real
from ..optimizer import Optimizer
from .base import LRScheduler


class CosineAnnealingLR(LRScheduler):
    """``lr(t) = eta_min + (base - eta_min) (1 + cos(pi t / T_max)) / 2`` (Loshchilov and Hutter, 2017).

    Beyond T_max the rate rises again.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int
        Number of steps down to eta_min, at least 1.
    eta_min : float
        The smallest rate.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = integer(T_max, "CosineAnnealingLR: T_max", 1)
        self.eta_min = real(eta_min, "CosineAnnealingLR: eta_min")
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        t, rates = self.last_epoch, self._current()
        if t == 0:
            return rates
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:
            # The step before was at eta_min: there is nothing to scale.
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - self.eta_min) * rise for lr, base in zip(rates, self._bases(), strict=True)]
        scale = (1 + math.cos(math.pi * t / self.T_max)) / (1 + math.cos(math.pi * (t - 1) / self.T_max))
        return [scale * (lr - self.eta_min) + self.eta_min for lr in rates]
