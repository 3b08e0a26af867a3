"""The base of the schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from ..._shapes import integer
from ...errors import ArgumentError, DTypeError, StateError
from .._check import real
from ..optimizer import Optimizer


def _alike(value: object, own: object) -> bool:
    """Tell whether a value of a saved state can be that of an attribute."""
    if isinstance(own, list):
        return isinstance(value, list | tuple) and all(_alike(each, 0.0) for each in value)
    if isinstance(own, bool | str):
        return isinstance(value, type(own))
    return isinstance(value, Real) and not isinstance(value, bool)


def check_optimizer(optimizer: object, what: str) -> None:
    """Raise DTypeError unless `optimizer` is an Optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise DTypeError(f"{what}: optimizer must be an Optimizer, got {type(optimizer).__name__}")


def per_group(value: object, name: str, groups: int) -> list[float]:
    """Return one checked number a group, of a number or a sequence; `name` opens the message of an error."""
    if not isinstance(value, Sequence):
        return [real(value, name)] * groups
    if len(value) != groups:
        raise ArgumentError(f"{name} has {len(value)} numbers for {groups} groups")
    return [real(each, name) for each in value]


def check_momentum(optimizer: Optimizer, what: str) -> None:
    """Raise unless the optimizer has a momentum that a schedule can set."""
    if not {"momentum", "betas"} & optimizer.defaults.keys():
        raise ArgumentError(f"{what}: cycle_momentum needs an optimizer with momentum or betas")


def set_momentum(group: dict[str, Any], momentum: float) -> None:
    """Set the momentum of a group, or the beta1 that Adam and the like have in its place."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


class Stateful:
    """A schedule's state is every attribute but those in `_kept_out`."""

    optimizer: Optimizer
    _last_lr: list[float]
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
        ArgumentError, DTypeError
            If the state is that of another kind of schedule, or of an optimizer with another number of
            groups; nothing is changed then.
        """
        self._check_state(state_dict)
        self._take(state_dict)

    def _take(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state that was checked."""
        for key, value in state_dict.items():
            self.__dict__[key] = list(value) if isinstance(value, list | tuple) else value

    def _check_state(self, state_dict: Mapping[str, Any]) -> None:
        """Raise unless the state can be taken over."""
        what = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state_dict, Mapping):
            raise DTypeError(f"{what}: state_dict must be a dict, got {type(state_dict).__name__}")
        own = {key: value for key, value in self.__dict__.items() if key not in self._kept_out}
        if state_dict.keys() != own.keys():
            raise ArgumentError(
                f"{what}: expected the keys {sorted(own)}, got {sorted(map(str, state_dict))}: is it the "
                "state of another kind of schedule?"
            )
        for key, value in state_dict.items():
            if not _alike(value, own[key]):
                raise DTypeError(f"{what}: {key} must be like {own[key]!r}, got {value!r}")
        saved, groups = len(state_dict["_last_lr"]), len(self.optimizer.param_groups)
        if saved != groups:
            raise ArgumentError(
                f"{what}: the state is of an optimizer with {saved} groups, this one has {groups}: give it "
                "the same groups first (add_param_group), and load its own state"
            )

    def _each_group(self, values: Sequence, name: str, cure: str) -> Sequence:
        """Return `values` if there is one for each group; a group may have been added since."""
        groups = len(self.optimizer.param_groups)
        if len(values) != groups:
            raise StateError(
                f"{type(self).__name__}: the optimizer has {groups} groups but {name} has {len(values)} "
                f"values: was a group added (add_param_group) after the schedule was made? Then {cure}"
            )
        return values


class LRScheduler(Stateful):
    """Base of schedules that are a function of the number of steps.

    A schedule is chainable: `get_lr` derives the next rates from those in the optimizer, so that two
    schedules on one optimizer multiply. Making a schedule sets the rates of step 0.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' "lr" is changed; what it was is kept as "initial_lr".
    last_epoch : int
        -1 to begin. Else the number of steps that the optimizer's rates have behind them: the schedule takes
        the next one at once, from groups that have their "initial_lr".

    Attributes
    ----------
    last_epoch : int
        Number of steps so far. An "epoch" is whatever lies between two calls of step, as in PyTorch.
    base_lrs : list of float
        The rate of each group that the schedule starts from.
    """

    # Whether the step being set is the first of this object: most schedules leave the rates then.
    _initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        what = type(self).__name__
        check_optimizer(optimizer, what)
        first = integer(last_epoch, f"{what}: last_epoch", -1) + 1
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if first and "initial_lr" not in group:
                raise ArgumentError(
                    f"{what}: last_epoch={last_epoch} goes on with a schedule, but group {index} of the "
                    "optimizer has no initial_lr: load the optimizer's state first"
                )
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self._begin(first)

    def _bases(self) -> Sequence[float]:
        """Return the rates to start from, one a group."""
        return self._each_group(
            self.base_lrs, "base_lrs", "append the rate that the group's schedule starts from to base_lrs"
        )

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`, given that the optimizer holds those of the step before.

        At step 0 the optimizer holds the rates to start from. A schedule that is made for a later step
        (`last_epoch`) takes the rates that the optimizer holds for those of its first one, where it goes on
        from them.
        """
        raise NotImplementedError

    def _current(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _begin(self, first: int = 0) -> None:
        """Set the first step, from the rates that the optimizer holds."""
        self.last_epoch = first
        self._initial = True
        try:
            self._apply()
        finally:
            del self._initial

    def _restart(self) -> None:
        """Set step 0, from base_lrs."""
        for group, lr in zip(self.optimizer.param_groups, self._bases(), strict=True):
            group["lr"] = lr
        self._begin()

    def _apply(self) -> None:
        """Set the rates of step `last_epoch`."""
        rates = self._each_group(self.get_lr(), "the list that get_lr returned", "return one a group")
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = self._current()

    def step(self) -> None:
        """Set the next rates.

        A schedule that goes on from the current rates takes groups that were added since along with the
        others.

        Raises
        ------
        StateError
            If the schedule must know what rate an added group started from; nothing is changed then.
        """
        self.last_epoch += 1
        try:
            self._apply()
        except BaseException:
            self.last_epoch -= 1
            raise

    def get_last_lr(self) -> list[float]:
        """Return the rates that this schedule set last, one a group."""
        return self._last_lr
