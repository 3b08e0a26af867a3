"""Rates that rise and fall between two bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..._shapes import integer
from ...errors import ArgumentError, DTypeError
from .._check import flag, real
from ..optimizer import Optimizer
from .base import LRScheduler, check_momentum, check_optimizer, per_group, set_momentum

_WHAT = "CyclicLR"
_MODES = ("triangular", "triangular2", "exp_range")


class CyclicLR(LRScheduler):
    """Raise and lower the rate between two bounds, in cycles (Smith, 2017); step per batch.

    In each cycle the rate rises from base_lr to max_lr in `step_size_up` steps, and falls back in
    `step_size_down`. What it rises by is multiplied by 1 ("triangular"), by half of what the last cycle had
    ("triangular2"), by ``gamma^t`` ("exp_range"), or by `scale_fn`. The momentum (SGD) or beta1 (Adam) runs
    the other way, from max_momentum to base_momentum and back.

    Parameters
    ----------
    optimizer : Optimizer
        Its rates and, with cycle_momentum, its momentum or beta1 are set.
    base_lr, max_lr : float, or sequence of one a group
    step_size_up : int
        At least 1.
    step_size_down : int, optional
        Default: step_size_up.
    mode : {"triangular", "triangular2", "exp_range"}
        Not looked at with `scale_fn`.
    gamma : float
    scale_fn : callable ``scale_fn(x) -> float``, optional
        Of the number of the cycle, from 1, or of the step. It is no part of the state.
    scale_mode : {"cycle", "iterations"}
        Which of the two.
    cycle_momentum : bool
    base_momentum, max_momentum : float, or sequence of one a group
        The momentum at max_lr, and at base_lr.
    last_epoch : int
        As in LRScheduler; above -1 the optimizer's groups keep the rates and momenta that they have.

    Raises
    ------
    ArgumentError, DTypeError
        If an argument is out of range.
    """

    _kept_out = ("optimizer", "_scale_fn")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer, _WHAT)
        groups = optimizer.param_groups
        bases = per_group(base_lr, f"{_WHAT}: base_lr", len(groups))
        self.max_lrs = per_group(max_lr, f"{_WHAT}: max_lr", len(groups))
        up = integer(step_size_up, f"{_WHAT}: step_size_up", 1)
        down = up if step_size_down is None else integer(step_size_down, f"{_WHAT}: step_size_down", 1)
        self.total_size, self.step_ratio = float(up + down), up / (up + down)
        if scale_fn is None and mode not in _MODES:
            raise ArgumentError(f"{_WHAT}: mode must be one of {', '.join(_MODES)}, got {mode!r}")
        if scale_fn is not None and not callable(scale_fn):
            raise DTypeError(f"{_WHAT}: scale_fn must be callable, got {scale_fn!r}")
        if scale_mode not in ("cycle", "iterations"):
            raise ArgumentError(f"{_WHAT}: scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}")
        self.mode = mode
        self.gamma = real(gamma, f"{_WHAT}: gamma")
        self._scale_fn = scale_fn
        if scale_fn is None:
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = scale_mode
        self.cycle_momentum = flag(cycle_momentum, f"{_WHAT}: cycle_momentum")
        self.base_momentums = per_group(base_momentum, f"{_WHAT}: base_momentum", len(groups))
        self.max_momentums = per_group(max_momentum, f"{_WHAT}: max_momentum", len(groups))
        if cycle_momentum:
            check_momentum(optimizer, _WHAT)
        if integer(last_epoch, f"{_WHAT}: last_epoch", -1) == -1:
            for group, lr, low, high in zip(
                groups, bases, self.base_momentums, self.max_momentums, strict=True
            ):
                group["lr"] = lr
                if cycle_momentum:
                    group["base_momentum"], group["max_momentum"] = low, high
        self._own_bases = bases
        super().__init__(optimizer, last_epoch)

    def _begin(self, first: int = 0) -> None:
        # The base takes "initial_lr", which another schedule may have set, for where this one starts.
        self.base_lrs = self.__dict__.pop("_own_bases", self.base_lrs)
        super()._begin(first)

    def scale_fn(self, x: float) -> float:
        """Return what the rise is multiplied by, in cycle x or at step x."""
        if self._scale_fn is not None:
            return self._scale_fn(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else 1.0

    def _height(self) -> float:
        """Return how far between its bounds the rate is at step `last_epoch`."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        rising = x <= self.step_ratio
        share = x / self.step_ratio if rising else (x - 1) / (self.step_ratio - 1)
        return share * self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        height = self._height()
        cure = "append the largest rate of the group to max_lrs"
        tops = self._each_group(self.max_lrs, "max_lrs", cure)
        return [base + (top - base) * height for base, top in zip(self._bases(), tops, strict=True)]

    def _apply(self) -> None:
        """Set the rates of step `last_epoch`, and the momentum along with them."""
        cure = "append the smallest and the largest momentum of the group to base_momentums and max_momentums"
        lows = self._each_group(self.base_momentums, "base_momentums", cure)
        highs = self._each_group(self.max_momentums, "max_momentums", cure)
        super()._apply()
        if self.cycle_momentum:
            height = self._height()
            for group, low, high in zip(self.optimizer.param_groups, lows, highs, strict=True):
                set_momentum(group, high - (high - low) * height)
