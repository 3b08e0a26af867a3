"""The gradients that a step takes, each of its parameter's type, and how large they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._kernels import optim as kernels
from ..errors import ShapeError
from ..nn.factored import FactoredGradient
from ..nn.parameter import Parameter

# An array, or the arrays dy and x whose product dy^T x it is.
Gradient = np.ndarray | tuple[np.ndarray, np.ndarray]
# A group, an element type, and the parameters of it with their gradients.
Gathered = tuple[dict[str, Any], np.dtype, list[tuple[Parameter, Gradient]]]
# A gradient that is a product, and could be above this by the size of its factors, is looked at itself.
_LARGE = 2.0**60


def gather(groups: list[dict[str, Any]], takes_factors: bool, what: str) -> list[Gathered]:
    """Return the gradients of all parameters that are trained and have one.

    Parameters
    ----------
    groups : list of dict
        An optimizer's.
    takes_factors : bool
        Whether a gradient may be a pair of factors.
    what : str
        Opens the message of an error.

    Raises
    ------
    ShapeError
        If a gradient has another shape than its parameter.
    """
    found: list[Gathered] = []
    for group in groups:
        pairs: dict[np.dtype, list[tuple[Parameter, Gradient]]] = {}
        for parameter in group["params"]:
            # Attributes and not properties: small networks wait for this loop. `data` would say besides that
            # somebody may write into it.
            grad: Any = parameter._grad
            if grad is None or not parameter._requires_grad:
                continue
            values = parameter._data
            dtype, shape = values.dtype, values.shape
            if type(grad) is not np.ndarray or grad.shape != shape or grad.dtype != dtype:
                if isinstance(grad, FactoredGradient):
                    if takes_factors and (grad.shape, grad.dtype) == (shape, dtype):
                        pairs.setdefault(dtype, []).append((parameter, grad.factors))
                        continue
                    grad = parameter.grad
                grad = _converted(grad, parameter, what)
            if not grad.flags.carray:
                grad = np.require(grad, dtype, ("C", "A"))
            if values.size:
                pairs.setdefault(dtype, []).append((parameter, grad))
        found += [(group, dtype, each) for dtype, each in pairs.items()]
    return found


def _converted(grad: Any, parameter: Parameter, what: str) -> np.ndarray:
    """Return a gradient as an array of its parameter's type."""
    if np.shape(grad) != parameter.shape:
        raise ShapeError(
            f"{what}: a gradient has the shape {np.shape(grad)} but its parameter {parameter.shape}"
        )
    return np.asarray(grad, parameter.dtype)


def largest_gradient(gathered: Sequence[Gathered]) -> float:
    """Return a bound of the magnitude of all gradients, infinity if one of them is not finite."""
    found = 0.0
    for _, dtype, pairs in gathered:
        arrays = [grad for _, grad in pairs if isinstance(grad, np.ndarray)]
        for parameter, grad in pairs if len(arrays) < len(pairs) else ():
            if isinstance(grad, np.ndarray):
                continue
            bound = _largest_of_factors(*grad)
            if bound <= _LARGE:
                found = max(found, bound)
            else:
                arrays.append(FactoredGradient(*grad, parameter.shape).array())
        found = max(found, kernels.largest(dtype.itemsize, arrays))
    return found


def _largest_of_factors(dy: np.ndarray, x: np.ndarray) -> float:
    first, second = (kernels.largest(each.dtype.itemsize, [each]) for each in (dy, x))
    return len(x) * first * second if math.isfinite(first) and math.isfinite(second) else math.inf
