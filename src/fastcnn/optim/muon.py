"""Muon: steps by orthogonal matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from .._kernels import optim as kernels
from .._shapes import integer
from ..errors import ArgumentError
from ..nn.parameter import Parameter
from ._check import SMALL, flag, real, several
from .gradients import Gradient
from .newton_schulz import orthogonal
from .optimizer import Optimizer

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ADJUSTMENTS = (None, "original", "match_rms_adamw")


def _coefficients(value: object, name: str) -> tuple[float, ...]:
    three = several(value, name, 3, "three numbers")
    return tuple(real(each, f"{name}[{i}]", -math.inf) for i, each in enumerate(three))


def _steps(value: object, name: str) -> int:
    count = integer(value, name)
    if count >= 100:
        raise ArgumentError(f"{name} must be below 100, got {count}")
    return count


def _adjustment(value: object, name: str) -> object:
    if value not in _ADJUSTMENTS:
        raise ArgumentError(f"{name} must be 'original', 'match_rms_adamw' or None, got {value!r}")
    return value


class Muon(Optimizer):
    """Muon (Jordan et al., 2024), as ``torch.optim.Muon``: for the matrices of hidden layers.

    With the gradient g, the parameter p, a matrix of A rows and B columns, and the momentum buffer b::

        b = momentum b + (1 - momentum) g
        u = b                             (nesterov: momentum b + (1 - momentum) g)
        p = p - lr weight_decay p - lr r O(u)

    where O(u) is about U V^T for the singular value decomposition U S V^T of u, by `ns_steps` steps of Newton
    and Schulz's iteration, and r is ``sqrt(max(1, A / B))`` ("original") or ``0.2 sqrt(max(A, B))``
    ("match_rms_adamw", with which lr and weight_decay are those of AdamW). The iteration runs in the
    parameter's precision; PyTorch's runs in bfloat16, by which its steps differ by some 1%.

    Biases and batch norm, and by custom the first and last layer, are for another optimizer: see `Combined`.

    Parameters
    ----------
    params : iterable of Parameter or of dict
        What is trained, see Optimizer.
    lr : float
        Learning rate, at least 0.
    weight_decay : float
        Each step multiplies the weights by ``1 - lr weight_decay``; at least 0.
    momentum : float
        Decay of b, at least 0.
    nesterov : bool
        Look ahead by one momentum step.
    ns_coefficients : (float, float, float)
        Of the iteration, see `fastcnn.optim.newton_schulz`.
    eps : float
        What the norm that u is divided by is at the least.
    ns_steps : int
        Below 100.
    adjust_lr_fn : {"original", "match_rms_adamw"}, optional
        How r follows from the shape; None is "original".
    flatten : bool
        Take parameters of more than two axes for matrices of (first axis, all others), as for weights of
        convolutions; else, as in PyTorch, they are refused.

    Raises
    ------
    ArgumentError, DTypeError
        If an option is out of range, or a parameter is no matrix.
    """

    takes_factors = True
    _options: ClassVar[Mapping[str, Callable[[Any, str], Any]]] = {
        "lr": real,
        "weight_decay": real,
        "momentum": real,
        "nesterov": flag,
        "ns_coefficients": _coefficients,
        "eps": real,
        "ns_steps": _steps,
        "adjust_lr_fn": _adjustment,
    }
    _state_keys = frozenset({"momentum_buffer"})

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = _COEFFICIENTS,
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
        *,
        flatten: bool = False,
    ) -> None:
        self.flatten = flag(flatten, "Muon: flatten")
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": ns_coefficients,
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
            },
        )

    def _check(self, group: dict[str, Any]) -> None:
        for key, check in self._options.items():
            group[key] = check(group[key], f"{self._name}: {key}")
        for parameter in group["params"]:
            axes = len(parameter.shape)
            if axes != 2 and not (self.flatten and axes > 2):
                hint = " (flatten=True takes weights of convolutions)" if axes > 2 else ""
                raise ArgumentError(
                    f"{self._name}: parameters must be matrices, got one of shape {parameter.shape}{hint}"
                )

    def stays_finite(self, group: dict[str, Any], largest: float) -> bool:
        """Tell whether steps are small beside the range of floats, and decay does not let weights grow."""
        lr, decay = group["lr"], group["weight_decay"]
        if not (lr >= 0 and decay >= 0 and lr * decay <= 1 and 0 <= group["momentum"] <= 1):
            return False  # they may be anything: users and schedulers write them
        # The steps of other polynomials may grow beyond all bounds.
        return group["ns_coefficients"] == _COEFFICIENTS and max(1.0, lr) * max(1.0, largest) < SMALL

    def _update(
        self, pairs: list[tuple[Parameter, Gradient]], dtype: np.dtype, group: dict[str, Any]
    ) -> None:
        averages, values = [], [parameter.data for parameter, _ in pairs]
        for (parameter, grad), held in zip(pairs, values, strict=True):
            averages.append((np.empty_like(held), grad, self.state.setdefault(parameter, {})))
        kernels.step("muon_average", dtype.itemsize, averages, group, make=self._buffer)
        updates = []
        for held, (average, _, _) in zip(values, averages, strict=True):
            matrix = average.reshape(len(average), -1)
            step = orthogonal(matrix, group["ns_coefficients"], group["ns_steps"], group["eps"])
            updates.append((held, step, group["lr"] * _ratio(group["adjust_lr_fn"], *matrix.shape)))
        kernels.step("muon_apply", dtype.itemsize, updates, group)


def _ratio(adjustment: str | None, rows: int, columns: int) -> float:
    """Return what the rate of a matrix is multiplied by."""
    if adjustment == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1.0, rows / columns))
