"""Losses of classes with their gradient in one pass: cross-entropy, negative log-likelihood, margins.

Each returns (loss, gradient with respect to its first argument). With reduction "none" the loss is an
array with one value a row, and the gradient is that of each row's own loss. `sample_weight` is a float array
(N,) of numbers >= 0 that losses are multiplied by; what "mean" divides by is multiplied likewise.
"""

import numpy as np

from .._kernels import losses as kernels
from .._shapes import allocate, check_size, integer
from ..errors import DTypeError
from . import _check
from ._classes import check_margin, check_probabilities, class_axis, class_weight, indices_of, is_index_target
from ._images import sum_over_images
from ._reduction import REDUCTIONS, Loss, mean_divisor, reduced, scale_of, share_of, shares
from .activation import as_rows


def _reduced(losses: np.ndarray, reduction: str, divisor: float, dtype: np.dtype) -> Loss:
    if reduction == "none":
        with np.errstate(over="ignore"):
            return losses.astype(dtype)
    of_images = losses.sum(axis=tuple(range(1, losses.ndim)))
    total = float(sum_over_images(of_images) if losses.ndim else losses)
    return reduced(total, reduction, divisor)


def cross_entropy(
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    *,
    sample_weight: np.ndarray | None = None,
) -> tuple[Loss, np.ndarray]:
    """Cross-entropy of softmax(logits), and its gradient, in one pass.

    ``loss = -sum_c w_c q_c log p_c`` with ``p = softmax(logits)`` and
    ``q = (1 - label_smoothing) onehot(target) + label_smoothing / C``; its gradient is
    ``p_c sum_k w_k q_k - w_c q_c``. "mean" divides by the sum of the targets' weights (by the number of
    rows for probabilities).

    Parameters
    ----------
    logits : array (C,), (N, C) or (N, C, d1, ...)
        Unnormalised log-probabilities.
    target : integer array () or (N,) or (N, d1, ...), or float array of the shape of logits
        Class indices, or class probabilities.
    weight : array (C,), optional
        Weight of each class; without smoothing, a target of weight 0 counts for nothing, whatever its logits.
    ignore_index : int
        Class index that counts for nothing; below 0 where targets are probabilities.
    reduction : {"mean", "sum", "none"}
        How the rows' losses are combined.
    label_smoothing : float in [0, 1]
        Share of the uniform distribution in the target.
    sample_weight : array (N,), optional
        Weight of each sample.

    Returns
    -------
    loss : float, or array of the rows' shape with reduction "none"
    dlogits : array of the shape of logits

    Raises
    ------
    ArgumentError
        If a target is out of range or not a number, or a class is to be ignored among probabilities.
    """
    what = "cross_entropy"
    x = _check.array(logits, "logits", what)
    axis = class_axis(x, what, "logits")
    _check.choice(reduction, REDUCTIONS, "reduction", what)
    ignored = integer(ignore_index, f"{what}: ignore_index", -(2**63))
    smoothing = _check.number(label_smoothing, "label_smoothing", what, 0, 1)
    weight = class_weight(weight, x, axis, what)
    rows = as_rows(x, axis)
    share = shares(sample_weight, rows[0], what)
    values = _check.contiguous(x, "logits", what)
    dlogits = allocate(values.shape, values.dtype, f"{what}: dlogits")
    losses = np.zeros((rows[0], rows[2]))
    if is_index_target(target):
        indices = indices_of(np.asarray(target), x, axis, ignored, what)
        divisor = mean_divisor(indices, weight, ignored, share)
        kernels.cross_entropy(
            losses,
            dlogits.reshape(rows),
            values.reshape(rows),
            indices.reshape(rows[0], rows[2]),
            weight,
            ignored,
            smoothing,
            scale_of(reduction, divisor),
            share,
        )
    else:
        probabilities = _check.array(target, "target", what)
        if probabilities.shape == x.shape[:axis] + x.shape[axis + 1 :] != x.shape:
            raise DTypeError(
                f"{what}: target must be integers to name classes, got {probabilities.dtype}: "
                f"target.astype(np.int64) if they are whole numbers"
            )
        _check.shape_is(probabilities, x.shape, "target", what)
        check_probabilities(probabilities, x.dtype, ignored, what)
        divisor = share_of(share, rows[0]) * rows[2]
        kernels.cross_entropy_soft(
            losses,
            dlogits.reshape(rows),
            values.reshape(rows),
            _check.contiguous(probabilities, "target", what).reshape(rows),
            weight,
            smoothing,
            scale_of(reduction, divisor),
            share,
        )
    row_shape = x.shape[:axis] + x.shape[axis + 1 :]
    return _reduced(losses.reshape(row_shape), reduction, divisor, values.dtype), dlogits


