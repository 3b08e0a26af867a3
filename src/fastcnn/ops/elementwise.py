"""Sigmoid, tanh, exp, square root and clamp, element by element, with their gradients."""

from __future__ import annotations

import numpy as np

from ..errors import ArgumentError
from . import _check


def _pair(dy: object, value: object, name: str, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return dy and what it is multiplied by a function of, of one shape and type."""
    known, grad = _check.array(value, name, what), _check.array(dy, "dy", what)
    _check.shape_is(grad, known.shape, "dy", what)
    _check.same_dtype(what, dy=grad, **{name: known})
    return grad, known


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Squash to (0, 1): ``y = 1 / (1 + exp(-x))``, without overflow."""
    values = _check.array(x, "x", "sigmoid")
    e = np.exp(-np.abs(values))
    return np.where(values < 0, e, 1) / (1 + e)


def sigmoid_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `sigmoid` from its output: ``dx = dy y (1 - y)``."""
    grad, output = _pair(dy, y, "y", "sigmoid_backward")
    return grad * (output * (1 - output))


def tanh(x: np.ndarray) -> np.ndarray:
    """Squash to (-1, 1): ``y = tanh(x)``."""
    return np.tanh(_check.array(x, "x", "tanh"))


def tanh_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `tanh` from its output: ``dx = dy (1 - y^2)``."""
    grad, output = _pair(dy, y, "y", "tanh_backward")
    return grad * (1 - output * output)


def exp(x: np.ndarray) -> np.ndarray:
    """Raise e to a power: ``y = exp(x)``."""
    return np.exp(_check.array(x, "x", "exp"))


def exp_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `exp` from its output: ``dx = dy y``."""
    grad, output = _pair(dy, y, "y", "exp_backward")
    return grad * output


def sqrt(x: np.ndarray) -> np.ndarray:
    """Take the square root: ``y = sqrt(x)``, NaN where x < 0."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(_check.array(x, "x", "sqrt"))


def sqrt_backward(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient of `sqrt` from its output: ``dx = dy / (2 y)``, infinite at 0."""
    grad, output = _pair(dy, y, "y", "sqrt_backward")
    with np.errstate(divide="ignore", invalid="ignore"):
        return grad / (2 * output)


def _limits(minimum: object, maximum: object, what: str) -> tuple[float | None, float | None]:
    if minimum is None and maximum is None:
        raise ArgumentError(f"{what}: min, max or both must be given")
    low, high = (
        None if limit is None else _check.number(limit, name, what)
        for limit, name in ((minimum, "min"), (maximum, "max"))
    )
    return low, high


def clamp(x: np.ndarray, min: float | None = None, max: float | None = None) -> np.ndarray:
    """Limit to a range: ``y = min(max(x, low), high)``; a NaN propagates, and where low > high it is high.

    Parameters
    ----------
    x : array
        Input.
    min, max : float, optional
        The limits low and high, of which there must be one.
    """
    values = _check.array(x, "x", "clamp")
    low, high = _limits(min, max, "clamp")
    y = values if low is None else np.maximum(values, values.dtype.type(low))
    return y if high is None else np.minimum(y, values.dtype.type(high))


def clamp_backward(
    dy: np.ndarray, x: np.ndarray, min: float | None = None, max: float | None = None
) -> np.ndarray:
    """Gradient of `clamp`: dy where x lies within the limits or on one, else 0."""
    grad, values = _pair(dy, x, "x", "clamp_backward")
    low, high = _limits(min, max, "clamp_backward")
    within = np.ones(values.shape, bool)
    if low is not None:
        within &= values >= values.dtype.type(low)
    if high is not None:
        within &= values <= values.dtype.type(high)
    return np.where(within, grad, grad.dtype.type(0))
