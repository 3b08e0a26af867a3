"""A linear warm-up, then a quarter of a cosine."""

from __future__ import annotations

import math

from ..._shapes import integer
from ...errors import ArgumentError
from .._check import real
from ..optimizer import Optimizer
from .base import LRScheduler

_WHAT = "WarmupQuarterCosineLR"


class WarmupQuarterCosineLR(LRScheduler):
    """Rise linearly from min_lr to the base rate, then fall back along the first quarter of a cosine.

    With w warm-up steps and l = total_steps - 1 the last step::

        lr(t) = min_lr + (base - min_lr) t / w                           for t <= w
        lr(t) = min_lr + (base - min_lr) cos(pi / 2 (t - w) / (l - w))   for w < t <= l

    Unlike half a cosine, which falls fastest in its middle, a quarter stays high for long and is steepest at
    its end. Beyond the last step the rate stays at min_lr.

    Parameters
    ----------
    optimizer : Optimizer
    total_steps : int
        Number of rates, the first and the last included; above `warmup_steps`.
    warmup_steps : int
        Steps from min_lr to the base rate; 0 for none.
    min_lr : float
        The first and the last rate.
    last_epoch : int
        As in LRScheduler.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,
        warmup_steps: int = 0,
        min_lr: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_steps = integer(total_steps, f"{_WHAT}: total_steps", 1)
        self.warmup_steps = integer(warmup_steps, f"{_WHAT}: warmup_steps")
        if self.warmup_steps >= self.total_steps:
            raise ArgumentError(
                f"{_WHAT}: warmup_steps must be below total_steps={total_steps}, got {warmup_steps}"
            )
        self.min_lr = real(min_lr, f"{_WHAT}: min_lr")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`, which do not depend on those before."""
        t, falling = self.last_epoch, self.total_steps - 1 - self.warmup_steps
        if t <= self.warmup_steps:
            share = t / self.warmup_steps if self.warmup_steps else 1.0
        elif t - self.warmup_steps >= falling:
            share = 0.0
        else:
            share = math.cos(math.pi / 2 * (t - self.warmup_steps) / falling)
        return [self.min_lr + (base - self.min_lr) * share for base in self._bases()]
