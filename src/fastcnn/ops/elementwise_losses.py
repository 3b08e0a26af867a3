"""Losses of single elements with their gradients in one pass.

Each returns (loss, gradient with respect to its first argument); input and target are arrays of one shape
(N, ...) and type. With reduction "none" the loss is an array of that shape. `sample_weight` is a float array
(N,) of numbers >= 0 that losses are multiplied by: "mean" then divides by their sum times the elements of a
sample.
"""

import numpy as np

from . import _check, _formulas
from ._reduction import Loss

Given = np.ndarray | None


def mse_loss(
    input: np.ndarray, target: np.ndarray, reduction: str = "mean", *, sample_weight: Given = None
) -> tuple[Loss, np.ndarray]:
    """Squared error ``(input - target)^2``, and its gradient ``2 (input - target)``.

    Parameters
    ----------
    input, target : arrays of one shape and dtype
        Predictions and what they should be.
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    sample_weight : array (N,), optional
        Weight of each sample.

    Returns
    -------
    loss : float, or array of the shape of input with reduction "none"
    dinput : array of the shape of input
    """
    return _formulas.MSE.compute(input, target, reduction, sample_weight=sample_weight)[:2]


def l1_loss(
    input: np.ndarray, target: np.ndarray, reduction: str = "mean", *, sample_weight: Given = None
) -> tuple[Loss, np.ndarray]:
    """Absolute error ``|input - target|``, and its gradient, 1, 0 or -1.

    Parameters and results are those of `mse_loss`.
    """
    return _formulas.L1.compute(input, target, reduction, sample_weight=sample_weight)[:2]


def smooth_l1_loss(
    input: np.ndarray,
    target: np.ndarray,
    reduction: str = "mean",
    beta: float = 1.0,
    *,
    sample_weight: Given = None,
) -> tuple[Loss, np.ndarray]:
    """``d^2 / (2 beta) where |d| < beta, else |d| - beta / 2`` of ``d = input - target``, and its gradient.

    Source: Girshick, "Fast R-CNN" (2015). Parameters and results are those of `mse_loss`; beta must be at
    least 0.
    """
    return _formulas.smooth_l1(beta).compute(input, target, reduction, sample_weight=sample_weight)[:2]


def huber_loss(
    input: np.ndarray,
    target: np.ndarray,
    reduction: str = "mean",
    delta: float = 1.0,
    *,
    sample_weight: Given = None,
) -> tuple[Loss, np.ndarray]:
    """``d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2)`` of ``d = input - target``, and gradient.

    Source: Huber, "Robust Estimation of a Location Parameter" (1964). Parameters and results are those of
    `mse_loss`; delta must be above 0.
    """
    return _formulas.huber(delta).compute(input, target, reduction, sample_weight=sample_weight)[:2]


def binary_cross_entropy(
    input: np.ndarray,
    target: np.ndarray,
    weight: Given = None,
    reduction: str = "mean",
    *,
    sample_weight: Given = None,
) -> tuple[Loss, np.ndarray]:
    """Cross-entropy of probabilities of yes and no: ``-w (t log(x) + (1 - t) log(1 - x))``, and its gradient.

    Logarithms are at least -100, and the gradient is ``w (x - t) / max(x (1 - x), 1e-12)``.

    Parameters
    ----------
    input, target : arrays of one shape and dtype
        Probabilities x and t, in [0, 1]; a NaN of input propagates.
    weight : array that is broadcastable to them, optional
        Weight w of each element. "mean" still divides by the number of elements.
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    sample_weight : array (N,), optional
        Weight of each sample.

    Returns
    -------
    loss : float, or array of the shape of input with reduction "none"
    dinput : array of the shape of input

    Raises
    ------
    ArgumentError
        If an element is out of range.
    """
    formula = _formulas.BCE
    return formula.compute(input, target, reduction, weight=weight, sample_weight=sample_weight)[:2]


def binary_cross_entropy_with_logits(
    input: np.ndarray,
    target: np.ndarray,
    weight: Given = None,
    reduction: str = "mean",
    pos_weight: Given = None,
    *,
    sample_weight: Given = None,
) -> tuple[Loss, np.ndarray]:
    """Cross-entropy of yes and no, from logits, and its gradient: nothing overflows.

    ``-w (k t log(p) + (1 - t) log(1 - p))`` with ``p = 1 / (1 + exp(-input))``; its gradient is
    ``w ((1 - t) p - k t (1 - p))``.

    Parameters
    ----------
    input, target : arrays of one shape and dtype
        Logits, and probabilities t.
    weight, pos_weight : arrays that are broadcastable to them, optional
        Weight w of each element, and weight k of a target of 1, such as one for each label. "mean" still
        divides by the number of elements.
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    sample_weight : array (N,), optional
        Weight of each sample.

    Returns
    -------
    loss : float, or array of the shape of input with reduction "none"
    dinput : array of the shape of input
    """
    found = _formulas.BCE_WITH_LOGITS.compute(
        input, target, reduction, weight=weight, factor=pos_weight, sample_weight=sample_weight
    )
    return found[:2]


