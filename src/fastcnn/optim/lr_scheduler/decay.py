"""Schedules that multiply the rate: in steps, at every step, or by a factor that rises or falls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..._shapes import integer
from ...errors import DTypeError
from .._check import real
from ..optimizer import Optimizer
from .base import LRScheduler


class StepLR(LRScheduler):
    """Multiply the rate by gamma every `step_size` steps.

    Parameters
    ----------
    optimizer : Optimizer
    step_size : int
        At least 1.
    gamma : float
    last_epoch : int
        As in LRScheduler.
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = integer(step_size, "StepLR: step_size", 1)
        self.gamma = real(gamma, "StepLR: gamma")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        due = self.last_epoch > 0 and self.last_epoch % self.step_size == 0
        return [lr * self.gamma if due else lr for lr in self._current()]


class MultiStepLR(LRScheduler):
    """Multiply the rate by gamma at each milestone.

    Parameters
    ----------
    optimizer : Optimizer
    milestones : iterable of int
        Steps; one that is named n times counts n times.
    gamma : float
    last_epoch : int
        As in LRScheduler.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if not isinstance(milestones, Iterable):
            raise DTypeError(f"MultiStepLR: milestones must be integers, got {milestones!r}")
        self.milestones = sorted(integer(each, "MultiStepLR: milestones") for each in milestones)
        self.gamma = real(gamma, "MultiStepLR: gamma")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        factor = self.gamma ** Counter(self.milestones)[self.last_epoch]
        return [lr * factor for lr in self._current()]


class ExponentialLR(LRScheduler):
    """Multiply the rate by gamma at every step: ``lr(t) = base gamma^t``.

    Parameters
    ----------
    optimizer : Optimizer
    gamma : float
    last_epoch : int
        As in LRScheduler.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = real(gamma, "ExponentialLR: gamma")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        return [lr if self._initial else lr * self.gamma for lr in self._current()]


class ConstantLR(LRScheduler):
    """Multiply the rate by a factor during the first `total_iters` steps.

    Parameters
    ----------
    optimizer : Optimizer
    factor : float in (0, 1]
    total_iters : int
    last_epoch : int
        As in LRScheduler.
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        # Not 0, which PyTorch accepts and then divides by.
        self.factor = real(factor, "ConstantLR: factor", 0, 1, "(]")
        self.total_iters = integer(total_iters, "ConstantLR: total_iters")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        if self.last_epoch == 0:
            return [lr * self.factor for lr in self._current()]
        if self.last_epoch == self.total_iters:
            return [lr * (1.0 / self.factor) for lr in self._current()]
        return self._current()


class LinearLR(LRScheduler):
    """Change the rate linearly from one factor to another during `total_iters` steps.

    ``lr(t) = base (start_factor + (end_factor - start_factor) min(t, total_iters) / total_iters)``

    Parameters
    ----------
    optimizer : Optimizer
    start_factor : float in (0, 1]
    end_factor : float in [0, 1]
    total_iters : int
    last_epoch : int
        As in LRScheduler.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor = real(start_factor, "LinearLR: start_factor", 0, 1, "(]")
        self.end_factor = real(end_factor, "LinearLR: end_factor", 0, 1)
        self.total_iters = integer(total_iters, "LinearLR: total_iters")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in self._current()]
        if self._initial or self.last_epoch > self.total_iters:
            return self._current()
        rise = self.end_factor - self.start_factor
        # The factor's increment, divided by the factor of the step before (both times total_iters).
        relative = rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)
        return [lr * (1.0 + relative) for lr in self._current()]


class PolynomialLR(LRScheduler):
    """Lower the rate to 0 by a power of what is left of `total_iters` steps.

    ``lr(t) = base (1 - min(t, total_iters) / total_iters)^power``

    Parameters
    ----------
    optimizer : Optimizer
    total_iters : int
        At least 1.
    power : float
    last_epoch : int
        As in LRScheduler.
    """

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        self.total_iters = integer(total_iters, "PolynomialLR: total_iters", 1)
        self.power = real(power, "PolynomialLR: power")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        t, total = self.last_epoch, self.total_iters
        if self._initial or t > total:
            return self._current()
        factor = ((1.0 - t / total) / (1.0 - (t - 1) / total)) ** self.power
        return [lr * factor for lr in self._current()]
