"""Batch normalisation."""

from typing import Any

import numpy as np

from .._kernels import norm as kernels
from .._shapes import allocate
from ..errors import ArgumentError, ShapeError
from . import _check


def _as_channels(x: object, name: str, what: str) -> np.ndarray:
    """Return x (N, C, ...) as a contiguous (N, C, size) array; (0,) is no sample of no channels."""
    checked = _check.array(x, name, what)
    if checked.shape == (0,):
        checked = checked.reshape(0, 0)
    if checked.ndim < 2:
        raise ShapeError(f"{what}: {name} must be (N, C, ...), got the shape {checked.shape}")
    size = int(np.prod(checked.shape[2:], dtype=object))
    return _check.contiguous(checked, name, what).reshape(*checked.shape[:2], size)


def running(value: object, channels: int, name: str, what: str, updated: bool) -> np.ndarray | None:
    """Return a running statistic as it is, after a look at whether it fits and can be updated."""
    if value is None:
        return None
    stats = _check.array(value, name, what, (1,))
    _check.shape_is(stats, (channels,), name, what)
    if updated and not stats.flags.writeable:
        raise ArgumentError(f"{what}: {name} is updated in training but is read-only")
    return stats


def _statistics(
    x: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    training: bool,
    eps: float,
    what: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (mean, biased variance, invstd), float64 (C,), of the batch or of the running statistics."""
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError(f"{what}: running_mean and running_var are needed when training is False")
        mean, var = running_mean.astype(np.float64), running_var.astype(np.float64)
    else:
        if x.shape[1] and x.shape[0] * x.shape[2] == 1:
            raise ShapeError(
                f"{what}: training needs more than 1 value per channel, got x of the shape {x.shape}"
            )
        mean, var = (allocate(x.shape[1:2], np.float64, f"{what}: {name}") for name in ("mean", "variance"))
        kernels.batch_norm_statistics(mean, var, x)
    # A variance below 0 gives NaN, and 0 without eps infinity, as in PyTorch.
    with np.errstate(invalid="ignore", divide="ignore"):
        return mean, var, 1 / np.sqrt(var + eps)


def batch_norm_forward(
    x: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`batch_norm` that also returns the mean and 1 / sqrt(var + eps) that it used, float64 (C,)."""
    what = "batch_norm"
    planes = _as_channels(x, "x", what)
    channels = planes.shape[1]
    weight = _check.vector(weight, channels, "weight", what)
    bias = _check.vector(bias, channels, "bias", what)
    _check.same_dtype(what, x=planes, weight=weight, bias=bias)
    updated = _check.flag(training, "training", what) and planes.shape[0] * planes.shape[2] > 0
    stats_mean = running(running_mean, channels, "running_mean", what, updated)
    stats_var = running(running_var, channels, "running_var", what, updated)
    factor = _check.number(momentum, "momentum", what)
    mean, var, invstd = _statistics(
        planes, stats_mean, stats_var, bool(training), _check.number(eps, "eps", what, 0), what
    )
    with np.errstate(all="ignore"):
        if updated and stats_mean is not None:
            stats_mean += factor * (mean - stats_mean)
        if updated and stats_var is not None:
            count = planes.shape[0] * planes.shape[2]
            stats_var += factor * (var * (count / (count - 1)) - stats_var)
    y = allocate(planes.shape, planes.dtype, f"{what}: the output")
    kernels.batch_norm(y, planes, mean, invstd, weight, bias)
    return y.reshape(x.shape), mean, invstd


def batch_norm(
    x: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> np.ndarray:
    """Normalise each channel by its mean and variance.

    ``y = (x - mean) / sqrt(var + eps) * weight + bias``

    In training, mean and (biased) variance are the batch's, and the running statistics are updated in
    place: ``running += momentum * (batch - running)``, with the unbiased variance. In evaluation they are
    the running statistics. Source: Ioffe and Szegedy, "Batch Normalization" (2015).

    Parameters
    ----------
    x : array (N, C, ...)
        Input. One without elements leaves the running statistics as they are; (0,) is one of no channels.
    running_mean, running_var : array (C,), optional
        Running statistics; needed in evaluation.
    weight, bias : array (C,), optional
        Scale and shift.
    training : bool
        Whether to use the batch's statistics.
    momentum : float
        Share of the new statistics in the running ones.
    eps : float
        Added to the variance.

    Returns
    -------
    array of the shape of x
    """
    return batch_norm_forward(x, running_mean, running_var, weight, bias, training, momentum, eps)[0]


def batch_norm_backward(
    dy: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray | None = None,
    running_mean: np.ndarray | None = None,
    running_var: np.ndarray | None = None,
    training: bool = True,
    eps: float = 1e-5,
    saved: tuple[np.ndarray, np.ndarray] | None = None,
    *,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[Any, Any, Any]:
    """Gradients of `batch_norm` with respect to x, weight and bias.

    With ``xhat = (x - mean) invstd``: ``dbias = sum dy``, ``dweight = sum dy xhat`` and, in training,
    ``dx = weight invstd (dy - dbias / m - xhat dweight / m)`` over the m values of a channel; in
    evaluation ``dx = weight invstd dy``.

    Parameters
    ----------
    dy : array of the shape of x
        Gradient of the loss with respect to the output.
    x, weight, running_mean, running_var, training, eps
        As given to batch_norm.
    saved : (mean, invstd), optional
        The float64 statistics of the forward pass, which are computed again if None.
    output_mask : (bool, bool, bool)
        Which of the three are wanted. In training dx needs the sums that the others are.

    Returns
    -------
    dx, dweight, dbias : arrays of the shapes of x, (C,) and (C,), or None
    """
    what = "batch_norm_backward"
    planes = _as_channels(x, "x", what)
    channels = planes.shape[1]
    grad = _check.array(dy, "dy", what)
    _check.shape_is(grad, x.shape, "dy", what)
    weight = _check.vector(weight, channels, "weight", what)
    _check.same_dtype(what, dy=grad, x=planes, weight=weight)
    batch_statistics = _check.flag(training, "training", what)
    if saved is None:
        stats_mean = running(running_mean, channels, "running_mean", what, False)
        stats_var = running(running_var, channels, "running_var", what, False)
        epsilon = _check.number(eps, "eps", what, 0)
        mean, _, invstd = _statistics(planes, stats_mean, stats_var, batch_statistics, epsilon, what)
    else:
        mean, invstd = saved
        _check.shape_is(mean, (channels,), "saved[0]", what)
        _check.shape_is(invstd, (channels,), "saved[1]", what)
    wanted = _check.mask(output_mask, "output_mask", what)
    dx = allocate(planes.shape, planes.dtype, f"{what}: dx")
    grad = _check.contiguous(grad, "dy", what).reshape(planes.shape)
    if not batch_statistics and not any(wanted[1:]):
        kernels.batch_norm(dx, grad, np.zeros(channels), invstd, weight, None)  # dx = dy * scale
        return (dx.reshape(x.shape) if wanted[0] else None), None, None
    dweight, dbias = (allocate((channels,), planes.dtype, f"{what}: {name}") for name in ("dweight", "dbias"))
    kernels.batch_norm_backward(dx, dweight, dbias, grad, planes, mean, invstd, weight, batch_statistics)
    every = dx.reshape(x.shape), dweight, dbias
    return tuple(each if want else None for each, want in zip(every, wanted, strict=True))  # type: ignore
