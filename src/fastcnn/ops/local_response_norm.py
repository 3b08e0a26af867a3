"""Normalisation by the squares of neighbouring channels."""

import math
from typing import Any, NamedTuple

import numpy as np

from .._kernels import norm as kernels
from .._shapes import allocate, integer
from ..errors import ShapeError
from . import _check


class Response(NamedTuple):
    """The numbers of a local response normalisation, as kernels take them.

    Attributes
    ----------
    before, behind : int
        Channels whose squares are added on both sides.
    share, beta, k : float
        ``(k + share * the sum) ** -beta``.
    """

    before: int
    behind: int
    share: float
    beta: float
    k: float

    @classmethod
    def of(cls, channels: int, size: Any, alpha: Any, beta: Any, k: Any, what: str) -> "Response":
        """Return those of PyTorch's arguments, which are checked; channels that are not there are 0."""
        window = integer(size, f"{what}: size", 1)
        most = max(channels - 1, 0)
        numbers = (
            _check.number(each, name, what) for name, each in (("alpha", alpha), ("beta", beta), ("k", k))
        )
        alpha, beta, k = numbers
        return cls(min(window // 2, most), min((window - 1) // 2, most), alpha / window, beta, k)


def _prepare(x: object, args: tuple[Any, Any, Any, Any], what: str) -> tuple[np.ndarray, Response]:
    """Return x (N, C, ...) as a contiguous (N, C, positions) array, and the numbers."""
    checked = _check.array(x, "x", what)
    check_axes(checked.shape, what)
    rows = _check.contiguous(checked, "x", what).reshape(*checked.shape[:2], math.prod(checked.shape[2:]))
    return rows, Response.of(rows.shape[1], *args, what)


def check_axes(shape: tuple[Any, ...], what: str) -> None:
    """Refuse what has no positions beside channels."""
    if len(shape) < 3:
        raise ShapeError(f"{what}: x must be (N, C, ...) with at least 3 axes, got the shape {shape}")


def local_response_norm(
    x: np.ndarray, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> np.ndarray:
    """Divide each element by a power of the mean square of its neighbours in other channels.

    ``y[c] = x[c] / (k + alpha / size * sum of x[j]**2) ** beta`` over the channels
    ``c - size // 2 <= j <= c + (size - 1) // 2`` that there are. Source: Krizhevsky, Sutskever and Hinton,
    "ImageNet classification with deep convolutional neural networks" (2012); alpha is PyTorch's, a mean's.

    Parameters
    ----------
    x : array (N, C, ...)
        Input, of at least three axes.
    size : int
        Number of channels whose squares are added.
    alpha, beta, k : float
        As in the equation.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    ShapeError, ArgumentError, DTypeError
        If x has fewer axes, or a number or a type is wrong.
    """
    what = "local_response_norm"
    rows, response = _prepare(x, (size, alpha, beta, k), what)
    y = allocate(rows.shape, rows.dtype, f"{what}: the output")
    if y.size:
        kernels.local_response_norm(y, rows, *response)
    return y.reshape(np.shape(x))


def local_response_norm_backward(
    dy: np.ndarray, x: np.ndarray, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> np.ndarray:
    """Gradient of `local_response_norm`.

    With s[c] what is raised to a power: ``dx[c] = dy[c] s[c]**-beta - 2 alpha beta / size x[c] sum of
    dy[j] x[j] s[j]**(-beta - 1)`` over the channels j to which c is a neighbour.

    Parameters
    ----------
    dy : array of the shape of x
        Gradient of the loss with respect to the output.
    x, size, alpha, beta, k
        As given to local_response_norm.

    Returns
    -------
    array of the shape of x
    """
    what = "local_response_norm_backward"
    rows, response = _prepare(x, (size, alpha, beta, k), what)
    grad = _check.array(dy, "dy", what)
    _check.shape_is(grad, np.shape(x), "dy", what)
    _check.same_dtype(what, dy=grad, x=rows)
    grad = _check.contiguous(grad, "dy", what).reshape(rows.shape)
    dx, products = (allocate(rows.shape, rows.dtype, f"{what}: {name}") for name in ("dx", "products"))
    if dx.size:
        kernels.local_response_norm_backward(dx, products, grad, rows, *response)
    return dx.reshape(np.shape(x))
