"""Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .._kernels import optim as kernels
from ..errors import DTypeError
from ..nn.parameter import Parameter
from ._check import SMALL, flag, real
from .gradients import Gradient
from .optimizer import Optimizer


class Adam(Optimizer):
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

    _state_keys = frozenset({"step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"})
    _state_needed = frozenset({"step"})
    takes_factors = True

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

    def _check(self, group: dict[str, Any]) -> None:
        for key in ("lr", "eps", "weight_decay"):
            group[key] = real(group[key], f"{self._name}: {key}")
        betas = group["betas"]
        if not isinstance(betas, Sequence) or isinstance(betas, str) or len(betas) != 2:
            raise DTypeError(f"{self._name}: betas must be two numbers, got {betas!r}")
        group["betas"] = tuple(
            real(beta, f"{self._name}: betas[{i}]", 0, 1, "[)") for i, beta in enumerate(betas)
        )
        for key in ("amsgrad", "maximize", "decoupled_weight_decay"):
            flag(group[key], f"{self._name}: {key}")

    def stays_finite(self, group: dict[str, Any], largest: float) -> bool:
        """Tell whether steps are small beside the range of floats, and decay does not let weights grow."""
        lr, eps, decay = group["lr"], group["eps"], group["weight_decay"]
        if not (lr >= 0 and decay >= 0 and lr * decay <= 1):
            return False  # they may be anything: users and schedulers write them
        return max(1.0, lr) * max(1.0, decay) * max(1.0, largest) < SMALL * eps

    def _update(
        self, pairs: list[tuple[Parameter, Gradient]], dtype: np.dtype, group: dict[str, Any]
    ) -> None:
        updates = []
        for parameter, grad in pairs:
            state, values = self.state.setdefault(parameter, {"step": 0}), parameter.data
            state["step"] += 1
            first, second = self._buffer(state, "exp_avg", values), self._buffer(state, "exp_avg_sq", values)
            largest = self._buffer(state, "max_exp_avg_sq", values) if group["amsgrad"] else None
            updates.append((values, grad, first, second, largest, state["step"]))
        kernels.adam_step(
            dtype.itemsize,
            updates,
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            decoupled=group["decoupled_weight_decay"],
            maximize=group["maximize"],
        )


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
