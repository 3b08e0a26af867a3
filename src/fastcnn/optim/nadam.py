"""NAdam: Adam that looks ahead by one step of its momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..nn.parameter import Parameter
from ._check import betas as checked_betas
from ._check import flag, real
from .fused import Adaptive


class NAdam(Adaptive):
    """NAdam (Dozat, 2016), as ``torch.optim.NAdam``.

    In step t, with the gradient g, the parameter p and ``u_t = beta1 (1 - 0.96^(t momentum_decay) / 2)``::

        g = g + weight_decay p            (decoupled: p = p - lr weight_decay p)
        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        n = u_(t+1) m / (1 - u_1 ... u_(t+1)) + (1 - u_t) g / (1 - u_1 ... u_t)
        p = p - lr n / (sqrt(v / (1 - beta2^t)) + eps)

    Parameters
    ----------
    params : iterable of Parameter or of dict
        What is trained, see Optimizer.
    lr : float
        Learning rate, at least 0.
    betas : (float, float)
        Decay of the running mean of g and of g^2, in [0, 1).
    eps : float
        Added to the denominator, at least 0.
    weight_decay : float
        Coefficient of the L2 penalty, at least 0.
    momentum_decay : float
        How fast u_t approaches beta1, at least 0.
    decoupled_weight_decay : bool
        Shrink the weights directly instead of adding the penalty to the gradient, as AdamW does.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ArgumentError, DTypeError
        If an option is out of range.
    """

    _row = "nadam"
    _options = {  # noqa: RUF012
        "lr": real,
        "betas": checked_betas,
        "eps": real,
        "weight_decay": real,
        "momentum_decay": real,
        "decoupled_weight_decay": flag,
        "maximize": flag,
    }
    _state_keys = frozenset({"step", "mu_product", "exp_avg", "exp_avg_sq"})
    _state_needed = frozenset({"step", "mu_product"})
    _state_numbers = {"step": int, "mu_product": float}  # noqa: RUF012

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def _own(self, state: dict[str, Any], group: dict[str, Any]) -> tuple[float, ...]:
        lr, (beta1, beta2), step = group["lr"], group["betas"], state["step"]
        mu, coming = (
            beta1 * (1 - 0.5 * 0.96 ** (each * group["momentum_decay"])) for each in (step, step + 1)
        )
        state["mu_product"] = product = state.get("mu_product", 1.0) * mu
        return lr * (1 - mu) / (1 - product), lr * coming / (1 - product * coming), 1 - beta2**step
