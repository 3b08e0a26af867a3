"""One schedule after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ..._shapes import integer
from ...errors import ArgumentError, DTypeError
from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer


class SequentialLR(LRScheduler):
    """Follow one schedule after another; each begins at its own step 0.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : sequence of LRScheduler
        On the same optimizer. Not ReduceLROnPlateau, which needs a metric.
    milestones : sequence of int
        The step at which the second, third, ... schedule begins; increasing.
    """

    _kept_out = ("optimizer", "_schedulers")

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]
    ) -> None:
        check_optimizer(optimizer, "SequentialLR")
        if not schedulers:
            raise ArgumentError("SequentialLR: schedulers is empty")
        for index, each in enumerate(schedulers):
            if not isinstance(each, LRScheduler):
                raise DTypeError(
                    f"SequentialLR: schedulers[{index}] must follow the step alone, "
                    f"which {type(each).__name__} does not"
                )
            if each.optimizer is not optimizer:
                raise ArgumentError(f"SequentialLR: schedulers[{index}] has another optimizer")
        self.milestones = [integer(each, "SequentialLR: milestones") for each in milestones]
        if len(self.milestones) != len(schedulers) - 1:
            raise ArgumentError(
                f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} milestones, "
                f"got {len(self.milestones)}"
            )
        if any(a >= b for a, b in zip(self.milestones, self.milestones[1:], strict=False)):
            raise ArgumentError(f"SequentialLR: milestones must increase, got {self.milestones}")
        for each in schedulers:
            each._bases()  # raises if a group has been added since
        self._schedulers = list(schedulers)
        # Making the schedules has moved the rates; each has remembered where they were.
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        super().__init__(optimizer)

    def _begin(self) -> None:
        self.last_epoch = 0
        scheduler = self._schedulers[bisect_right(self.milestones, 0)]
        scheduler._begin()
        self._last_lr = scheduler.get_last_lr()

    def step(self) -> None:
        """Set the next rates."""
        coming = self.last_epoch + 1
        scheduler = self._schedulers[bisect_right(self.milestones, coming)]
        if coming in self.milestones:
            scheduler._restart()
        else:
            scheduler.step()
        self.last_epoch = coming
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """Return the state, with those of the schedules under "_schedulers"."""
        return {**super().state_dict(), "_schedulers": [each.state_dict() for each in self._schedulers]}

    def _check_state(self, state_dict: Mapping[str, Any]) -> None:
        if isinstance(state_dict, Mapping):
            parts = state_dict.get("_schedulers")
            count = len(parts) if isinstance(parts, list | tuple) else 0
            if count != len(self._schedulers):
                raise ArgumentError(
                    f"SequentialLR.load_state_dict: expected {len(self._schedulers)} schedules, got {count}"
                )
            for scheduler, part in zip(self._schedulers, parts or [], strict=True):
                scheduler._check_state(part)
            state_dict = {key: value for key, value in state_dict.items() if key != "_schedulers"}
        super()._check_state(state_dict)

    def _take(self, state_dict: Mapping[str, Any]) -> None:
        own = dict(state_dict)
        for scheduler, part in zip(self._schedulers, own.pop("_schedulers"), strict=True):
            scheduler._take(part)
        super()._take(own)
