"""RAdam: Adam that begins without its denominator."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..nn.parameter import Parameter
from ._check import betas as checked_betas
from ._check import flag, real
from .fused import Adaptive


class RAdam(Adaptive):
    """Rectified Adam (Liu et al., 2020), as ``torch.optim.RAdam``.

    In step t, with the gradient g, the parameter p, ``r = 2 / (1 - beta2) - 1`` and
    ``r_t = r - 2 t beta2^t / (1 - beta2^t)``::

        g = g + weight_decay p            (decoupled: p = p - lr weight_decay p)
        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        d = c sqrt(1 - beta2^t) / (sqrt(v) + eps)   (1 as long as r_t is not above 5)
        p = p - lr d m / (1 - beta1^t)

    with ``c^2 = (r_t - 4) (r_t - 2) r / ((r - 4) (r - 2) r_t)``.

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
    decoupled_weight_decay : bool
        Shrink the weights directly instead of adding the penalty to the gradient, as AdamW does.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ArgumentError, DTypeError
        If an option is out of range.
    """

    _row = "radam"
    _options = {  # noqa: RUF012
        "lr": real,
        "betas": checked_betas,
        "eps": real,
        "weight_decay": real,
        "decoupled_weight_decay": flag,
        "maximize": flag,
    }
    _state_keys = frozenset({"step", "exp_avg", "exp_avg_sq"})
    _state_needed = frozenset({"step"})

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
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
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def _own(self, state: dict[str, Any], group: dict[str, Any]) -> tuple[float, ...]:
        (beta1, beta2), step = group["betas"], state["step"]
        rate, correction = group["lr"] / (1 - beta1**step), 1 - beta2**step
        full = 2 / (1 - beta2) - 1
        length = full - 2 * step * beta2**step / correction
        if length > 5:
            rate *= math.sqrt((length - 4) * (length - 2) * full / ((full - 4) * (full - 2) * length))
            rate *= math.sqrt(correction)
        return rate, length > 5
