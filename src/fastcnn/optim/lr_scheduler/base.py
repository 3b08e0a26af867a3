"""The base of the schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ArgumentError, DTypeError
from ..optimizer import Optimizer


def check_optimizer(optimizer: object, what: str) -> None:
    """Raise DTypeError unless `optimizer` is an Optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise DTypeError(f"{what}: optimizer must be an Optimizer, got {type(optimizer).__name__}")


class Stateful:
    """A schedule's state is every attribute but those in `_kept_out`."""

    _kept_out: tuple[str, ...] = ("optimizer",)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain numbers, strings and lists; not the optimizer's, nor callables."""
        return {
            key: list(value) if isinstance(value, list) else value
            for key, value in self.__dict__.items()
            if key not in self._kept_out
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what state_dict returned. The optimizer's state holds the learning rates themselves.

        Raises
        ------
        ArgumentError
            If the state is that of another kind of schedule.
        """
        own = self.__dict__.keys() - set(self._kept_out)
        if state_dict.keys() != own:
            raise ArgumentError(
                f"{type(self).__name__}.load_state_dict: expected the keys {sorted(own)}, "
                f"got {sorted(state_dict)}"
            )
        self.__dict__.update(state_dict)


class LRScheduler(Stateful):
    """Base of schedules that are a function of the number of steps.

    A schedule is chainable: `get_lr` derives the next rates from those in the optimizer, so that two
    schedules on one optimizer multiply. Making a schedule sets the rates of step 0.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' "lr" is changed; what it was is kept as "initial_lr".

    Attributes
    ----------
    last_epoch : int
        Number of steps so far. An "epoch" is whatever lies between two calls of step, as in PyTorch.
    base_lrs : list of float
        The rate of each group that the schedule starts from.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        check_optimizer(optimizer, type(self).__name__)
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self._begin()

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`, given that the optimizer holds those of the step before.

        At step 0 the optimizer holds the rates to start from.
        """
        raise NotImplementedError

    def _current(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _begin(self) -> None:
        """Set step 0, from the rates that the optimizer holds."""
        self.last_epoch = 0
        self._apply()

    def _restart(self) -> None:
        """Set step 0, from base_lrs."""
        for group, lr in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = lr
        self._begin()

    def _apply(self) -> None:
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = lr
        self._last_lr = self._current()

    def step(self) -> None:
        """Set the next rates."""
        self.last_epoch += 1
        self._apply()

    def get_last_lr(self) -> list[float]:
        """Return the rates that this schedule set last, one a group."""
        return self._last_lr
