"""Weights of samples, and means by them."""

from __future__ import annotations

import numpy as np

from ...errors import ArgumentError, DTypeError, ShapeError


def check_weights(sample_weight: object, count: int, what: str) -> np.ndarray:
    """Return weights as float64 (count,), each 1 if there are none; `what` opens the message of an error."""
    if sample_weight is None:
        return np.ones(count)
    weights = np.asarray(sample_weight)
    if weights.dtype.kind not in "biuf":
        raise DTypeError(f"{what}: sample_weight must be numbers, got {weights.dtype}")
    if weights.shape != (count,):
        raise ShapeError(f"{what}: sample_weight must have the shape ({count},), got {weights.shape}")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ArgumentError(f"{what}: sample_weight must be finite and at least 0")
    return weights.astype(np.float64)


def mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the mean of values (N,) by weights (N,); NaN if nothing counts."""
    total = weights.sum()
    return float(np.dot(values, weights) / total) if total > 0 else float("nan")
