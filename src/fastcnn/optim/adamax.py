"""Adamax: Adam with the largest gradient in the place of the mean square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..nn.parameter import Parameter
from ._check import betas as checked_betas
from ._check import flag, real
from .fused import Adaptive


class Adamax(Adaptive):
    """Adamax (Kingma and Ba, 2015, section 7.1), as ``torch.optim.Adamax``.

    In step t, with the gradient g and the parameter p::

        g = g + weight_decay p
        m = beta1 m + (1 - beta1) g
        u = max(beta2 u, |g| + eps)
        p = p - lr m / ((1 - beta1^t) u)

    Parameters
    ----------
    params : iterable of Parameter or of dict
        What is trained, see Optimizer.
    lr : float
        Learning rate, at least 0.
    betas : (float, float)
        Decay of the running mean of g and of the largest g, in [0, 1).
    eps : float
        Added to the magnitude of g, at least 0.
    weight_decay : float
        Coefficient of the L2 penalty, at least 0.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ArgumentError, DTypeError
        If an option is out of range.
    """

    _row = "adamax"
    _options = {  # noqa: RUF012
        "lr": real,
        "betas": checked_betas,
        "eps": real,
        "weight_decay": real,
        "maximize": flag,
    }
    _state_keys = frozenset({"step", "exp_avg", "exp_inf"})
    _state_needed = frozenset({"step"})

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize},
        )

    def _own(self, state: dict[str, Any], group: dict[str, Any]) -> tuple[float, ...]:
        return (group["lr"] / (1 - group["betas"][0] ** state["step"]),)
