"""Tanh, exp, square root and clamp, element by element, with their gradients.

They raise no warnings: where a number is too large or has no result, that is inf or NaN.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import ArgumentError
from . import _check
from .activation import activate, activate_backward


def tanh(x: np.ndarray) -> np.ndarray:
    """Squash to (-1, 1): ``y = tanh(x)``."""
    return activate(x, "tanh")


def tanh_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `tanh` from its output: ``dx = dy (1 - y^2)``."""
    return activate_backward(dy, y, "tanh", kept="y")


def exp(x: np.ndarray) -> np.ndarray:
    """Raise e to a power: ``y = exp(x)``, infinite where that is too large."""
    return activate(x, "exp")


def exp_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `exp` from its output: ``dx = dy y``."""
    return activate_backward(dy, y, "exp", kept="y")


def sqrt(x: np.ndarray) -> np.ndarray:
    """Take the square root: ``y = sqrt(x)``, NaN where x < 0."""
    return activate(x, "sqrt")


def sqrt_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `sqrt` from its output: ``dx = dy / (2 y)``, infinite at 0."""
    return activate_backward(dy, y, "sqrt", kept="y")


def _limit(value: object, name: str, what: str, default: float) -> float:
    """Return a limit, which may be infinite."""
    if value is None:
        return default
    if isinstance(value, float | np.floating) and math.isinf(value):
        return float(value)
    return _check.number(value, name, what)


def limits(minimum: object, maximum: object, what: str) -> tuple[float, float]:
    """Return the limits of `clamp`, infinite where there is none."""
    if minimum is None and maximum is None:
        raise ArgumentError(f"{what}: min, max or both must be given")
    return _limit(minimum, "min", what, -math.inf), _limit(maximum, "max", what, math.inf)


def clamp(x: np.ndarray, min: float | None = None, max: float | None = None) -> np.ndarray:
    """Limit to a range: ``y = min(max(x, low), high)``; a NaN propagates, and where low > high it is high.

    Parameters
    ----------
    x : array
        Input.
    min, max : float, optional
        The limits low and high, of which there must be one; they may be infinite.
    """
    return activate(x, "clamp", *limits(min, max, "clamp"))


def clamp_backward(
    dy: np.ndarray, x: np.ndarray, min: float | None = None, max: float | None = None
) -> np.ndarray:
    """Gradient of `clamp`: dy where x lies within the limits or on one, else 0."""
    return activate_backward(dy, x, "clamp", *limits(min, max, "clamp_backward"))
