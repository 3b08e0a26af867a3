"""What losses have in common: how the losses of a batch become one number, and the weights of samples."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ..errors import ArgumentError
from . import _check

REDUCTIONS = ("mean", "sum", "none")
# A number, and with the reduction "none" an array: `Any` lets a type checker take it for either.
Loss: TypeAlias = float | Any


def shares(sample_weight: object, samples: int, what: str) -> np.ndarray | None:
    """Return the weight of each sample as kernels read it, None as it is.

    Raises
    ------
    ArgumentError
        If one is negative or not finite.
    """
    checked = _check.vector(sample_weight, samples, "sample_weight", what)
    if checked is None:
        return None
    if checked.size and not (checked.min() >= 0 and checked.max() < np.inf):
        raise ArgumentError(
            f"{what}: sample_weight must be finite and not negative, got {checked.min()} to {checked.max()}"
        )
    return _check.contiguous(checked, "sample_weight", what, np.float64)


def share_of(sample_weight: np.ndarray | None, samples: int) -> float:
    """Return the sum of the samples' weights, each 1 if there are none."""
    return float(samples if sample_weight is None else sample_weight.sum(dtype=np.float64))


def mean_divisor(
    indices: np.ndarray,
    weight: np.ndarray | tuple[float, ...] | None,
    ignore_index: int | None,
    sample_weight: np.ndarray | None = None,
) -> float:
    """Return the sum of the weights of the targets that count: of its class times that of its sample."""
    counted = indices != ignore_index if ignore_index is not None else np.ones(indices.shape, bool)
    if weight is None and sample_weight is None:
        return float(np.count_nonzero(counted))
    if weight is None:
        each = np.ones(np.count_nonzero(counted))
    else:
        each = np.asarray(weight, np.float64)[indices[counted]]
    if sample_weight is not None:
        by_sample = sample_weight.reshape(-1, *[1] * (indices.ndim - 1)) if indices.ndim else sample_weight[0]
        each = each * np.broadcast_to(by_sample, indices.shape)[counted]
    return float(each.sum())


def scale_of(reduction: str, divisor: float) -> float:
    """Return the factor of each gradient; if nothing counts, the mean is NaN but its gradient is 0."""
    if reduction in ("sum", "none"):
        return 1.0
    return 1 / divisor if divisor else 0.0


def reduced(total: float, reduction: str, divisor: float) -> float:
    """Return the sum of all losses, or their mean, which is NaN if nothing counts."""
    if reduction == "sum":
        return total
    return total / divisor if divisor else float("nan")
