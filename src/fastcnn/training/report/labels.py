"""The picture of several labels: precision over recall, and the F1 score of each."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ShapeError
from .. import metrics
from ..metrics.multilabel import precision_recall
from .figure import GREY, TRAIN, class_names, finished, new_figure, plain_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# So many curves can be told from each other: those of the labels with the lowest areas.
_MOST_CURVES = 10


def plot_labels(
    targets: np.ndarray,
    scores: np.ndarray,
    classes: Sequence[str] | None = None,
    path: str | PathLike[str] | None = None,
    threshold: float = 0.0,
) -> Figure:
    """Draw precision over recall, and the F1 score of each label.

    Of more than ten labels the curves are those of the ten with the lowest average precision.

    Parameters
    ----------
    targets : bool array (N, K)
    scores : float array (N, K)
        Logits or probabilities.
    classes : sequence of K str, optional
        Names of the labels. Default: their numbers.
    path : str or path, optional
        Where to write the picture, PNG.
    threshold : float
        Above which score a label is predicted: 0 of logits, 0.5 of probabilities.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If the arrays do not fit each other, or there is nothing to draw.
    """
    true, given = np.asarray(targets), np.asarray(scores)
    areas = np.asarray(metrics.average_precision(true, given, "none"))
    if not true.size:
        raise ShapeError(f"plot_labels: there is nothing to draw, got {true.shape}")
    names = class_names(classes, true.shape[1])
    heights = np.asarray(metrics.multilabel_f1(true, given > threshold, "none"))
    count = len(names)
    figure = new_figure(10, max(4.0, 0.22 * count + 1))
    left, right = figure.subplots(1, 2)
    plain_axes(left)
    for k in np.argsort(areas, kind="stable")[:_MOST_CURVES]:
        precision, recall = precision_recall(true[:, k].astype(bool), given[:, k], np.ones(len(true)))
        left.step(recall, precision, where="pre", linewidth=1.3, label=f"{names[k]} ({areas[k]:.3f})")
    left.set_xlim(0, 1.02)
    left.set_ylim(0, 1.02)
    left.set_xlabel("recall")
    left.set_ylabel("precision")
    for text in left.legend(frameon=False, fontsize=8).get_texts():
        text.set_parse_math(False)
    left.set_title(f"mean average precision {areas.mean():.4f}", fontsize=10, color=GREY, loc="left")
    plain_axes(right).barh(range(count), heights, color=TRAIN)
    right.set_yticks(range(count), names, parse_math=False)
    right.invert_yaxis()
    right.set_xlim(0, 1)
    right.set_xlabel("F1")
    right.set_title(f"macro F1 {heights.mean():.4f}", fontsize=10, color=GREY, loc="left")
    return finished(figure, path)
