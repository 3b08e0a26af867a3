"""The picture of a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from .. import metrics
from .figure import GREY, class_names, finished, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Above so many classes the numbers in the cells of a confusion matrix are left out, and names are rare.
MOST_NUMBERS = 25


def plot_confusion(
    confusion: np.ndarray, classes: Sequence[str] | None = None, path: str | PathLike[str] | None = None
) -> Figure:
    """Draw a confusion matrix: how often each class was taken for each.

    What is right is green by the share of its row; what is wrong is red on a scale of its own, without
    which the mistakes of a good classifier could not be seen.

    Parameters
    ----------
    confusion : array (K, K)
        Row: true class; column: predicted class.
    classes : sequence of K str, optional
        Their names. Default: their numbers.
    path : str or path, optional
        Where to write the picture, PNG.
    """
    matrix = np.asarray(confusion)
    title = said_of(matrix)
    count = len(matrix)
    names = class_names(classes, count)
    shares, highest = shares_of(matrix)
    diagonal = np.eye(count, dtype=bool)
    # The label column takes room beside the square.
    longest = max((len(name) for name in names), default=1)
    side = min(3.2 + 0.42 * count, 14)
    figure = new_figure(side + 0.06 * longest, side + 0.35)
    axes = figure.subplots()
    axes.imshow(np.ma.masked_array(shares, ~diagonal), cmap="Greens", vmin=0, vmax=1.15)
    axes.imshow(np.ma.masked_array(shares, diagonal | (matrix == 0)), cmap="Reds", vmin=0, vmax=1.6 * highest)
    if count <= MOST_NUMBERS:
        for (row, column), number in np.ndenumerate(matrix):
            if number:
                light = row == column and shares[row, column] > 0.6
                colour = "white" if light else "#222222"
                axes.text(column, row, str(number), ha="center", va="center", fontsize=8, color=colour)
    step = max(1, count // MOST_NUMBERS)
    turned = 90 if longest > 3 else 0
    axes.set_xticks(range(0, count, step), names[::step], rotation=turned, parse_math=False)
    axes.set_yticks(range(0, count, step), names[::step], parse_math=False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_color("#bbbbbb")
    axes.set_title(title, fontsize=10, color=GREY)
    return finished(figure, path)


def said_of(matrix: np.ndarray) -> str:
    """Return how many are right and wrong.

    Raises
    ------
    ShapeError
        If it is no matrix (K, K).
    """
    share = metrics.accuracy(matrix)
    total, right = int(matrix.sum()), int(np.trace(matrix))
    return f"{right:,} of {total:,} right ({share:.2%}), {total - right:,} wrong"


def shares_of(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Return each number as a share of its row, and the highest share of what is wrong, which is above 0."""
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    wrong = ~np.eye(len(matrix), dtype=bool)
    return shares, max(float(shares[wrong].max(initial=0)), 1e-9)
