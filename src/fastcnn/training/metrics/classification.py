"""Metrics of classification, from labels or from a confusion matrix.

A score whose denominator is 0 (a class that was never predicted has no precision, one that never occurs no
recall) is 0. Macro averages run over the classes that occur among the labels or the predictions: a class
that does neither says nothing about the classifier, and counting it as 0 would make the figure depend on
how many names were made up for it. scikit-learn's ``f1_score(average="macro")`` does the same.
"""

import numpy as np

from ..._shapes import integer
from ...errors import ArgumentError, DTypeError, ShapeError
from .weights import check_weights


def _labels(values: object, name: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ShapeError(f"{name} must have one dimension, got the shape {array.shape}")
    if array.size and array.dtype.kind not in "iu":
        raise DTypeError(f"{name} must be integers, got {array.dtype}")
    if array.size and array.min() < 0:
        raise ArgumentError(f"{name} must not be negative, got {array.min()}")
    return array.astype(np.int64)


def confusion_matrix(
    labels: object, predictions: object, num_classes: int | None = None, sample_weight: object = None
) -> np.ndarray:
    """Count how often each class was taken for each.

    Parameters
    ----------
    labels, predictions : array_like of int (N,)
        The true class and the predicted one.
    num_classes : int, optional
        K; default: one more than the largest class that occurs.
    sample_weight : array_like of float (N,), optional
        How much each sample counts.

    Returns
    -------
    int64 (K, K), float64 with weights
        Row: true class; column: predicted class.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If the arrays are no classes, differ in length, or a class is not below num_classes.
    """
    true, predicted = _labels(labels, "labels"), _labels(predictions, "predictions")
    if len(true) != len(predicted):
        raise ShapeError(f"confusion_matrix: {len(true)} labels but {len(predicted)} predictions")
    largest = int(max(true.max(initial=-1), predicted.max(initial=-1)))
    classes = largest + 1 if num_classes is None else integer(num_classes, "confusion_matrix: num_classes")
    if largest >= classes:
        raise ArgumentError(f"confusion_matrix: class {largest} is out of range for {classes} classes")
    places, weights = true * classes + predicted, None
    if sample_weight is not None:
        weights = check_weights(sample_weight, len(true), "confusion_matrix")
    return np.bincount(places, weights, minlength=classes**2).reshape(classes, classes)


def _check(confusion: object) -> np.ndarray:
    matrix = np.asarray(confusion)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ShapeError(f"confusion must have the shape (K, K), got {matrix.shape}")
    return matrix


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, and 0 where both are 0."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def accuracy(confusion: np.ndarray) -> float:
    """Return the share of samples on the diagonal; NaN if there is no sample."""
    matrix = _check(confusion)
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float("nan")


def precision(confusion: np.ndarray) -> np.ndarray:
    """Return, for each class, the share of its predictions that are right, float64 (K,)."""
    matrix = _check(confusion)
    return ratio(np.diagonal(matrix), matrix.sum(0))


def recall(confusion: np.ndarray) -> np.ndarray:
    """Return, for each class, the share of its samples that were found, float64 (K,)."""
    matrix = _check(confusion)
    return ratio(np.diagonal(matrix), matrix.sum(1))


def f1(confusion: np.ndarray) -> np.ndarray:
    """Return, for each class, the harmonic mean of precision and recall, float64 (K,).

    ``2 right / (predicted + true)``, which is 0 and not 0 / 0 for a class that is never found.
    """
    matrix = _check(confusion)
    return ratio(2 * np.diagonal(matrix), matrix.sum(0) + matrix.sum(1))


def macro(scores: np.ndarray, confusion: np.ndarray) -> float:
    """Return the mean of the classes' scores over those that occur; NaN if none does.

    Parameters
    ----------
    scores : array (K,)
        What `precision`, `recall` or `f1` returned.
    confusion : array (K, K)
    """
    matrix = _check(confusion)
    occurs = (matrix.sum(0) + matrix.sum(1)) > 0
    return float(np.asarray(scores)[occurs].mean()) if occurs.any() else float("nan")


def macro_f1(confusion: np.ndarray) -> float:
    """Return the unweighted mean F1 of the classes that occur."""
    return macro(f1(confusion), confusion)
