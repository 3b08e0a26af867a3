"""The curves of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ArgumentError
from ..tasks import main_of, words_of
from .drawn import Epochs
from .figure import GREY, TRAIN, VALIDATION, finished, new_figure, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_curves(history: Epochs, path: str | PathLike[str] | None = None) -> Figure:
    """Draw loss and accuracy over the epochs, of training and, where there is one, validation.

    In the place of the accuracy stands the main metric of another task, if there is one in the columns. What
    `SampledAccuracy` measured within epochs is drawn with them.

    Parameters
    ----------
    history : History
        At least one epoch.
    path : str or path, optional
        Where to write the picture, PNG.

    Raises
    ------
    ArgumentError
        If there is no epoch.
    ImportError
        If matplotlib is not installed.
    """
    if not len(history):
        raise ArgumentError("plot_curves: the history has no epoch")
    figure = new_figure(10, 4)
    main = main_of(history.columns)
    names = ["loss", main] if main else ["loss"]
    every = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(every, names, strict=True):
        _draw_metric(axes, history, name)
    return finished(figure, path)


def _draw_metric(axes: Axes, history: Epochs, name: str) -> None:
    """Draw a metric, on an axis that shows its end."""
    percent = name == "accuracy"
    drawn = _draw_columns(axes, history, name, 100.0 if percent else 1.0)
    # What falls tenfold shows its end on a logarithmic axis only; so does the error of a good classifier.
    if name in ("loss", "mae") and drawn and 0 < min(drawn) * 10 < max(drawn):
        axes.set_yscale("log")
        _set_ticks(axes, [digit * 10.0**power for power in range(-8, 4) for digit in (1, 2, 5)])
    if percent and drawn and max(drawn) > 95:
        axes.set_yscale("function", functions=(_from_accuracy, _to_accuracy))
        _set_ticks(axes, [0, 50, 70, 80, 90, 95, 97, 98, 99, 99.5, 99.8, 99.9, 100])


def _from_accuracy(accuracy: np.ndarray) -> np.ndarray:
    """Map an accuracy in percent to the logarithm of the error, which it keeps from 0."""
    return -np.log10(np.maximum(100 - np.asarray(accuracy), 0) + 0.05)


def _to_accuracy(place: np.ndarray) -> np.ndarray:
    return 100.05 - 10 ** -np.asarray(place)


def _set_ticks(axes: Axes, candidates: Sequence[float]) -> None:
    low, high = axes.get_ylim()
    ticks = [value for value in candidates if low <= value <= high]
    axes.set_yticks(ticks, [f"{value:g}" for value in ticks])
    axes.minorticks_off()


def _draw_columns(axes: Axes, history: Epochs, name: str, scale: float) -> list[float]:
    """Draw a metric of training and validation; return its finite values."""
    plain_axes(axes).set_xlabel("epoch")
    axes.set_ylabel("accuracy (%)" if name == "accuracy" else words_of(name))
    epochs, drawn = history["epoch"], []
    for column, label, colour in ((name, "training", TRAIN), (f"val_{name}", "validation", VALIDATION)):
        if column in history.columns:
            values = [scale * value for value in history[column]]
            axes.plot(epochs, values, marker="o", markersize=3.5, linewidth=1.6, color=colour, label=label)
            drawn += [value for value in values if math.isfinite(value)]
    if history.steps and name in history.steps[0]:
        places = [point["epoch"] for point in history.steps]
        values = [scale * point[name] for point in history.steps]
        within = "training, within epochs" if name == "loss" else "sample of training images"
        axes.plot(places, values, linewidth=0.9, color=TRAIN, alpha=0.55, zorder=1, label=within)
        drawn += [value for value in values if math.isfinite(value)]
    axes.legend(frameon=False)
    # Measured within epochs: the first of them begins at 0.
    axes.set_xlim(0 if history.steps else epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    _mark_best(axes, history, f"val_{name}" if f"val_{name}" in history.columns else name, scale)
    return drawn


def _mark_best(axes: Axes, history: Epochs, column: str, scale: float) -> None:
    if all(math.isnan(value) for value in history[column]):
        return
    best = history.best(column)
    value = scale * best[column]
    axes.plot(best["epoch"], value, marker="o", markersize=10, color="none", markeredgecolor=GREY)
    figures = f"{value:.2f}%" if scale == 100 else f"{value:.4g}"
    kind = "validation" if column.startswith("val_") else "training"
    name = words_of(column.removeprefix("val_"))
    axes.set_title(
        f"best {kind} {name} {figures}, epoch {best['epoch']}", fontsize=10, color=GREY, loc="left"
    )
