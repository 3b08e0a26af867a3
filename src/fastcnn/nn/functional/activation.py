"""Functions of single elements, and of those along an axis.

`inplace` is there for programs that were written for PyTorch, where it lets the output take the input's
memory. Here it changes nothing: the compiled form finds out itself where that can be done.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from ... import graph
from ...errors import DTypeError
from ...graph import apply

__all__ = [
    "celu",
    "clamp",
    "elu",
    "erf",
    "exp",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "sqrt",
    "tanh",
    "tanhshrink",
    "threshold",
]

T = TypeVar("T")


def relu(input: T, inplace: bool = False) -> T:
    """Rectify: ``y = max(x, 0)``."""
    return apply(graph.ReLU(), input)


def relu6(input: T, inplace: bool = False) -> T:
    """Rectify, up to 6: ``y = min(max(x, 0), 6)``."""
    return apply(graph.ReLU6(), input)


def leaky_relu(input: T, negative_slope: float = 0.01, inplace: bool = False) -> T:
    """Let a part of negative values through: ``y = x where x > 0, else negative_slope x``."""
    return apply(graph.LeakyReLU(negative_slope), input)


def prelu(input: T, weight: Any) -> T:
    """Let a part of negative values through, for each channel its own; see `fastcnn.ops.prelu`."""
    return apply(graph.PReLU(), input, weight)


def hardtanh(input: T, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> T:
    """Limit to a range, without a gradient at its ends: ``y = min(max(x, min_val), max_val)``."""
    return apply(graph.Hardtanh(min_val, max_val), input)


def clamp(input: T, min: Any = None, max: Any = None) -> T:
    """Limit to a range: ``y = min(max(x, low), high)``, and high where low > high.

    Parameters
    ----------
    input : array or value
    min, max : float, or array, value or parameter that is broadcastable, optional
        The limits low and high, of which there must be one; tensors have gradients, and run eagerly.
    """
    if isinstance(min, np.ndarray | graph.Operand) or isinstance(max, np.ndarray | graph.Operand):
        return graph.clamp_between(input, min, max)
    return apply(graph.Clamp(min, max), input)


def hardsigmoid(input: T, inplace: bool = False) -> T:
    """Go straight from 0 to 1: ``y = min(max(x + 3, 0), 6) / 6``."""
    return apply(graph.Hardsigmoid(), input)


def hardswish(input: T, inplace: bool = False) -> T:
    """Multiply by `hardsigmoid`: ``y = x min(max(x + 3, 0), 6) / 6``."""
    return apply(graph.Hardswish(), input)


def threshold(input: T, threshold: float, value: float, inplace: bool = False) -> T:
    """Replace what is not above a threshold: ``y = x where x > threshold, else value``."""
    return apply(graph.Threshold(threshold, value), input)


def hardshrink(input: T, lambd: float = 0.5) -> T:
    """Drop small values: ``y = x where |x| > lambd, else 0``."""
    return apply(graph.Hardshrink(lambd), input)


def softshrink(input: T, lambd: float = 0.5) -> T:
    """Make values smaller: ``y = x - lambd where x > lambd, x + lambd where x < -lambd, else 0``."""
    return apply(graph.Softshrink(lambd), input)


def sigmoid(input: T) -> T:
    """Squash to (0, 1): ``y = 1 / (1 + exp(-x))``."""
    return apply(graph.Sigmoid(), input)


def logsigmoid(input: T) -> T:
    """Logarithm of `sigmoid`: ``y = -log(1 + exp(-x))``, without overflow."""
    return apply(graph.LogSigmoid(), input)


def softplus(input: T, beta: float = 1.0, threshold: float = 20.0) -> T:
    """Rectify smoothly: ``y = log(1 + exp(beta x)) / beta``, and x where ``beta x > threshold``."""
    return apply(graph.Softplus(beta, threshold), input)


def softsign(input: T) -> T:
    """Squash to (-1, 1): ``y = x / (1 + |x|)``."""
    return apply(graph.Softsign(), input)


def tanh(input: T) -> T:
    """Squash to (-1, 1): ``y = tanh(x)``."""
    return apply(graph.Tanh(), input)


def tanhshrink(input: T) -> T:
    """Take what `tanh` takes away: ``y = x - tanh(x)``."""
    return apply(graph.Tanhshrink(), input)


def elu(input: T, alpha: float = 1.0, inplace: bool = False) -> T:
    """Bend negative values towards -alpha: ``y = x where x > 0, else alpha (exp(x) - 1)``."""
    return apply(graph.ELU(alpha), input)


def celu(input: T, alpha: float = 1.0, inplace: bool = False) -> T:
    """Do so with slope 1 at 0 for any alpha: ``y = x where x > 0, else alpha (exp(x / alpha) - 1)``."""
    return apply(graph.CELU(alpha), input)


def selu(input: T, inplace: bool = False) -> T:
    """Scale an `elu` so that mean 0 and variance 1 stay: ``y = s x where x > 0, else s a (exp(x) - 1)``.

    s = 1.0507, a = 1.67326. Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017).
    """
    return apply(graph.SELU(), input)


def silu(input: T, inplace: bool = False) -> T:
    """Multiply by `sigmoid`: ``y = x / (1 + exp(-x))``; also called swish."""
    return apply(graph.SiLU(), input)


def mish(input: T, inplace: bool = False) -> T:
    """Multiply by tanh of `softplus`: ``y = x tanh(log(1 + exp(x)))``."""
    return apply(graph.Mish(), input)


def gelu(input: T, approximate: str = "none") -> T:
    """Multiply by the share of a normal distribution below x: ``y = x (1 + erf(x / sqrt(2))) / 2``.

    Parameters
    ----------
    input : array or value
    approximate : {"none", "tanh"}
        "tanh": ``y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2``.
    """
    return apply(graph.GELU(approximate), input)


def erf(input: T) -> T:
    """Take the error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return apply(graph.Erf(), input)


def exp(input: T) -> T:
    """Raise e to a power: ``y = exp(x)``."""
    return apply(graph.Exp(), input)


def log(input: T) -> T:
    """Take the natural logarithm: ``y = log(x)``."""
    return apply(graph.Log(), input)


def sqrt(input: T) -> T:
    """Take the square root: ``y = sqrt(x)``."""
    return apply(graph.Sqrt(), input)


def softmax(input: T, dim: int | None = None) -> T:
    """Turn logits into probabilities along one axis; see `fastcnn.ops.softmax`."""
    return apply(graph.Softmax(dim), input)


def softmin(input: T, dim: int | None = None) -> T:
    """Take the `softmax` of ``-x``: small values have large probabilities."""
    if not isinstance(input, np.ndarray | graph.Operand):
        raise DTypeError(f"softmin: x must be a NumPy array, got {type(input).__name__}")
    return softmax(apply(graph.Negate(), input), dim)


def log_softmax(input: T, dim: int | None = None) -> T:
    """Logarithm of `softmax`, without overflow."""
    return apply(graph.LogSoftmax(dim), input)


def glu(input: T, dim: int = -1) -> T:
    """Let one half along an axis decide how much of the other passes: ``y = a sigmoid(b)`` for x = (a, b).

    Raises
    ------
    ShapeError
        If the axis has an odd size.
    """
    passing, gate = graph.halves(input, dim, "glu")
    return apply(graph.Multiply(), passing, apply(graph.Sigmoid(), gate))
