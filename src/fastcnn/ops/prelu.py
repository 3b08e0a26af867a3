"""Rectification with slopes that are learned."""

from typing import Any

import numpy as np

from .._shapes import allocate
from ..errors import ShapeError
from . import _check
from ._images import sum_over_images


def _prepare(what: str, x: object, weight: object) -> tuple[np.ndarray, np.ndarray]:
    """Return x, and the slopes in a shape that goes with it: (C, 1, ...), or one for all."""
    values = _check.array(x, "x", what)
    slopes = _check.array(weight, "weight", what, (0, 1))
    _check.same_dtype(what, x=values, weight=slopes)
    if slopes.size == 1:
        return values, slopes.reshape(())
    channels = values.shape[1] if values.ndim > 1 else 1
    if slopes.size != channels:
        raise ShapeError(
            f"{what}: weight must have 1 slope or {channels}, one for each channel of x of the shape "
            f"{values.shape}, got {slopes.size}"
        )
    return values, slopes.reshape(-1, *[1] * (values.ndim - 2))


def prelu(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Let a part of negative values through: ``y = x where x > 0, else weight[c] x``.

    Source: He et al., "Delving Deep into Rectifiers" (2015).

    Parameters
    ----------
    x : array (N, C, ...), or with one slope of any shape
        Input.
    weight : array (C,), (1,) or ()
        Slope of each channel c, or of all.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    ShapeError, DTypeError
        If the slopes do not fit, or a type is wrong.
    """
    values, slopes = _prepare("prelu", x, weight)
    y = allocate(values.shape, values.dtype.newbyteorder("="), "prelu: the output")
    np.multiply(values, slopes, out=y)
    np.copyto(y, values, where=values > 0)
    return y


def prelu_backward(
    dy: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    *,
    output_mask: tuple[bool, bool] = (True, True),
) -> tuple[Any, Any]:
    """Gradients of `prelu` with respect to x and weight.

    ``dx = dy where x > 0, else weight[c] dy``; dweight[c] is the sum of ``dy x`` over all others.

    Parameters
    ----------
    dy : array of the shape of x
        Gradient of the loss with respect to the output.
    x, weight
        As given to prelu.
    output_mask : (bool, bool)
        Which of the two are wanted.

    Returns
    -------
    dx, dweight : arrays of the shapes of x and weight, or None
    """
    what = "prelu_backward"
    values, slopes = _prepare(what, x, weight)
    grad = _check.array(dy, "dy", what)
    _check.shape_is(grad, values.shape, "dy", what)
    _check.same_dtype(what, dy=grad, x=values)
    wants_dx, wants_dweight, _ = _check.mask((*output_mask, False), "output_mask", what)
    dx = dweight = None
    passed = values > 0
    if wants_dx:
        dx = allocate(values.shape, values.dtype.newbyteorder("="), f"{what}: dx")
        np.multiply(grad, slopes, out=dx)
        np.copyto(dx, grad, where=passed)
    if wants_dweight:
        products = np.where(passed, 0, grad * values)
        summed = sum_over_images(np.atleast_1d(products))
        kept = summed if weight.size == 1 else summed.reshape(weight.size, -1).T
        dweight = np.asarray(kept.sum() if weight.size == 1 else kept.sum(0), products.dtype)
        dweight = dweight.reshape(weight.shape)
    return dx, dweight
