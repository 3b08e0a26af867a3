"""Adagrad: gradients over the root of the sum of their squares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..nn.parameter import Parameter
from ._check import flag, real
from .fused import Adaptive


class Adagrad(Adaptive):
    """Adagrad (Duchi, Hazan and Singer, 2011), as ``torch.optim.Adagrad``.

    In step t, with the gradient g and the parameter p::

        g = g + weight_decay p
        s = s + g^2
        p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)

    Parameters
    ----------
    params : iterable of Parameter or of dict
        What is trained, see Optimizer.
    lr : float
        Learning rate, at least 0.
    lr_decay : float
        How fast the rate falls with the number of steps, at least 0.
    weight_decay : float
        Coefficient of the L2 penalty, at least 0.
    initial_accumulator_value : float
        What s is before the first step, at least 0.
    eps : float
        Added to the denominator, at least 0.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ArgumentError, DTypeError
        If an option is out of range.
    """

    _row = "adagrad"
    _options = {  # noqa: RUF012
        "lr": real,
        "lr_decay": real,
        "weight_decay": real,
        "initial_accumulator_value": real,
        "eps": real,
        "maximize": flag,
    }
    _state_keys = frozenset({"step", "sum"})
    _state_needed = frozenset({"step", "sum"})

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "eps": eps,
                "maximize": maximize,
            },
        )

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add parameters with options of their own, and begin their sums; see Optimizer."""
        super().add_param_group(group)
        added = self.param_groups[-1]
        for parameter in added["params"]:
            start = np.full(parameter.shape, added["initial_accumulator_value"], parameter.dtype)
            self.state[parameter] = {"step": 0, "sum": start}

    def stays_finite(self, group: dict[str, Any], largest: float) -> bool:
        """Tell whether steps, and sums of many squared gradients, are small beside the range of floats."""
        return super().stays_finite(group, largest * 2.0**20)

    def _own(self, state: dict[str, Any], group: dict[str, Any]) -> tuple[float, ...]:
        return (group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"]),)
