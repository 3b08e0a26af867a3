"""RMSprop: gradients over the root of their mean square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..nn.parameter import Parameter
from ._check import flag, real
from .fused import Adaptive


class RMSprop(Adaptive):
    """RMSprop (Hinton, 2012), as ``torch.optim.RMSprop``.

    With the gradient g and the parameter p::

        g = g + weight_decay p
        v = alpha v + (1 - alpha) g^2
        m = alpha m + (1 - alpha) g       (centered; else 0)
        b = momentum b + g / (sqrt(v - m^2) + eps)
        p = p - lr b

    Where rounding makes the variance ``v - m^2`` less than 0, it is 0; in PyTorch it is NaN.

    Parameters
    ----------
    params : iterable of Parameter or of dict
        What is trained, see Optimizer.
    lr : float
        Learning rate, at least 0.
    alpha : float
        Decay of the running means, at least 0.
    eps : float
        Added to the denominator, at least 0.
    weight_decay : float
        Coefficient of the L2 penalty, at least 0.
    momentum : float
        Share of the last update that is kept, at least 0.
    centered : bool
        Divide by the root of the variance instead of the mean square (Graves, 2013).
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ArgumentError, DTypeError
        If an option is out of range.
    """

    _row = "rmsprop"
    _options = {  # noqa: RUF012
        "lr": real,
        "alpha": real,
        "eps": real,
        "weight_decay": real,
        "momentum": real,
        "centered": flag,
        "maximize": flag,
    }
    _state_keys = frozenset({"step", "square_avg", "grad_avg", "momentum_buffer"})
    _state_needed = frozenset({"step"})

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def stays_finite(self, group: dict[str, Any], largest: float) -> bool:
        """Tell whether steps are small beside the range of floats, and no mean of them grows."""
        return group["alpha"] <= 1 and 0 <= group["momentum"] < 1 and super().stays_finite(group, largest)

    def _used(self, group: dict[str, Any]) -> tuple[str | None, ...]:
        moves = group["momentum"] > 0
        return "square_avg", "grad_avg" if group["centered"] else None, "momentum_buffer" if moves else None
