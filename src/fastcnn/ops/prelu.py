"""Rectification with slopes that are learned."""

import math
from typing import Any

import numpy as np

from .._kernels import elementwise as kernels
from .._shapes import allocate
from ..errors import ShapeError
from . import _check


def _prepare(what: str, x: object, weight: object) -> tuple[np.ndarray, np.ndarray]:
    """Return x as a contiguous array (N, C, size), and the slopes, of which there may be one for all."""
    values = _check.array(x, "x", what)
    slopes = _check.array(weight, "weight", what, (0, 1))
    _check.same_dtype(what, x=values, weight=slopes)
    slopes = _check.contiguous(slopes, "weight", what).reshape(-1)
    if slopes.size == 1:
        return _rows(values, what), slopes
    channels = values.shape[1] if values.ndim > 1 else 1
    if slopes.size != channels:
        raise ShapeError(
            f"{what}: weight must have 1 slope or {channels}, one for each channel of x of the shape "
            f"{values.shape}, got {slopes.size}"
        )
    return _rows(values, what), slopes


def _rows(x: np.ndarray, what: str) -> np.ndarray:
    """Return x as (N, C, size); what has fewer axes are images of one channel."""
    shape = (*x.shape[:2], *[1] * max(0, 2 - x.ndim))
    return _check.contiguous(x, "x", what).reshape(*shape, math.prod(x.shape[2:]))


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
    y = allocate(values.shape, values.dtype, "prelu: the output")
    if y.size:
        kernels.prelu(y, values, slopes, slopes.size == 1)
    return y.reshape(np.shape(x))


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
    _check.shape_is(grad, np.shape(x), "dy", what)
    _check.same_dtype(what, dy=grad, x=values)
    wants_dx, wants_dweight, _ = _check.mask((*output_mask, False), "output_mask", what)
    grad = _check.contiguous(grad, "dy", what).reshape(values.shape)
    dx = dweight = None
    if wants_dx:
        dx = allocate(values.shape, values.dtype, f"{what}: dx")
        if dx.size:
            kernels.prelu_backward_input(dx, grad, values, slopes, slopes.size == 1)
        dx = dx.reshape(np.shape(x))
    if wants_dweight:
        sums = np.zeros(values.shape[1], values.dtype)
        if values.size:
            kernels.prelu_backward_weight(sums, grad, values)
        dweight = (sums if sums.size == slopes.size else sums.sum(dtype=np.float64)).astype(values.dtype)
        dweight = dweight.reshape(np.shape(weight))
    return dx, dweight
