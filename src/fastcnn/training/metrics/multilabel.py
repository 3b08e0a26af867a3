"""Metrics of samples that have several labels, or none."""

from __future__ import annotations

import numpy as np

from ...errors import ArgumentError, DTypeError, ShapeError
from .weights import check_weights, mean

_AVERAGES = ("macro", "micro", "none")


def _binary(values: object, name: str, what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 2:
        raise ShapeError(f"{what}: {name} must have the shape (N, K), got {array.shape}")
    if array.dtype.kind not in "biuf" or not ((array == 0) | (array == 1)).all():
        raise DTypeError(f"{what}: {name} must be bools, or 0 and 1")
    return array.astype(bool)


def _same_shape(true: np.ndarray, other: np.ndarray, name: str, what: str) -> None:
    if true.shape != other.shape:
        raise ShapeError(f"{what}: targets have the shape {true.shape}, but {name} {other.shape}")


def _checked(
    targets: object, predictions: object, sample_weight: object, what: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return targets and predictions as bools, and the weights."""
    true, predicted = _binary(targets, "targets", what), _binary(predictions, "predictions", what)
    _same_shape(true, predicted, "predictions", what)
    return true, predicted, check_weights(sample_weight, len(true), what)


def _check_average(average: object, what: str) -> None:
    if average not in _AVERAGES:
        raise ArgumentError(f"{what}: average must be one of {', '.join(_AVERAGES)}, got {average!r}")


def multilabel_f1(
    targets: object, predictions: object, average: str = "macro", sample_weight: object = None
) -> float | np.ndarray:
    """Return the harmonic mean of precision and recall, ``2 TP / (2 TP + FP + FN)``.

    Parameters
    ----------
    targets, predictions : array_like of bool, or 0 and 1, (N, K)
        Which labels samples have.
    average : {"macro", "micro", "none"}
        The mean over all labels (of which one that is neither true nor predicted counts as 0), the score of
        the counts of all labels together, or one for each label, float64 (K,).
    sample_weight : array_like of float (N,), optional

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If the arrays are not of that kind, or do not fit each other.
    """
    true, predicted, weights = _checked(targets, predictions, sample_weight, "multilabel_f1")
    _check_average(average, "multilabel_f1")
    both = np.dot(weights, true & predicted)
    either = np.dot(weights, true.astype(np.float64) + predicted)
    if average == "micro":
        both, either = both.sum(keepdims=True), either.sum(keepdims=True)
    scores = np.divide(2 * both, either, out=np.zeros(len(both)), where=either > 0)
    if average == "none":
        return scores
    return float(scores.mean()) if len(scores) else float("nan")


def average_precision(
    targets: object, scores: object, average: str = "macro", sample_weight: object = None
) -> float | np.ndarray:
    """Return the area under the steps of precision over recall.

    ``sum_i (R_i - R_(i-1)) P_i`` over the thresholds, which are the different scores from the highest to the
    lowest. 0 for a label that no sample has.

    Parameters
    ----------
    targets : array_like of bool, or 0 and 1, (N, K)
        Which labels samples have.
    scores : array_like of float (N, K)
        Higher where a label is more likely: logits or probabilities.
    average : {"macro", "micro", "none"}
        The mean over all labels, that of all pairs of sample and label together, or one for each label,
        float64 (K,).
    sample_weight : array_like of float (N,), optional

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If the arrays are not of that kind, or do not fit each other.
    """
    what = "average_precision"
    true, given = _binary(targets, "targets", what), np.asarray(scores)
    if given.dtype.kind not in "biuf":
        raise DTypeError(f"{what}: scores must be numbers, got {given.dtype}")
    _same_shape(true, given, "scores", what)
    _check_average(average, what)
    if np.isnan(given).any():
        raise ArgumentError(f"{what}: scores must be numbers, got NaN")
    weights = check_weights(sample_weight, len(true), what)
    if average == "micro":
        return _area(true.ravel(), given.ravel(), np.repeat(weights, true.shape[1]))
    areas = np.array([_area(true[:, k], given[:, k], weights) for k in range(true.shape[1])], np.float64)
    if average == "none":
        return areas
    return float(areas.mean()) if len(areas) else float("nan")


def precision_recall(
    true: np.ndarray, scores: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (precision, recall) at each different score, from the highest to the lowest.

    Parameters
    ----------
    true : bool (N,)
    scores, weights : float (N,)
    """
    order = np.argsort(scores, kind="stable")[::-1]
    order = order[weights[order] > 0]
    ends = np.append(scores[order][1:] != scores[order][:-1], True)[: len(order)]
    found = np.cumsum(weights[order] * true[order])[ends]
    taken = np.cumsum(weights[order])[ends]
    every = found[-1] if len(found) else 0.0
    recall = found / every if every > 0 else np.ones(len(found))
    return np.divide(found, taken), recall


def _area(true: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    precision, recall = precision_recall(true, scores, weights)
    return float(np.dot(np.diff(recall, prepend=0.0), precision)) if len(recall) else 0.0


def subset_accuracy(targets: object, predictions: object, sample_weight: object = None) -> float:
    """Return the share of samples all of whose labels are right; NaN of none.

    Parameters
    ----------
    targets, predictions, sample_weight
        As for `multilabel_f1`, and so are errors.
    """
    true, predicted, weights = _checked(targets, predictions, sample_weight, "subset_accuracy")
    return mean((true == predicted).all(1).astype(np.float64), weights)
