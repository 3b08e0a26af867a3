"""The fully connected layer."""

from typing import Any

import numpy as np

from .._kernels import gemm as kernels
from .._kernels import norm as norm_kernels
from .._kernels.program import linear_slots
from .._shapes import allocate
from ..errors import ShapeError
from . import _check


def _rows(what: str, x: object, weight: object) -> tuple[np.ndarray, np.ndarray]:
    """Return x as (rows, in_features) and weight, both contiguous, after checking that they fit."""
    checked = _check.array(x, "x", what)
    matrix = _check.array(weight, "weight", what, (2,))
    _check.same_dtype(what, x=checked, weight=matrix)
    if checked.ndim == 0 or checked.shape[-1] != matrix.shape[1]:
        raise ShapeError(
            f"{what}: x must have {matrix.shape[1]} features in its last axis (weight {matrix.shape}), "
            f"got the shape {checked.shape}"
        )
    rows = int(np.prod(checked.shape[:-1], dtype=object))
    flat = _check.contiguous(checked, "x", what).reshape(rows, matrix.shape[1])
    return flat, _check.contiguous(matrix, "weight", what)


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Multiply the last axis by a matrix: ``y = x weight^T + bias``.

    Parameters
    ----------
    x : array (..., in_features)
        Input.
    weight : array (out_features, in_features)
        Matrix.
    bias : array (out_features,), optional
        Added to each row.

    Returns
    -------
    array (..., out_features)
    """
    rows, matrix = _rows("linear", x, weight)
    out_features = matrix.shape[0]
    bias = _check.vector(bias, out_features, "bias", "linear")
    _check.same_dtype("linear", x=rows, bias=bias)
    y = allocate((rows.shape[0], out_features), rows.dtype, "linear: the output")
    if bias is not None:
        y[:] = bias
    kernels.gemm(y, rows, matrix.T, bias is not None)
    return y.reshape(*x.shape[:-1], out_features)


def linear_backward(
    dy: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    *,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[Any, Any, Any]:
    """Gradients of `linear`: ``dx = dy weight``, ``dweight = dy^T x``, ``dbias = sum of dy over the rows``.

    Parameters
    ----------
    dy : array (..., out_features)
        Gradient of the loss with respect to the output.
    x, weight
        As given to linear.
    output_mask : (bool, bool, bool)
        Which of the three are wanted.

    Returns
    -------
    dx, dweight, dbias : arrays of the shapes of x, weight and (out_features,), or None
    """
    what = "linear_backward"
    rows, matrix = _rows(what, x, weight)
    out_features = matrix.shape[0]
    grad = _check.array(dy, "dy", what)
    _check.shape_is(grad, (*x.shape[:-1], out_features), "dy", what)
    _check.same_dtype(what, dy=grad, x=rows)
    grad = _check.contiguous(grad, "dy", what).reshape(rows.shape[0], out_features)
    wants_dx, wants_dweight, wants_dbias = _check.mask(output_mask, "output_mask", what)
    dx = dweight = dbias = None
    if wants_dx:
        dx = allocate(rows.shape, rows.dtype, f"{what}: dx")
        kernels.gemm(dx, grad, matrix)
        dx = dx.reshape(x.shape)
    if wants_dweight:
        dweight = allocate(matrix.shape, rows.dtype, f"{what}: dweight")
        images = x.shape[0] if x.ndim > 1 else 1
        length = rows.shape[0] // max(images, 1)  # rows of an image
        for first, last in linear_slots(images) or [(0, 0)]:
            some = slice(first * length, last * length)
            kernels.gemm(dweight, grad[some].T, rows[some], accumulate=first > 0)
    if wants_dbias:
        dbias = allocate((out_features,), rows.dtype, f"{what}: dbias")
        norm_kernels.channel_sums(dbias, grad[:, :, None])
    return dx, dweight, dbias
