"""Clipping of gradients, by their norm or each element."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ...errors import ArgumentError, DTypeError, StateError
from ..parameter import Parameter

# Elements of a gradient that are in float64 at a time.
_BLOCK = 1 << 16
# Added to the norm that is divided by, as in PyTorch.
_TINY = 1e-6


def clip_grad_norm_(
    parameters: Parameter | Iterable[Parameter],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Scale gradients, in place, so that the norm of all of them together is at most `max_norm`.

    ``total = (sum |g|^p)^(1/p)`` over all elements of all gradients and, where that is above max_norm,
    ``g = g max_norm / (total + 1e-6)``. Sums are taken in float64 in a fixed order.

    Parameters
    ----------
    parameters : iterable of Parameter, or a Parameter
        Those without a gradient are left out.
    max_norm : float
        At least 0; infinity clips nothing.
    norm_type : float
        The p; infinity for the largest magnitude. As in PyTorch the norm is that of the parameters' norms,
        which for p = 0 is not the same: the number of gradients that are not all 0.
    error_if_nonfinite : bool
        Whether a total that is NaN or infinite is an error; else gradients become 0 or NaN by it.

    Returns
    -------
    float
        The total norm before clipping, 0 if there is no gradient.

    Raises
    ------
    ArgumentError, DTypeError
        If an argument cannot be used.
    StateError
        If the total is not finite and `error_if_nonfinite`; no gradient is changed then.
    """
    what = "clip_grad_norm_"
    grads = _gradients(parameters, what)
    limit = check_limit(max_norm, f"{what}: max_norm")
    try:
        order = float(norm_type)
    except (TypeError, ValueError):
        raise DTypeError(f"{what}: norm_type must be a number, got {norm_type!r}") from None
    if math.isnan(order):
        raise ArgumentError(f"{what}: norm_type must be a number, got {norm_type!r}")
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        norms = [norm(grad, order) for grad in grads if grad.size]
        total = norm(np.array(norms), order) if norms else 0.0
        if error_if_nonfinite and not math.isfinite(total):
            raise StateError(
                f"{what}: the norm of the gradients is {total}: look for NaN in images and loss, or lower "
                "the learning rate (error_if_nonfinite=False scales by it anyway)"
            )
        factor = np.float64(limit) / (total + _TINY)
        if not factor >= 1 and not math.isinf(limit):
            for grad in grads:
                np.multiply(grad, grad.dtype.type(factor), out=grad)
    return total


def clip_grad_value_(parameters: Parameter | Iterable[Parameter], clip_value: float) -> None:
    """Clip the elements of gradients, in place, to ``[-clip_value, clip_value]``; NaN stays.

    Parameters
    ----------
    parameters : iterable of Parameter, or a Parameter
        Those without a gradient are left out.
    clip_value : float
        At least 0.

    Raises
    ------
    ArgumentError, DTypeError
        If an argument cannot be used.
    """
    grads = _gradients(parameters, "clip_grad_value_")
    limit = check_limit(clip_value, "clip_grad_value_: clip_value")
    for grad in grads:
        np.clip(grad, -limit, limit, out=grad)


def check_limit(value: object, name: str) -> float:
    """Return `value`, a number of at least 0, as a float; `name` opens the message."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise DTypeError(f"{name} must be a number, got {value!r}")
    if not value >= 0:
        raise ArgumentError(f"{name} must be at least 0, got {value!r}")
    return float(value)


def _gradients(parameters: object, what: str) -> list[np.ndarray]:
    given = [parameters] if isinstance(parameters, Parameter) else parameters
    if not isinstance(given, Iterable):
        raise DTypeError(f"{what}: parameters must be Parameters, got {type(parameters).__name__}")
    each = list(given)
    for parameter in each:
        if not isinstance(parameter, Parameter):
            raise DTypeError(f"{what}: parameters must be Parameters, got a {type(parameter).__name__}")
    return [parameter.grad for parameter in each if parameter.grad is not None]


def norm(values: np.ndarray, order: float) -> float:
    """Return the norm of all elements, of which there is at least one."""
    flat = values.ravel()
    parts = (np.abs(flat[i : i + _BLOCK], dtype=np.float64) for i in range(0, flat.size, _BLOCK))
    if math.isinf(order):
        extreme = np.max if order > 0 else np.min
        return float(extreme([extreme(part) for part in parts]))
    if order == 0:
        return float(sum(np.count_nonzero(part) for part in parts))
    return float(sum((part**order).sum() for part in parts) ** (1 / order))
