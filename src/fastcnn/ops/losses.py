"""Losses with their gradient in one pass: cross-entropy, negative log-likelihood, mean squared error.

Each returns (loss, gradient with respect to its first argument). With reduction "none" the loss is an
array with one value a row, and the gradient is that of each row's own loss.
"""

from typing import Any, TypeAlias

import numpy as np

from .._kernels import softmax as kernels
from .._shapes import allocate, check_size, integer
from ..errors import ArgumentError, DTypeError, ShapeError
from . import _check
from ._images import sum_over_images
from .activation import as_rows

REDUCTIONS = ("mean", "sum", "none")
# A number, and with the reduction "none" an array: `Any` lets a type checker take it for either.
Loss: TypeAlias = float | Any


def _class_axis(x: np.ndarray, what: str, name: str) -> int:
    if x.ndim == 0:
        raise ShapeError(f"{what}: {name} must be (C,), (N, C) or (N, C, ...), got the shape {x.shape}")
    axis = 0 if x.ndim == 1 else 1
    if x.shape[axis] == 0:
        raise ShapeError(f"{what}: {name} has no classes (shape {x.shape})")
    return axis


def _indices(target: np.ndarray, x: np.ndarray, axis: int, ignore_index: int, what: str) -> np.ndarray:
    """Return class indices as int64 after checking shape and range."""
    expected = x.shape[:axis] + x.shape[axis + 1 :]
    _check.shape_is(target, expected, "target", what)
    check_size(expected, 8, f"{what}: a contiguous copy of target")
    classes = x.shape[axis]
    counted = target[target != ignore_index]
    if counted.size and (counted.min() < 0 or counted.max() >= classes):
        raise ArgumentError(
            f"{what}: target must lie in [0, {classes}) (or be ignore_index {ignore_index}), "
            f"got {counted.min()} to {counted.max()}"
        )
    return _check.contiguous(target, "target", what, np.int64)


def _class_weight(weight: object, x: np.ndarray, axis: int, what: str) -> np.ndarray | None:
    checked = _check.vector(weight, x.shape[axis], "weight", what)
    _check.same_dtype(what, x=x, weight=checked)
    return checked


def _index_target(target: object) -> bool:
    return isinstance(target, np.ndarray | np.integer | int) and np.asarray(target).dtype.kind in "iu"


def _mean_divisor(indices: np.ndarray, weight: np.ndarray | None, ignore_index: int) -> float:
    """Sum of the weights of the targets that count."""
    counted = indices[indices != ignore_index]
    return float(counted.size if weight is None else weight[counted].sum(dtype=np.float64))


def _reduced(losses: np.ndarray, reduction: str, divisor: float, dtype: np.dtype) -> Loss:
    if reduction == "none":
        with np.errstate(over="ignore"):
            return losses.astype(dtype)
    of_images = losses.sum(axis=tuple(range(1, losses.ndim)))
    total = float(sum_over_images(of_images) if losses.ndim else losses)
    if reduction == "sum":
        return total
    return total / divisor if divisor else float("nan")


def _scale(reduction: str, divisor: float) -> float:
    """Return the factor of each row's gradient; if no row counts, the mean is NaN but its gradient is 0."""
    return (1 / divisor if divisor else 0.0) if reduction == "mean" else 1.0