def kl_div(
    input: np.ndarray,
    target: np.ndarray,
    reduction: str = "mean",
    log_target: bool = False,
    *,
    sample_weight: Given = None,
) -> tuple[Loss, np.ndarray]:
    """Kullback-Leibler divergence ``t (log(t) - input)`` of log-probabilities, and its gradient ``-t``.

    Parameters
    ----------
    input, target : arrays of one shape and dtype
        Log-probabilities, and probabilities t or their logarithms.
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides by the number of samples (by the sum of their weights), which makes it the
        divergence; "mean" divides by the number of elements.
    log_target : bool
        Whether target is log(t).
    sample_weight : array (N,), optional
        Weight of each sample.

    Returns
    -------
    loss : float, or array of the shape of input with reduction "none"
    dinput : array of the shape of input
    """
    return _formulas.kl_div(log_target).compute(input, target, reduction, sample_weight=sample_weight)[:2]


def poisson_nll_loss(
    input: np.ndarray,
    target: np.ndarray,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
    *,
    sample_weight: Given = None,
) -> tuple[Loss, np.ndarray]:
    """Negative log-likelihood of counts: ``exp(x) - t x``, or ``x - t log(x + eps)``, and its gradient.

    Parameters
    ----------
    input, target : arrays of one shape and dtype
        Expected counts x, or their logarithms, and counts t.
    log_input : bool
        Whether input is a logarithm.
    full : bool
        Whether Stirling's ``t log(t) - t + log(2 pi t) / 2`` is added where t > 1.
    eps : float
        Keeps log(0) away.
    reduction, sample_weight
        As in `mse_loss`.

    Returns
    -------
    loss : float, or array of the shape of input with reduction "none"
    dinput : array of the shape of input
    """
    formula = _formulas.poisson_nll(log_input, full, eps)
    return formula.compute(input, target, reduction, sample_weight=sample_weight)[:2]


def soft_margin_loss(
    input: np.ndarray, target: np.ndarray, reduction: str = "mean", *, sample_weight: Given = None
) -> tuple[Loss, np.ndarray]:
    """``log(1 + exp(-target input))`` for targets of 1 and -1, and its gradient: nothing overflows.

    Parameters and results are those of `mse_loss`.
    """
    return _formulas.SOFT_MARGIN.compute(input, target, reduction, sample_weight=sample_weight)[:2]


def hinge_embedding_loss(
    input: np.ndarray,
    target: np.ndarray,
    margin: float = 1.0,
    reduction: str = "mean",
    *,
    sample_weight: Given = None,
) -> tuple[Loss, np.ndarray]:
    """``input where target is 1, max(0, margin - input) where it is -1``, and its gradient.

    Parameters and results are those of `mse_loss`.
    """
    formula = _formulas.hinge_embedding(margin)
    return formula.compute(input, target, reduction, sample_weight=sample_weight)[:2]


def gaussian_nll_loss(
    input: np.ndarray,
    target: np.ndarray,
    var: np.ndarray | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
    *,
    sample_weight: Given = None,
) -> tuple[Loss, np.ndarray, np.ndarray]:
    """Negative log-likelihood of normal distributions, and its gradients.

    ``(log(v) + (input - target)^2 / v) / 2`` with ``v = max(var, eps)``; gradients take v for var.

    Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution" (1994).

    Parameters
    ----------
    input : array
        Expected values.
    target : array of a shape that is broadcastable to that of input
        What came.
    var : array of the shape of input, or with 1 for one of its axes, or without its last one; or float
        Variances, at least 0, of the elements, or of all those along the axis.
    full : bool
        Whether ``log(2 pi) / 2`` is added.
    eps : float
        The least variance, above 0.
    reduction, sample_weight
        As in `mse_loss`.

    Returns
    -------
    loss : float, or array of the shape of input with reduction "none"
    dinput : array of the shape of input
    dvar : array of the shape of var

    Raises
    ------
    ArgumentError
        If a variance is negative.
    ShapeError
        If the shapes of target or var do not fit.
    """
    what, formula = "gaussian_nll_loss", _formulas.gaussian_nll(full, eps)
    x = _check.array(input, "input", what)
    given = np.asarray(_check.number(var, "var", what), x.dtype) if isinstance(var, int | float) else var
    variance = _formulas.variances(given, x)
    loss, dx, dvar = formula.compute(x, target, reduction, second=variance, sample_weight=sample_weight)
    assert dvar is not None
    return loss, dx, _formulas.summed_to(dvar, given.shape)
