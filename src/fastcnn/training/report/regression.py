"""The picture of real targets: what was predicted against what is true, and by how much it is off."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ShapeError
from .. import metrics
from .figure import GREY, TRAIN, WRONG, finished, new_figure, plain_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More points than these are a blot, and take long to draw: every so many is left out.
_MOST = 5000


def plot_regression(
    targets: np.ndarray, predictions: np.ndarray, path: str | PathLike[str] | None = None
) -> Figure:
    """Draw predicted values against true ones, with the diagonal on which all would be right, and residuals.

    A residual is the prediction less the target. Of more than 5,000 values those in even steps are drawn; the
    figures in the titles are those of all.

    Parameters
    ----------
    targets, predictions : float array (N,) or (N, ...)
        Of as many values; a model's (N, 1) fits numbers (N,).
    path : str or path, optional
        Where to write the picture, PNG.

    Raises
    ------
    ShapeError
        If they do not fit each other, or there is nothing to draw.
    """
    true, predicted = np.asarray(targets), np.asarray(predictions)
    if true.size != predicted.size or len(true) != len(predicted) or not true.size:
        raise ShapeError(
            f"plot_regression: expected targets and predictions of as many values, got {true.shape} and "
            f"{predicted.shape}"
        )
    predicted = predicted.reshape(true.shape)
    error = metrics.mean_absolute_error(true, predicted)
    fit = metrics.r2_score(true, predicted)
    step = -(-true.size // _MOST)
    xs, ys = (each.ravel()[::step].astype(np.float64) for each in (true, predicted))
    figure = new_figure(10, 4.6)
    left, right = figure.subplots(1, 2)
    plain_axes(left).scatter(xs, ys, s=9, alpha=0.5, color=TRAIN, linewidths=0)
    known = np.concatenate([xs, ys])
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    left.plot([low, high], [low, high], color=GREY, linewidth=1, linestyle="--")
    left.set_xlabel("true")
    left.set_ylabel("predicted")
    left.set_title(f"R2 {fit:.4f}", fontsize=10, color=GREY, loc="left")
    residuals = ys - xs
    plain_axes(right).hist(residuals[np.isfinite(residuals)], bins=40, color=TRAIN)
    right.axvline(0, color=WRONG, linewidth=1)
    right.locator_params(axis="x", nbins=7)  # more of them run into each other
    right.set_xlabel("residual: predicted - true")
    right.set_ylabel("values")
    right.set_title(f"mean absolute error {error:.4g}", fontsize=10, color=GREY, loc="left")
    return finished(figure, path)
