"""Metrics of classes, several labels, pixels and real numbers, with scikit-learn's definitions.

The first argument is what is true, the second what was predicted; `sample_weight` says how much each sample
counts. A score whose denominator is 0 is 0.
"""

from .classification import accuracy, confusion_matrix, f1, macro, macro_f1, precision, recall
from .multilabel import average_precision, multilabel_f1, subset_accuracy
from .pixels import dice, iou, mean_dice, mean_iou, pixel_confusion
from .regression import mean_absolute_error, mean_squared_error, r2_score

__all__ = [
    "accuracy",
    "average_precision",
    "confusion_matrix",
    "dice",
    "f1",
    "iou",
    "macro",
    "macro_f1",
    "mean_absolute_error",
    "mean_dice",
    "mean_iou",
    "mean_squared_error",
    "multilabel_f1",
    "pixel_confusion",
    "precision",
    "r2_score",
    "recall",
    "subset_accuracy",
]
