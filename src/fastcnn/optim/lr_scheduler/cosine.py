"""Half a cosine from the initial rate to the smallest, and back or anew."""

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
    last_epoch : int
        As in LRScheduler.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = integer(T_max, "CosineAnnealingLR: T_max", 1)
        self.eta_min = real(eta_min, "CosineAnnealingLR: eta_min")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        t, rates = self.last_epoch, self._current()
        if self._initial:
            return rates
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:
            # The step before was at eta_min: there is nothing to scale.
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - self.eta_min) * rise for lr, base in zip(rates, self._bases(), strict=True)]
        scale = (1 + math.cos(math.pi * t / self.T_max)) / (1 + math.cos(math.pi * (t - 1) / self.T_max))
        return [scale * (lr - self.eta_min) + self.eta_min for lr in rates]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from the initial rate to the smallest, again and again (Loshchilov and Hutter, 2017).

    ``lr = eta_min + (base - eta_min) (1 + cos(pi T_cur / T_i)) / 2``, where T_cur is the number of steps
    since the last restart, and T_i that between two.

    Parameters
    ----------
    optimizer : Optimizer
    T_0 : int
        Steps to the first restart, at least 1.
    T_mult : int
        What T_i is multiplied by at each restart, at least 1.
    eta_min : float
        The smallest rate.
    last_epoch : int
        As in LRScheduler.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        what = "CosineAnnealingWarmRestarts"
        self.T_0 = self.T_i = integer(T_0, f"{what}: T_0", 1)
        self.T_mult = integer(T_mult, f"{what}: T_mult", 1)
        self.eta_min = real(eta_min, f"{what}: eta_min")
        self.T_cur: float = integer(last_epoch, f"{what}: last_epoch", -1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates at T_cur."""
        share = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self._bases()]

    def _begin(self, first: int = 0) -> None:
        self.T_cur, self.T_i = (self.T_cur, self.T_i) if first else (-1, self.T_0)
        self.last_epoch = first - 1
        self.step()

    def step(self, epoch: float | None = None) -> None:
        """Set the next rates, or those of an epoch, of which a part may be over.

        Parameters
        ----------
        epoch : float, optional
            At least 0, e.g. ``epoch + batch / batches``.
        """
        before = self.last_epoch, self.T_cur, self.T_i
        if epoch is None:
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            at = real(epoch, "CosineAnnealingWarmRestarts: epoch")
            restarts = 0
            if self.T_mult == 1:
                self.T_cur, self.T_i = at % self.T_0, self.T_0
            else:
                if at >= self.T_0:
                    restarts = int(math.log(at / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
                length = self.T_mult**restarts
                self.T_cur = at - self.T_0 * (length - 1) / (self.T_mult - 1)
                self.T_i = self.T_0 * length
            self.last_epoch = math.floor(at)
        try:
            self._apply()
        except BaseException:
            self.last_epoch, self.T_cur, self.T_i = before
            raise
