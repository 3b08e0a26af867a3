"""Adadelta: steps as large as the last ones were."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..nn.parameter import Parameter
from ._check import flag, real, share
from .fused import Fused


class Adadelta(Fused):
    """Adadelta (Zeiler, 2012), as ``torch.optim.Adadelta``.

    With the gradient g and the parameter p::

        g = g + weight_decay p
        v = rho v + (1 - rho) g^2
        x = sqrt(d + eps) / sqrt(v + eps) g
        d = rho d + (1 - rho) x^2
        p = p - lr x

    Steps may grow with every one, so a Trainer looks at the weights after each (`Optimizer.stays_finite`).

    Parameters
    ----------
    params : iterable of Parameter or of dict
        What is trained, see Optimizer.
    lr : float
        Learning rate, at least 0.
    rho : float
        Decay of the running means, in [0, 1].
    eps : float
        Added below both roots, at least 0.
    weight_decay : float
        Coefficient of the L2 penalty, at least 0.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ArgumentError, DTypeError
        If an option is out of range.
    """

    _row = "adadelta"
    _options = {  # noqa: RUF012
        "lr": real,
        "rho": share,
        "eps": real,
        "weight_decay": real,
        "maximize": flag,
    }
    _state_keys = frozenset({"step", "square_avg", "acc_delta"})
    _state_needed = frozenset({"step"})

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        )
