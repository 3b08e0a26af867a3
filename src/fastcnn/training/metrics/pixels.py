"""Metrics of classes of pixels, from a confusion matrix, which adds up over batches."""

from __future__ import annotations

import numpy as np

from ..._shapes import integer
from ...errors import ArgumentError, DTypeError, ShapeError
from .classification import _check, f1, macro, ratio
from .weights import check_weights


def pixel_confusion(
    masks: object,
    predictions: object,
    num_classes: int,
    ignore_index: int = -100,
    sample_weight: object = None,
) -> np.ndarray:
    """Count how often pixels of each class were taken for each.

    Parameters
    ----------
    masks, predictions : array_like of int (N, ...)
        The true class of each pixel, and the predicted one.
    num_classes : int
        K.
    ignore_index : int
        What stands in `masks` where a pixel does not count.
    sample_weight : array_like of float (N,), optional
        How much the pixels of each image count.

    Returns
    -------
    int64 (K, K), float64 with weights
        As from `confusion_matrix`, whose errors are raised, too.
    """
    what = "pixel_confusion"
    classes = integer(num_classes, f"{what}: num_classes", 1)
    true, predicted = np.asarray(masks), np.asarray(predictions)
    for array, name in ((true, "masks"), (predicted, "predictions")):
        if array.dtype.kind not in "iu":
            raise DTypeError(f"{what}: {name} must be integers, got {array.dtype}")
    if true.shape != predicted.shape or true.ndim == 0:
        raise ShapeError(f"{what}: masks have the shape {true.shape}, but predictions {predicted.shape}")
    counted = true != ignore_index
    pairs = [array[counted].astype(np.int64) for array in (true, predicted)]
    for array, name in zip(pairs, ("masks", "predictions"), strict=True):
        if array.size and (array.min() < 0 or array.max() >= classes):
            wrong = array[(array < 0) | (array >= classes)][0]
            raise ArgumentError(f"{what}: {name} must be from 0 to {classes - 1}, got {wrong}")
    weights = None
    if sample_weight is not None:
        each = check_weights(sample_weight, len(true), what)
        weights = np.broadcast_to(each.reshape(-1, *[1] * (true.ndim - 1)), true.shape)[counted]
    places = pairs[0] * classes + pairs[1]
    return np.bincount(places, weights, minlength=classes**2).reshape(classes, classes)


def iou(confusion: np.ndarray) -> np.ndarray:
    """Return, for each class, the share of intersection in union, float64 (K,).

    ``TP / (TP + FP + FN)``, also called the Jaccard index; 0 for a class that does not occur.
    """
    matrix = _check(confusion)
    right = np.diagonal(matrix)
    return ratio(right, matrix.sum(0) + matrix.sum(1) - right)


def dice(confusion: np.ndarray) -> np.ndarray:
    """Return, for each class, the Dice coefficient ``2 TP / (2 TP + FP + FN)``, float64 (K,).

    It is the F1 score of the pixels.
    """
    return f1(confusion)


def mean_iou(confusion: np.ndarray) -> float:
    """Return the mean of `iou` over the classes that occur, true or predicted; NaN if none does."""
    return macro(iou(confusion), confusion)


def mean_dice(confusion: np.ndarray) -> float:
    """Return the mean of `dice` over the classes that occur, true or predicted; NaN if none does."""
    return macro(dice(confusion), confusion)
