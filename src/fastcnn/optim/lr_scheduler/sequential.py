"""One schedule after another, or several at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from ..._shapes import integer
from ...errors import ArgumentError
from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer
from .composite import Composite


class SequentialLR(Composite):
    """Follow one schedule after another; each begins at its own step 0.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : sequence of LRScheduler
        On the same optimizer. Not ReduceLROnPlateau, which needs a metric.
    milestones : sequence of int
        The step at which the second, third, ... schedule begins; increasing.
    last_epoch : int
        The number that `last_epoch` begins behind, as in PyTorch; the first schedule begins at its step 0.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer, "SequentialLR")
        self._take_parts(schedulers, optimizer)
        self.milestones = [integer(each, "SequentialLR: milestones") for each in milestones]
        if len(self.milestones) != len(schedulers) - 1:
            raise ArgumentError(
                f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} milestones, "
                f"got {len(self.milestones)}"
            )
        if any(a >= b for a, b in zip(self.milestones, self.milestones[1:], strict=False)):
            raise ArgumentError(f"SequentialLR: milestones must increase, got {self.milestones}")
        # Making the schedules has moved the rates; each has remembered where they were.
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        super().__init__(optimizer, last_epoch)

    def _begin(self, first: int = 0) -> None:
        self.last_epoch = first
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


class ChainedScheduler(Composite):
    """Follow several schedules at once: each goes on from the rates that the one before it has set.

    Parameters
    ----------
    schedulers : sequence of LRScheduler
        On the same optimizer, in the order in which they are stepped. Not ReduceLROnPlateau, which needs a
        metric.
    optimizer : Optimizer, optional
        That of the schedules, which it is checked against.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        # Making the schedules has set the rates of step 0; the base would set them again.
        self.optimizer = self._take_parts(schedulers, optimizer)
        self._last_lr = self._current()

    def _bases(self) -> Sequence[float]:
        return self._schedulers[0]._bases()

    def _begin(self, first: int = 0) -> None:
        for each in self._schedulers:
            each._begin(first)
        self._last_lr = self._current()

    def step(self) -> None:
        """Set the next rates.

        Raises
        ------
        StateError
            If one of the schedules must know what rate an added group started from; nothing is changed then.
        """
        states = [each.state_dict() for each in self._schedulers]
        groups = [dict(group) for group in self.optimizer.param_groups]
        try:
            for each in self._schedulers:
                each.step()
        except BaseException:
            for each, state in zip(self._schedulers, states, strict=True):
                each._take(state)
            for group, before in zip(self.optimizer.param_groups, groups, strict=True):
                group.update(before)
            raise
        self._last_lr = self._current()
