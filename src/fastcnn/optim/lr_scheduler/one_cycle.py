"""The one-cycle policy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..._shapes import integer
from ...errors import ArgumentError, StateError
from .._check import flag, real
from ..optimizer import Optimizer
from .base import LRScheduler, check_momentum, check_optimizer, per_group, set_momentum

_WHAT = "OneCycleLR"


def _anneal(start: float, end: float, share: float, strategy: str) -> float:
    """Return the value a `share` of the way from start to end."""
    if strategy == "linear":
        return (end - start) * share + start
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


class OneCycleLR(LRScheduler):
    """Raise the rate to max_lr, then lower it far below the start (Smith and Topin, 2018); step per batch.

    The first ``pct_start`` of the steps goes from ``max_lr / div_factor`` to ``max_lr``, the rest down to
    ``max_lr / div_factor / final_div_factor``; with three_phase the way down first mirrors the way up.
    The momentum (SGD) or beta1 (Adam) runs the other way.

    Parameters
    ----------
    optimizer : Optimizer
        Its "initial_lr" and, with cycle_momentum, its momentum or beta1 are set.
    max_lr : float, or sequence of one a group
    total_steps : int, optional
        Number of steps; or ``epochs * steps_per_epoch``.
    epochs, steps_per_epoch : int, optional
        Used if total_steps is not given.
    pct_start : float in [0, 1]
    anneal_strategy : {"cos", "linear"}
    cycle_momentum : bool
    base_momentum, max_momentum : float, or sequence of one a group
        The momentum at max_lr, and at both ends.
    div_factor, final_div_factor : float
        ``initial = max_lr / div_factor``, ``final = initial / final_div_factor``.
    three_phase : bool
    last_epoch : int
        As in LRScheduler; above -1 the optimizer's groups keep the rates and momenta that they have.

    Raises
    ------
    ArgumentError
        If an argument is out of range; from step(), when there are more than total_steps steps.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer, _WHAT)
        if total_steps is not None:
            self.total_steps = integer(total_steps, f"{_WHAT}: total_steps", 1)
        elif epochs is not None and steps_per_epoch is not None:
            per_epoch = integer(steps_per_epoch, f"{_WHAT}: steps_per_epoch", 1)
            self.total_steps = integer(epochs, f"{_WHAT}: epochs", 1) * per_epoch
        else:
            raise ArgumentError(f"{_WHAT}: give total_steps, or epochs and steps_per_epoch")
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(
                f"{_WHAT}: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        self.anneal_strategy = anneal_strategy
        self.pct_start = real(pct_start, f"{_WHAT}: pct_start", 0, 1)
        self.three_phase = flag(three_phase, f"{_WHAT}: three_phase")
        groups = optimizer.param_groups
        down = real(div_factor, f"{_WHAT}: div_factor", ends="()")
        further = real(final_div_factor, f"{_WHAT}: final_div_factor", ends="()")
        tops = per_group(max_lr, f"{_WHAT}: max_lr", len(groups))
        self.cycle_momentum = flag(cycle_momentum, f"{_WHAT}: cycle_momentum")
        if cycle_momentum:
            check_momentum(optimizer, _WHAT)
        lows = per_group(base_momentum, f"{_WHAT}: base_momentum", len(groups))
        highs = per_group(max_momentum, f"{_WHAT}: max_momentum", len(groups))
        begins = integer(last_epoch, f"{_WHAT}: last_epoch", -1) == -1
        for group, top, low, high in zip(groups, tops, lows, highs, strict=True) if begins else ():
            group["initial_lr"] = top / down
            group["max_lr"] = top
            group["min_lr"] = group["initial_lr"] / further
            if cycle_momentum:
                group["base_momentum"], group["max_momentum"] = low, high
        super().__init__(optimizer, last_epoch)

    def _phases(self) -> list[tuple[float, str, str, str, str]]:
        """Return (last step, lr at the start, lr at the end, momentum at the start, momentum at the end)."""
        rising = float(self.pct_start * self.total_steps) - 1
        up = (rising, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        last = float(self.total_steps - 1)
        if not self.three_phase:
            return [up, (last, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        falling = float(2 * self.pct_start * self.total_steps) - 2
        return [
            up,
            (falling, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
            (last, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
        ]

    def _at(self) -> tuple[float, str, str, str, str]:
        """Return how much of its phase step `last_epoch` has behind it, and what the phase goes between."""
        if self.last_epoch > self.total_steps:
            raise ArgumentError(f"{_WHAT}: step {self.last_epoch} is beyond total_steps={self.total_steps}")
        start, phases = 0.0, self._phases()
        for phase in phases:
            if self.last_epoch <= phase[0] or phase is phases[-1]:
                break
            start = phase[0]
        end, *between = phase
        # A phase may have a single step: it is then at its end.
        share = (self.last_epoch - start) / (end - start) if end != start else 1.0
        return (share, *between)  # type: ignore[return-value]

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        share, lr_from, lr_to, _, _ = self._at()
        keys = ["initial_lr", "max_lr", "min_lr"]
        keys += ["base_momentum", "max_momentum"] if self.cycle_momentum else []
        for index, group in enumerate(self.optimizer.param_groups):
            missing = [key for key in keys if key not in group]
            if missing:
                raise StateError(
                    f"{_WHAT}: group {index} of the optimizer has no {', '.join(missing)}: was it added "
                    "(add_param_group) after the schedule was made? Then give it these, as the other groups "
                    "have them"
                )
        return [
            _anneal(group[lr_from], group[lr_to], share, self.anneal_strategy)
            for group in self.optimizer.param_groups
        ]

    def _apply(self) -> None:
        """Set the rates of step `last_epoch`, and the momentum along with them."""
        super()._apply()
        if not self.cycle_momentum:
            return
        share, _, _, momentum_from, momentum_to = self._at()
        for group in self.optimizer.param_groups:
            set_momentum(
                group, _anneal(group[momentum_from], group[momentum_to], share, self.anneal_strategy)
            )
