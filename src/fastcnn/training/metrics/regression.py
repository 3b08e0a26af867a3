"""Metrics of real numbers."""

from __future__ import annotations

import numpy as np

from ...errors import DTypeError, ShapeError
from .weights import check_weights, mean


def _pair(targets: object, predictions: object, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float64 (N, D)."""
    pair = np.asarray(targets), np.asarray(predictions)
    for array, name in zip(pair, ("targets", "predictions"), strict=True):
        if array.dtype.kind not in "biuf":
            raise DTypeError(f"{what}: {name} must be real numbers, got {array.dtype}")
        if array.ndim == 0:
            raise ShapeError(f"{what}: {name} must have a row for each sample, got a single number")
    true, predicted = pair
    if true.shape != predicted.shape:
        raise ShapeError(f"{what}: targets have the shape {true.shape}, but predictions {predicted.shape}")
    features = int(np.prod(true.shape[1:]))
    return true.astype(np.float64).reshape(len(true), features), predicted.astype(np.float64).reshape(
        len(true), features
    )


def mean_absolute_error(targets: object, predictions: object, sample_weight: object = None) -> float:
    """Return the mean of ``|prediction - target|`` over all samples and elements; NaN of none.

    ``sum_n w_n mean_d |p_nd - t_nd| / sum_n w_n``

    Parameters
    ----------
    targets, predictions : array_like of float (N,) or (N, ...)
        Of one shape.
    sample_weight : array_like of float (N,), optional

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If the arrays do not fit each other.
    """
    true, predicted = _pair(targets, predictions, "mean_absolute_error")
    weights = check_weights(sample_weight, len(true), "mean_absolute_error")
    return mean(np.abs(predicted - true).mean(1), weights) if true.size else float("nan")


def mean_squared_error(targets: object, predictions: object, sample_weight: object = None) -> float:
    """Return the mean of ``(prediction - target)^2`` over all samples and elements; NaN of none.

    ``sum_n w_n mean_d (p_nd - t_nd)^2 / sum_n w_n``

    Parameters and errors are those of `mean_absolute_error`.
    """
    true, predicted = _pair(targets, predictions, "mean_squared_error")
    weights = check_weights(sample_weight, len(true), "mean_squared_error")
    return mean(np.square(predicted - true).mean(1), weights) if true.size else float("nan")


def r2_score(targets: object, predictions: object, sample_weight: object = None) -> float:
    """Return the coefficient of determination, the mean over the columns of targets (N, D).

    ``1 - sum_n w_n (p_n - t_n)^2 / sum_n w_n (t_n - mean t)^2`` with the weighted mean of the targets: 1 is
    perfect, 0 what the mean would have. Targets of more axes, such as images, have one for all elements,
    with their sums above and below the line: many pixels hardly vary from image to image. Where all
    targets are the same it is 1 if all predictions are right, and else 0, as scikit-learn's ``r2_score``
    has it. NaN of fewer than two samples.

    Parameters and errors are those of `mean_absolute_error`.
    """
    true, predicted = _pair(targets, predictions, "r2_score")
    weights = check_weights(sample_weight, len(true), "r2_score")
    if len(true) < 2 or not true.size or not weights.sum() > 0:
        return float("nan")
    residual = np.dot(weights, np.square(predicted - true))
    return r2_of(residual, total_squares(true, weights), np.asarray(targets).ndim)


def total_squares(targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return ``sum_n w_n (t_n - mean t)^2`` of each column of float64 (N, D)."""
    centre = np.dot(weights, targets) / weights.sum()
    return np.dot(weights, np.square(targets - centre))


def r2_of(residual: np.ndarray, total: np.ndarray, axes: int) -> float:
    """Return what `r2_score` does, of the sums above and below the line, for targets of so many axes."""
    if axes > 2:
        residual, total = residual.sum(keepdims=True), total.sum(keepdims=True)
    shares = np.divide(residual, total, out=np.where(residual > 0, 1.0, 0.0), where=total > 0)
    return float(np.mean(1 - shares))
