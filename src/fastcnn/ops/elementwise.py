"""Sigmoid, tanh, exp, square root and clamp, element by element, with their gradients.

They raise no warnings: where a number is too large or has no result, that is inf or NaN.
"""

from __future__ import annotations

import math

import numpy as np

from .._shapes import allocate
from ..errors import ArgumentError
from . import _check


def _input(value: object, what: str) -> np.ndarray:
    return _check.array(value, "x", what)


def _like(values: np.ndarray, what: str) -> np.ndarray:
    """Return room for the output."""
    return allocate(values.shape, values.dtype.newbyteorder("="), f"{what}: the output")


def _applied(function: np.ufunc, x: object, what: str) -> np.ndarray:
    """Return a function of each element."""
    values = _input(x, what)
    with np.errstate(all="ignore"):
        return function(values, out=_like(values, what))


def _pair(dy: object, value: object, name: str, what: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dy and what it is multiplied by a function of, of one shape and type, and room for dx."""
    known, grad = _check.array(value, name, what), _check.array(dy, "dy", what)
    _check.shape_is(grad, known.shape, "dy", what)
    _check.same_dtype(what, dy=grad, **{name: known})
    return grad, known, allocate(known.shape, known.dtype.newbyteorder("="), f"{what}: dx")


def tanh(x: np.ndarray) -> np.ndarray:
    """Squash to (-1, 1): ``y = tanh(x)``."""
    return _applied(np.tanh, x, "tanh")


def tanh_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `tanh` from its output: ``dx = dy (1 - y^2)``."""
    grad, output, dx = _pair(dy, y, "y", "tanh_backward")
    with np.errstate(all="ignore"):
        np.multiply(output, output, out=dx)
        np.subtract(1, dx, out=dx)
        return np.multiply(grad, dx, out=dx)


def exp(x: np.ndarray) -> np.ndarray:
    """Raise e to a power: ``y = exp(x)``, infinite where that is too large."""
    return _applied(np.exp, x, "exp")


def exp_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `exp` from its output: ``dx = dy y``."""
    grad, output, dx = _pair(dy, y, "y", "exp_backward")
    with np.errstate(all="ignore"):
        return np.multiply(grad, output, out=dx)


def sqrt(x: np.ndarray) -> np.ndarray:
    """Take the square root: ``y = sqrt(x)``, NaN where x < 0."""
    return _applied(np.sqrt, x, "sqrt")


def sqrt_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `sqrt` from its output: ``dx = dy / (2 y)``, infinite at 0."""
    grad, output, dx = _pair(dy, y, "y", "sqrt_backward")
    with np.errstate(all="ignore"):
        np.multiply(2, output, out=dx)
        return np.divide(grad, dx, out=dx)


def _limit(value: object, name: str, dtype: np.dtype, what: str) -> np.ndarray | None:
    """Return a limit in the type of x; it may be infinite."""
    if value is None:
        return None
    if isinstance(value, float | np.floating) and math.isinf(value):
        return np.asarray(value, dtype)
    with np.errstate(over="ignore"):
        return np.asarray(_check.number(value, name, what)).astype(dtype)


def _limits(
    minimum: object, maximum: object, dtype: np.dtype, what: str
) -> tuple[np.ndarray | None, np.ndarray | None]:
    if minimum is None and maximum is None:
        raise ArgumentError(f"{what}: min, max or both must be given")
    return _limit(minimum, "min", dtype, what), _limit(maximum, "max", dtype, what)


def clamp(x: np.ndarray, min: float | None = None, max: float | None = None) -> np.ndarray:
    """Limit to a range: ``y = min(max(x, low), high)``; a NaN propagates, and where low > high it is high.

    Parameters
    ----------
    x : array
        Input.
    min, max : float, optional
        The limits low and high, of which there must be one; they may be infinite.
    """
    values = _input(x, "clamp")
    low, high = _limits(min, max, values.dtype, "clamp")
    y = _like(values, "clamp")
    with np.errstate(all="ignore"):
        if low is not None:
            values = np.maximum(values, low, out=y)
        return values if high is None else np.minimum(values, high, out=y)


def clamp_backward(
    dy: np.ndarray, x: np.ndarray, min: float | None = None, max: float | None = None
) -> np.ndarray:
    """Gradient of `clamp`: dy where x lies within the limits or on one, else 0."""
    grad, values, dx = _pair(dy, x, "x", "clamp_backward")
    low, high = _limits(min, max, values.dtype, "clamp_backward")
    within = np.ones(values.shape, bool)
    with np.errstate(all="ignore"):
        if low is not None:
            within &= values >= low
        if high is not None:
            within &= values <= high
    dx[...] = np.where(within, grad, grad.dtype.type(0))
    return dx