def nll_loss(
    log_probs: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    *,
    sample_weight: np.ndarray | None = None,
) -> tuple[Loss, np.ndarray]:
    """Negative log-likelihood ``loss = -w_target log_probs[target]``, and its gradient.

    Parameters
    ----------
    log_probs : array (C,), (N, C) or (N, C, d1, ...)
        Log-probabilities, as from log_softmax.
    target : integer array () or (N,) or (N, d1, ...)
        Class indices.
    weight, ignore_index, reduction, sample_weight
        As in `cross_entropy`.

    Returns
    -------
    loss : float, or array of the rows' shape with reduction "none"
    dlog_probs : array of the shape of log_probs
    """
    what = "nll_loss"
    x = _check.array(log_probs, "log_probs", what)
    axis = class_axis(x, what, "log_probs")
    _check.choice(reduction, REDUCTIONS, "reduction", what)
    ignored = integer(ignore_index, f"{what}: ignore_index", -(2**63))
    weight = class_weight(weight, x, axis, what)
    check_size(x.shape, x.itemsize, f"{what}: dlog_probs")
    if not is_index_target(target):
        raise DTypeError(f"{what}: target must be integers, got {getattr(target, 'dtype', type(target))}")
    rows = as_rows(x, axis)
    share = shares(sample_weight, rows[0], what)
    indices = indices_of(np.asarray(target), x, axis, ignored, what)
    divisor = mean_divisor(indices, weight, ignored, share)
    values = _check.contiguous(x, "log_probs", what)
    dx = allocate(values.shape, values.dtype, f"{what}: dlog_probs")
    losses = np.zeros((rows[0], rows[2]))
    kernels.nll_loss(
        losses,
        dx.reshape(rows),
        values.reshape(rows),
        indices.reshape(rows[0], rows[2]),
        weight,
        ignored,
        scale_of(reduction, divisor),
        share,
    )
    return _reduced(losses.reshape(indices.shape), reduction, divisor, values.dtype), dx


def multi_margin_loss(
    input: np.ndarray,
    target: np.ndarray,
    p: int = 1,
    margin: float = 1.0,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    *,
    sample_weight: np.ndarray | None = None,
) -> tuple[Loss, np.ndarray]:
    """How far other classes come within a margin of the target's, and the gradient.

    ``loss = sum_(c != t) w_t max(0, margin - x_t + x_c)^p / C`` for a row x and its target t; a class that is
    NaN has no part in it.

    Source: Crammer and Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines"
    (2001).

    Parameters
    ----------
    input : array (C,) or (N, C), or () of one class
        Scores of classes.
    target : integer array () or (N,)
        Class indices; that of one row may be () or (1,).
    p : {1, 2}
        Power.
    margin : float
        Distance that is wanted.
    weight : array (C,), optional
        Weight of each class. "mean" still divides by the number of rows.
    reduction : {"mean", "sum", "none"}
        How the rows' losses are combined.
    sample_weight : array (N,), optional
        Weight of each sample.

    Returns
    -------
    loss : float, or array of the shape of target with reduction "none"
    dinput : array of the shape of input

    Raises
    ------
    ArgumentError
        If a target is out of range.
    """
    what = "multi_margin_loss"
    given = _check.array(input, "input", what, (0, 1, 2))
    x = given if given.ndim else given.reshape(1)
    axis = class_axis(x, what, "input")
    _check.choice(reduction, REDUCTIONS, "reduction", what)
    power, distance = check_margin(p, margin)
    weight = class_weight(weight, x, axis, what)
    if not is_index_target(target):
        raise DTypeError(f"{what}: target must be integers, got {getattr(target, 'dtype', type(target))}")
    outer, classes, _ = as_rows(x, axis)
    share = shares(sample_weight, outer, what)
    wanted = np.asarray(target)
    of_row = wanted.reshape(()) if x.ndim == 1 and wanted.shape == (1,) else wanted
    indices = indices_of(of_row, x, axis, None, what)
    divisor = share_of(share, outer)
    values = _check.contiguous(x, "input", what)
    dx = allocate(values.shape, values.dtype, f"{what}: dinput")
    losses, rows = np.zeros(outer), (outer, classes)
    kernels.multi_margin_loss(
        losses,
        dx.reshape(rows),
        values.reshape(rows),
        indices.reshape(outer),
        weight,
        power,
        distance,
        scale_of(reduction, divisor),
        share,
    )
    return _reduced(losses.reshape(wanted.shape), reduction, divisor, values.dtype), dx.reshape(given.shape)
