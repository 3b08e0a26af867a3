"""Losses, of arrays."""

from __future__ import annotations

import numpy as np

from ... import ops
from ...ops._reduction import Loss

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "multi_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
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


def l1_loss(input: np.ndarray, target: np.ndarray, reduction: str = "mean") -> Loss:
    """Mean absolute error; see `fastcnn.ops.l1_loss`, which returns the gradient too."""
    return ops.l1_loss(input, target, reduction)[0]


def smooth_l1_loss(input: np.ndarray, target: np.ndarray, reduction: str = "mean", beta: float = 1.0) -> Loss:
    """Squared error of small differences, absolute error of others; see `fastcnn.ops.smooth_l1_loss`."""
    return ops.smooth_l1_loss(input, target, reduction, beta)[0]


def huber_loss(input: np.ndarray, target: np.ndarray, reduction: str = "mean", delta: float = 1.0) -> Loss:
    """Squared error of small differences, a line for others; see `fastcnn.ops.huber_loss`."""
    return ops.huber_loss(input, target, reduction, delta)[0]


def binary_cross_entropy(
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
) -> Loss:
    """Cross-entropy of probabilities; see `fastcnn.ops.binary_cross_entropy`."""
    return ops.binary_cross_entropy(input, target, weight, reduction)[0]


def binary_cross_entropy_with_logits(
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    pos_weight: np.ndarray | None = None,
) -> Loss:
    """Cross-entropy of yes and no; see `fastcnn.ops.binary_cross_entropy_with_logits`."""
    return ops.binary_cross_entropy_with_logits(input, target, weight, reduction, pos_weight)[0]


def kl_div(input: np.ndarray, target: np.ndarray, reduction: str = "mean", log_target: bool = False) -> Loss:
    """Kullback-Leibler divergence; see `fastcnn.ops.kl_div`, which returns the gradient too."""
    return ops.kl_div(input, target, reduction, log_target)[0]


def gaussian_nll_loss(
    input: np.ndarray,
    target: np.ndarray,
    var: np.ndarray | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Loss:
    """Normal negative log-likelihood; see `fastcnn.ops.gaussian_nll_loss`."""
    return ops.gaussian_nll_loss(input, target, var, full, eps, reduction)[0]


def poisson_nll_loss(
    input: np.ndarray,
    target: np.ndarray,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Loss:
    """Negative log-likelihood of counts; see `fastcnn.ops.poisson_nll_loss`."""
    return ops.poisson_nll_loss(input, target, log_input, full, eps, reduction)[0]


def soft_margin_loss(input: np.ndarray, target: np.ndarray, reduction: str = "mean") -> Loss:
    """Logistic loss; see `fastcnn.ops.soft_margin_loss`, which returns the gradient too."""
    return ops.soft_margin_loss(input, target, reduction)[0]


def hinge_embedding_loss(
    input: np.ndarray,
    target: np.ndarray,
    margin: float = 1.0,
    reduction: str = "mean",
) -> Loss:
    """Distances and margins; see `fastcnn.ops.hinge_embedding_loss`, which returns the gradient too."""
    return ops.hinge_embedding_loss(input, target, margin, reduction)[0]


def multi_margin_loss(
    input: np.ndarray,
    target: np.ndarray,
    p: int = 1,
    margin: float = 1.0,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
) -> Loss:
    """Margins between classes; see `fastcnn.ops.multi_margin_loss`, which returns the gradient too."""
    return ops.multi_margin_loss(input, target, p, margin, weight, reduction)[0]
