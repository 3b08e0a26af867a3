"""Losses, of arrays."""

from __future__ import annotations

import numpy as np

from ... import ops
from ...ops.losses import Loss

__all__ = [
    "cross_entropy",
    "mse_loss",
    "nll_loss",
]


def cross_entropy(
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Loss:
    """Cross-entropy of softmax(logits); see `fastcnn.ops.cross_entropy`, which returns the gradient too."""
    return ops.cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)[0]


def nll_loss(
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Loss:
    """Negative log-likelihood of log-probabilities; see `fastcnn.ops.nll_loss`."""
    return ops.nll_loss(input, target, weight, ignore_index, reduction)[0]


def mse_loss(input: np.ndarray, target: np.ndarray, reduction: str = "mean") -> Loss:
    """Mean squared error; see `fastcnn.ops.mse_loss`."""
    return ops.mse_loss(input, target, reduction)[0]
