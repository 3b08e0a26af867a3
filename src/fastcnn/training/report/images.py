"""Grids of images with their true and predicted classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from ... import _samples
from ..._pixels import drawable
from ..._samples import Samples
from ..._shapes import integer
from ...errors import ShapeError
from .figure import GREY, RIGHT, WRONG, class_names, finished, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEGEND = "grey: true class; green or red: what the model took it for, and how sure it was"


def plot_predictions(
    images: Samples,
    labels: np.ndarray,
    logits: np.ndarray,
    classes: Sequence[str] | None = None,
    path: str | PathLike[str] | None = None,
    rows: int = 4,
    columns: int = 8,
) -> Figure:
    """Draw the first images with their true and predicted classes, whether right or wrong.

    Parameters
    ----------
    images : array (N, C, H, W), or tuple of arrays for several inputs
        uint8, or float in any range; 1 channel is drawn grey, 3 are drawn as colour. Of several inputs the
        first that are images are drawn, and the title says which.
    labels : int array (N,)
        True classes.
    logits : array (N, K)
        Output of the model: logits, log-probabilities or probabilities.
    classes : sequence of K str, optional
        Their names. Default: their numbers.
    path : str or path, optional
        Where to write the picture, PNG.
    rows, columns : int
        The most that are drawn.
    """
    shown, note = shown_of(images, "plot_predictions")
    most = _check_grid(shown, labels, logits, rows, columns, "plot_predictions")
    chosen = np.arange(min(len(shown), most))
    right = int((logits[chosen].argmax(1) == labels[chosen]).sum())
    title = f"{len(chosen)} images{note}, {right} of them right\n{_LEGEND}"
    return finished(_grid(shown, labels, logits, classes, chosen, columns, title), path)


def plot_mistakes(
    images: Samples,
    labels: np.ndarray,
    logits: np.ndarray,
    classes: Sequence[str] | None = None,
    path: str | PathLike[str] | None = None,
    rows: int = 4,
    columns: int = 8,
) -> Figure:
    """Draw the images that were classified wrongly with the most confidence, the worst first.

    Parameters
    ----------
    images, labels, logits, classes, path, rows, columns
        As for `plot_predictions`.
    """
    shown, note = shown_of(images, "plot_mistakes")
    most = _check_grid(shown, labels, logits, rows, columns, "plot_mistakes")
    sure = probabilities(logits).max(1)
    wrong = np.flatnonzero(logits.argmax(1) != labels)
    chosen = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    if not len(chosen):
        figure = new_figure(6, 1)
        figure.text(0.5, 0.5, f"no mistakes in {len(labels):,} images", ha="center", va="center", color=GREY)
        return finished(figure, path)
    surest = f"; the {len(chosen)} that the model was most sure of" if len(wrong) > len(chosen) else ""
    title = f"{len(wrong):,} of {len(labels):,} images{note} are wrong{surest}\n{_LEGEND}"
    return finished(_grid(shown, labels, logits, classes, chosen, columns, title), path)


def shown_of(images: Samples, what: str) -> tuple[np.ndarray, str]:
    """Return the images that are drawn, of several inputs the first, and what a title says of that.

    Raises
    ------
    ShapeError
        If none of several inputs are images.
    """
    if not isinstance(images, tuple):
        return images, ""
    places = _samples.images(images)
    if not places:
        raise ShapeError(
            f"{what}: expected images (N, C, H, W) among the inputs, got {_samples.shapes(images)}"
        )
    return images[places[0]], f" (input {places[0] + 1} of {len(images)})"


def _check_grid(
    images: np.ndarray, labels: np.ndarray, logits: np.ndarray, rows: int, columns: int, what: str
) -> int:
    """Check the arguments of a grid; return how many images it has room for."""
    if images.ndim != 4 or len(images) != len(labels) or len(images) != len(logits) or logits.ndim != 2:
        raise ShapeError(
            f"{what}: expected images (N, C, H, W), labels (N,) and logits (N, K), got "
            f"{images.shape}, {np.shape(labels)} and {logits.shape}"
        )
    return integer(rows, f"{what}: rows", 1) * integer(columns, f"{what}: columns", 1)


def _grid(
    images: np.ndarray,
    labels: np.ndarray,
    logits: np.ndarray,
    classes: Sequence[str] | None,
    chosen: np.ndarray,
    columns: int,
    title: str,
) -> Figure:
    """Draw the chosen images with true class, predicted class and its probability."""
    names = class_names(classes, logits.shape[1])
    predicted, sure = logits.argmax(1), probabilities(logits).max(1)
    rows = max(math.ceil(len(chosen) / columns), 1)
    height = 1.55 * rows + 0.55
    # All sizes are known: no layout has to be searched for, which would take most of the time.
    figure = new_figure(1.25 * columns, height, None)
    figure.subplots_adjust(0.005, 0.05 / height, 0.995, 1 - 0.9 / height, wspace=0.06, hspace=0.34)
    figure.suptitle(title, fontsize=10, color=GREY, y=1 - 0.08 / height)
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, index in zip(cells, chosen, strict=False):
        axes.imshow(drawable(images[index]), cmap="gray", interpolation="nearest")
        truth, guess, share = names[labels[index]], names[predicted[index]], sure[index]
        # Two lines, so that long names of classes fit; the second is text of its own for its colour.
        axes.set_title(truth, fontsize=9, color=GREY, pad=12, parse_math=False)
        colour = RIGHT if predicted[index] == labels[index] else WRONG
        said = f"{guess}  {share:.0%}" if share < 0.995 else f"{guess}  {share:.2%}"
        place = {"x": 0.5, "y": 1.03, "transform": axes.transAxes, "ha": "center"}
        axes.text(**place, s=said, fontsize=8, color=colour, parse_math=False)
    return figure


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the softmax of each row, or the rows themselves if they are probabilities already."""
    values = np.asarray(logits, np.float64)
    if values.size and (values >= 0).all() and np.allclose(values.sum(1), 1, atol=1e-4):
        return values
    powers = np.exp(values - values.max(1, keepdims=True, initial=-np.inf))
    return powers / powers.sum(1, keepdims=True)
