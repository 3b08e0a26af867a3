"""Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..nn.parameter import Parameter
from ._check import betas as checked_betas
from ._check import flag, real
from .fused import Adaptive


class Adam(Adaptive):
    """Adam (Kingma and Ba, 2015), as ``torch.optim.Adam``.

    In step t, with the gradient g and the parameter p::

        g = g + weight_decay p            (decoupled: p = p - lr weight_decay p)
        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2     (amsgrad: the largest v so far is used below)
        p = p - lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

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
    amsgrad : bool
        Never let the denominator shrink.
    maximize : bool
        Climb instead of descend.
    decoupled_weight_decay : bool
        Shrink the weights directly instead of adding the penalty to the gradient, as AdamW does.

    Raises
    ------
    ArgumentError, DTypeError
        If an option is out of range.
    """

    _row = "adam"
    _options = {  # noqa: RUF012
        "lr": real,
        "betas": checked_betas,
        "eps": real,
        "weight_decay": real,
        "amsgrad": flag,
        "maximize": flag,
        "decoupled_weight_decay": flag,
    }
    _state_keys = frozenset({"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"})
    _state_needed = frozenset({"step"})

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def _used(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        return "exp_avg", "exp_avg_sq", "max_exp_avg_sq" if group["amsgrad"] else None

    def _own(self, state: dict[str, Any], group: dict[str, Any]) -> tuple[float, ...]:
        (beta1, beta2), step = group["betas"], state["step"]
        return 1 - beta1**step, 1 - beta2**step


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as ``torch.optim.AdamW``.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad, maximize
        As in Adam.
    weight_decay : float
        Each step multiplies the weights by ``1 - lr weight_decay``.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True
        )
