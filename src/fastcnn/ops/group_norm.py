"""Normalisation of each image by itself: of groups of channels, and of the last axes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._kernels import norm as kernels
from .._outputs import grouped, normalized_axes
from .._shapes import allocate
from ..errors import ShapeError
from . import _check

Statistics = tuple[np.ndarray, np.ndarray]


def _as_rows(x: np.ndarray, groups: int, what: str) -> np.ndarray:
    """Return x (N, C, ...) as a contiguous (N, C, size) array, of groups of more than no channel."""
    size = math.prod(x.shape[2:])
    channels = grouped(x.shape[1], groups, what)
    return _check.contiguous(x, "x", what).reshape(x.shape[0], channels, size)


def _statistics(
    x: np.ndarray, groups: int, eps: float, what: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (mean, biased variance, 1 / sqrt(var + eps)), float64 (N, groups), of x (N, C, size)."""
    epsilon = _check.number(eps, "eps", what, 0)
    shape = x.shape[0], groups
    mean, var = (allocate(shape, np.float64, f"{what}: {name}") for name in ("mean", "variance"))
    rows = x.reshape(mean.size, x.shape[1] // groups * x.shape[2])
    if rows.size:
        kernels.row_statistics(mean.reshape(-1), var.reshape(-1), rows)
    else:
        mean[...] = var[...] = np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        return mean, var, 1 / np.sqrt(var + epsilon)


def _normalize(x: np.ndarray, saved: Statistics, weight: Any, bias: Any, what: str) -> np.ndarray:
    y = allocate(x.shape, x.dtype, f"{what}: the output")
    if y.size:
        kernels.group_norm(y, x, *saved, weight, bias)
    return y


def _backward(
    dy: np.ndarray, x: np.ndarray, weight: Any, saved: Statistics, wanted: tuple[bool, bool, bool], what: str
) -> tuple[Any, Any, Any]:
    """Return the gradients of x (N, C, size), weight (C,) and bias (C,), None where they are not wanted."""
    dx = dweight = dbias = None
    if wanted[0]:
        dx = allocate(x.shape, x.dtype, f"{what}: dx")
        if dx.size:
            kernels.group_norm_backward_input(dx, dy, x, *saved, weight)
    if wanted[1] or wanted[2]:
        size = x.shape[1:2]
        dweight, dbias = (allocate(size, x.dtype, f"{what}: {name}") for name in ("dweight", "dbias"))
        if x.size:
            kernels.group_norm_backward_weight(dweight, dbias, dy, x, *saved)
        else:
            dweight[...] = dbias[...] = 0
    return dx, dweight if wanted[1] else None, dbias if wanted[2] else None


def group_norm_forward(
    x: np.ndarray,
    num_groups: int,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    eps: float,
    what: str = "group_norm",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`group_norm` that also returns the mean and 1 / sqrt(var + eps) that it used, float64 (N, groups)."""
    checked = _check.array(x, "x", what)
    if checked.ndim < 2:
        raise ShapeError(f"{what}: x must be (N, C, ...), got the shape {checked.shape}")
    rows = _as_rows(checked, num_groups, what)
    weight = _check.vector(weight, rows.shape[1], "weight", what)
    bias = _check.vector(bias, rows.shape[1], "bias", what)
    _check.same_dtype(what, x=rows, weight=weight, bias=bias)
    mean, _, invstd = _statistics(rows, num_groups, eps, what)
    return _normalize(rows, (mean, invstd), weight, bias, what).reshape(checked.shape), mean, invstd


def group_norm(
    x: np.ndarray,
    num_groups: int,
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    eps: float = 1e-5,
) -> np.ndarray:
    """Normalise groups of neighbouring channels of each image by their own mean and variance.

    ``y = (x - mean) / sqrt(var + eps) * weight + bias`` with mean and (biased) variance over the channels of
    a group and all positions. Source: Wu and He, "Group Normalization" (2018).

    Parameters
    ----------
    x : array (N, C, ...)
        Input.
    num_groups : int
        Number of groups, of which C is a multiple.
    weight, bias : array (C,), optional
        Scale and shift of each channel.
    eps : float
        Added to the variance.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    ShapeError, ArgumentError, DTypeError
        If the channels do not divide into groups, or a shape, a number or a type is wrong.
    """
    return group_norm_forward(x, num_groups, weight, bias, eps)[0]


def group_norm_backward(
    dy: np.ndarray,
    x: np.ndarray,
    num_groups: int,
    weight: np.ndarray | None = None,
    eps: float = 1e-5,
    saved: Statistics | None = None,
    *,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
    what: str = "group_norm_backward",
) -> tuple[Any, Any, Any]:
    """Gradients of `group_norm` with respect to x, weight and bias.

    With ``xhat = (x - mean) invstd``: ``dbias = sum dy``, ``dweight = sum dy xhat`` and, over the m elements
    of an image's group, ``dx = invstd (weight dy - sum(weight dy) / m - xhat sum(weight dy xhat) / m)``.

    Parameters
    ----------
    dy : array of the shape of x
        Gradient of the loss with respect to the output.
    x, num_groups, weight, eps
        As given to group_norm.
    saved : (mean, invstd), optional
        The float64 statistics of the forward pass, which are computed again if None.
    output_mask : (bool, bool, bool)
        Which of the three are wanted.

    Returns
    -------
    dx, dweight, dbias : arrays of the shapes of x, (C,) and (C,), or None
    """
    checked = _check.array(x, "x", what)
    if checked.ndim < 2:
        raise ShapeError(f"{what}: x must be (N, C, ...), got the shape {checked.shape}")
    rows = _as_rows(checked, num_groups, what)
    grad = _check.array(dy, "dy", what)
    _check.shape_is(grad, checked.shape, "dy", what)
    weight = _check.vector(weight, rows.shape[1], "weight", what)
    _check.same_dtype(what, dy=grad, x=rows, weight=weight)
    if saved is None:
        mean, _, invstd = _statistics(rows, num_groups, eps, what)
        saved = mean, invstd
    for i, each in enumerate(saved):
        _check.shape_is(each, (rows.shape[0], num_groups), f"saved[{i}]", what)
    wanted = _check.mask(output_mask, "output_mask", what)
    grad = _check.contiguous(grad, "dy", what).reshape(rows.shape)
    dx, dweight, dbias = _backward(grad, rows, weight, saved, wanted, what)
    return (None if dx is None else dx.reshape(checked.shape)), dweight, dbias


def _flat(value: object, shape: tuple[int, ...], name: str, what: str) -> np.ndarray | None:
    """Return a scale or shift of the normalised axes as one axis."""
    if value is None:
        return None
    checked = _check.array(value, name, what)
    _check.shape_is(checked, shape, name, what)
    return _check.contiguous(checked, name, what).reshape(-1)


def _last_axes(
    x: object, normalized_shape: int | Sequence[int], what: str
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return x as (rows, elements of the last axes), and the sizes of those."""
    checked = _check.array(x, "x", what)
    shape = normalized_axes(normalized_shape, checked.shape, what)
    leading = checked.shape[: checked.ndim - len(shape)]
    return checked.reshape(math.prod(leading), math.prod(shape)), shape


def layer_norm_forward(
    x: np.ndarray,
    normalized_shape: int | Sequence[int],
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`layer_norm` that also returns the mean and 1 / sqrt(var + eps) that it used, float64 (rows, 1)."""
    what = "layer_norm"
    rows, shape = _last_axes(x, normalized_shape, what)
    scale, shift = _flat(weight, shape, "weight", what), _flat(bias, shape, "bias", what)
    y, mean, invstd = group_norm_forward(rows, 1, scale, shift, eps, what)
    return y.reshape(x.shape), mean, invstd


def layer_norm(
    x: np.ndarray,
    normalized_shape: int | Sequence[int],
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    eps: float = 1e-5,
) -> np.ndarray:
    """Normalise the last axes by their own mean and variance.

    ``y = (x - mean) / sqrt(var + eps) * weight + bias`` with mean and (biased) variance over the last axes.
    Source: Ba, Kiros and Hinton, "Layer Normalization" (2016).

    Parameters
    ----------
    x : array (..., *normalized_shape)
        Input.
    normalized_shape : int or sequence of int
        Sizes of the last axes.
    weight, bias : array of normalized_shape, optional
        Scale and shift of each element.
    eps : float
        Added to the variance.

    Returns
    -------
    array of the shape of x

    Raises
    ------
    ShapeError, ArgumentError, DTypeError
        If the last axes have other sizes, or a shape, a number or a type is wrong.
    """
    return layer_norm_forward(x, normalized_shape, weight, bias, eps)[0]


def layer_norm_backward(
    dy: np.ndarray,
    x: np.ndarray,
    normalized_shape: int | Sequence[int],
    weight: np.ndarray | None = None,
    eps: float = 1e-5,
    saved: Statistics | None = None,
    *,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[Any, Any, Any]:
    """Gradients of `layer_norm` with respect to x, weight and bias; see `group_norm_backward`.

    Parameters
    ----------
    dy : array of the shape of x
        Gradient of the loss with respect to the output.
    x, normalized_shape, weight, eps
        As given to layer_norm.
    saved : (mean, invstd), optional
        The float64 statistics of the forward pass, which are computed again if None.
    output_mask : (bool, bool, bool)
        Which of the three are wanted.

    Returns
    -------
    dx, dweight, dbias : arrays of the shapes of x, normalized_shape and normalized_shape, or None
    """
    what = "layer_norm_backward"
    rows, shape = _last_axes(x, normalized_shape, what)
    grad = _check.array(dy, "dy", what)
    _check.shape_is(grad, np.shape(x), "dy", what)
    dx, *others = group_norm_backward(
        grad.reshape(rows.shape),
        rows,
        1,
        _flat(weight, shape, "weight", what),
        eps,
        saved,
        output_mask=output_mask,
        what=what,
    )
    dweight, dbias = (None if each is None else each.reshape(shape) for each in others)
    return (None if dx is None else dx.reshape(x.shape)), dweight, dbias
