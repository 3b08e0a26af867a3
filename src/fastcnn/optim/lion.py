"""Lion: steps by the sign of a mean of gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..nn.parameter import Parameter
from ._check import SMALL, flag, real
from ._check import betas as checked_betas
from .fused import Fused


class Lion(Fused):
    """Lion (Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023); PyTorch has none.

    With the gradient g and the parameter p::

        c = beta1 m + (1 - beta1) g
        p = p - lr (sign(c) + weight_decay p)
        m = beta2 m + (1 - beta2) g

    Each step changes every weight by lr, so rates are 3 to 10 times smaller than Adam's, and weight decays as
    many times larger.

    Parameters
    ----------
    params : iterable of Parameter or of dict
        What is trained, see Optimizer.
    lr : float
        Learning rate, at least 0.
    betas : (float, float)
        Share of m in the step, and its decay, in [0, 1).
    weight_decay : float
        Decoupled: each step multiplies the weights by ``1 - lr weight_decay``. At least 0.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ArgumentError, DTypeError
        If an option is out of range.
    """

    _row = "lion"
    _options = {  # noqa: RUF012
        "lr": real,
        "betas": checked_betas,
        "weight_decay": real,
        "maximize": flag,
    }
    _state_keys = frozenset({"exp_avg"})

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize}
        )

    def stays_finite(self, group: dict[str, Any], largest: float) -> bool:
        """Tell whether steps are small beside the range of floats, and decay does not let weights grow."""
        lr, decay = group["lr"], group["weight_decay"]
        return lr >= 0 and decay >= 0 and lr * decay <= 1 and max(lr, largest) < SMALL

    def _begin(self, parameter: Parameter) -> dict[str, Any]:
        return self.state.setdefault(parameter, {})