def cross_entropy(
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
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
        Target that counts for nothing (class indices only).
    reduction : {"mean", "sum", "none"}
        How the rows' losses are combined.
    label_smoothing : float in [0, 1]
        Share of the uniform distribution in the target.

    Returns
    -------
    loss : float, or array of the rows' shape with reduction "none"
    dlogits : array of the shape of logits

    Raises
    ------
    ArgumentError
        If a target is out of range or not a number.
    """
    what = "cross_entropy"
    x = _check.array(logits, "logits", what)
    axis = _class_axis(x, what, "logits")
    _check.choice(reduction, REDUCTIONS, "reduction", what)
    ignored = integer(ignore_index, f"{what}: ignore_index", -(2**63))
    smoothing = _check.number(label_smoothing, "label_smoothing", what, 0, 1)
    weight = _class_weight(weight, x, axis, what)
    rows = as_rows(x, axis)
    values = _check.contiguous(x, "logits", what)
    dlogits = allocate(values.shape, values.dtype, f"{what}: dlogits")
    losses = np.zeros((rows[0], rows[2]))
    if _index_target(target):
        indices = _indices(np.asarray(target), x, axis, ignored, what)
        divisor = _mean_divisor(indices, weight, ignored)
        kernels.cross_entropy(
            losses,
            dlogits.reshape(rows),
            values.reshape(rows),
            indices.reshape(rows[0], rows[2]),
            weight,
            ignored,
            smoothing,
            _scale(reduction, divisor),
        )
    else:
        probabilities = _check.array(target, "target", what)
        if probabilities.shape == x.shape[:axis] + x.shape[axis + 1 :] != x.shape:
            raise DTypeError(
                f"{what}: target must be integers to name classes, got {probabilities.dtype}: "
                f"target.astype(np.int64) if they are whole numbers"
            )
        _check.shape_is(probabilities, x.shape, "target", what)
        _check.same_dtype(what, logits=x, target=probabilities)
        if not np.isfinite(probabilities).all():
            raise ArgumentError(f"{what}: target has values that are not finite")
        divisor = float(rows[0] * rows[2])
        kernels.cross_entropy_soft(
            losses,
            dlogits.reshape(rows),
            values.reshape(rows),
            _check.contiguous(probabilities, "target", what).reshape(rows),
            weight,
            smoothing,
            _scale(reduction, divisor),
        )
    row_shape = x.shape[:axis] + x.shape[axis + 1 :]
    return _reduced(losses.reshape(row_shape), reduction, divisor, values.dtype), dlogits


def nll_loss(
    log_probs: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> tuple[Loss, np.ndarray]:
    """Negative log-likelihood ``loss = -w_target log_probs[target]``, and its gradient.

    Parameters
    ----------
    log_probs : array (C,), (N, C) or (N, C, d1, ...)
        Log-probabilities, as from log_softmax.
    target : integer array () or (N,) or (N, d1, ...)
        Class indices.
    weight, ignore_index, reduction
        As in `cross_entropy`.

    Returns
    -------
    loss : float, or array of the rows' shape with reduction "none"
    dlog_probs : array of the shape of log_probs
    """
    what = "nll_loss"
    x = _check.array(log_probs, "log_probs", what)
    axis = _class_axis(x, what, "log_probs")
    _check.choice(reduction, REDUCTIONS, "reduction", what)
    ignored = integer(ignore_index, f"{what}: ignore_index", -(2**63))
    weight = _class_weight(weight, x, axis, what)
    check_size(x.shape, x.itemsize, f"{what}: dlog_probs")
    if not _index_target(target):
        raise DTypeError(f"{what}: target must be integers, got {getattr(target, 'dtype', type(target))}")
    indices = _indices(np.asarray(target), x, axis, ignored, what)
    divisor = _mean_divisor(indices, weight, ignored)
    counted = indices != ignored
    safe = np.expand_dims(np.where(counted, indices, 0), axis)
    row_weight = np.ones(x.shape[axis], x.dtype)[safe] if weight is None else weight[safe]
    row_weight = row_weight * np.expand_dims(counted, axis)
    picked = np.take_along_axis(x, safe, axis)
    with np.errstate(all="ignore"):  # whatever is picked for a weight of 0
        losses = np.where(row_weight != 0, -(row_weight * picked), 0).squeeze(axis)
    dx = np.zeros(x.shape, x.dtype.newbyteorder("="))
    np.put_along_axis(dx, safe, (-row_weight * _scale(reduction, divisor)).astype(dx.dtype), axis)
    return _reduced(losses.astype(np.float64), reduction, divisor, dx.dtype), dx


def mse_loss(input: np.ndarray, target: np.ndarray, reduction: str = "mean") -> tuple[Loss, np.ndarray]:
    """Squared error ``(input - target)^2``, and its gradient ``2 (input - target)``.

    Parameters
    ----------
    input, target : arrays of one shape and dtype
        Predictions and what they should be.
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.

    Returns
    -------
    loss : float, or array of the shape of input with reduction "none"
    dinput : array of the shape of input
    """
    what = "mse_loss"
    x = _check.array(input, "input", what)
    wanted = _check.array(target, "target", what)
    _check.shape_is(wanted, x.shape, "target", what)
    _check.same_dtype(what, input=x, target=wanted)
    _check.choice(reduction, REDUCTIONS, "reduction", what)
    check_size(x.shape, 8, f"{what}: dinput")
    scale = _scale(reduction, float(x.size))
    with np.errstate(all="ignore"):
        difference = x - wanted
        loss = _reduced(np.square(difference, dtype=np.float64), reduction, float(x.size), difference.dtype)
        return loss, np.asarray(difference * difference.dtype.type(2 * scale))
