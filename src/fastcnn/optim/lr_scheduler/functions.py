"""Schedules that multiply the rate by a function of the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import ArgumentError
from ..optimizer import Optimizer
from .base import LRScheduler

Factor = Callable[[int], float]


class _Functions(LRScheduler):
    """Base of schedules by functions, which are no part of the state."""

    _kept_out = ("optimizer", "lr_lambdas")

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        groups = getattr(optimizer, "param_groups", [])
        lambdas: list[Any] = list(lr_lambda) if isinstance(lr_lambda, Sequence) else [lr_lambda] * len(groups)
        if len(lambdas) != len(groups) or not all(map(callable, lambdas)):
            raise ArgumentError(
                f"{type(self).__name__}: lr_lambda must be a function or {len(groups)} (one a group), "
                f"got {lr_lambda!r}"
            )
        self.lr_lambdas = lambdas
        super().__init__(optimizer, last_epoch)

    def _factors(self) -> list[float]:
        """Return the factor of each group at step `last_epoch`."""
        cure = "append the group's function to lr_lambdas"
        return [f(self.last_epoch) for f in self._each_group(self.lr_lambdas, "lr_lambdas", cure)]


class LambdaLR(_Functions):
    """Multiply the initial rate by a function of the step: ``lr(t) = base f(t)``.

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : callable, or sequence of one a group
        f: int -> float. It is no part of the state.
    last_epoch : int
        As in LRScheduler.
    """

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        return [base * factor for factor, base in zip(self._factors(), self._bases(), strict=True)]


class MultiplicativeLR(_Functions):
    """Multiply the rate by a function of the step: ``lr(t) = lr(t - 1) f(t)``, from t = 1.

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : callable, or sequence of one a group
        f: int -> float. It is no part of the state.
    last_epoch : int
        As in LRScheduler.
    """

    def get_lr(self) -> list[float]:
        """Return the rates of step `last_epoch`."""
        if self._initial:
            return self._current()
        return [lr * factor for lr, factor in zip(self._current(), self._factors(), strict=True)]
