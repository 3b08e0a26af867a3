"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import ArgumentError
from ..nn.parameter import Parameter
from ._check import SMALL, flag, real
from .fused import Fused


class SGD(Fused):
    """Stochastic gradient descent with momentum, as ``torch.optim.SGD``.

    With the gradient g, the parameter p and the momentum buffer b (b = g in a parameter's first step)::

        g = g + weight_decay p
        b = momentum b + (1 - dampening) g
        p = p - lr b                      (nesterov: p = p - lr (g + momentum b))

    Parameters
    ----------
    params : iterable of Parameter or of dict
        What is trained, see Optimizer.
    lr : float
        Learning rate, at least 0.
    momentum : float
        Share of the last update that is kept, at least 0.
    dampening : float
        Share of the gradient that is kept out of the buffer.
    weight_decay : float
        Coefficient of the (coupled) L2 penalty, at least 0.
    nesterov : bool
        Look ahead by one momentum step; needs momentum and no dampening.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ArgumentError, DTypeError
        If an option is out of range.
    """

    _row = "sgd"
    _options = {  # noqa: RUF012
        "lr": real,
        "momentum": real,
        "dampening": lambda value, name: real(value, name, float("-inf")),
        "weight_decay": real,
        "nesterov": flag,
        "maximize": flag,
    }
    _state_keys = frozenset({"momentum_buffer"})

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ArgumentError(
                f"{self._name}: nesterov=True needs momentum above 0 and dampening 0, got "
                f"momentum={group['momentum']:g}, dampening={group['dampening']:g}"
            )

    def stays_finite(self, group: dict[str, Any], largest: float) -> bool:
        """Tell whether steps are small beside the range of floats, and decay does not let weights grow."""
        lr, decay = group["lr"], group["weight_decay"]
        if not (lr >= 0 and 0 <= group["momentum"] < 1 and 0 <= decay <= 1 and lr * decay <= 1):
            return False  # they may be anything: users and schedulers write them
        return max(1.0, lr) * max(1.0, largest) * (1 + abs(group["dampening"])) < SMALL

    def _used(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return ("momentum_buffer" if group["momentum"] else None,)

    def _begin(self, parameter: Parameter) -> dict[str, Any]:
        return self.state.setdefault(parameter, {})

    def _own(self, state: dict[str, Any], group: dict[str, Any]) -> tuple[float, ...]:
        return (state.get("momentum_buffer") is None,)
