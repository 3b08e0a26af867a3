"""Pictures of a training: curves, confusion matrix, mistakes.

Each function returns a matplotlib Figure, which needs neither a display nor pyplot, and writes it as a PNG
if it is given a path. matplotlib is imported here, when a picture is drawn, and nowhere else.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from .._shapes import integer
from ..errors import ArgumentError, ShapeError
from . import metrics
from .files import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .history import History

_TRAIN, _VALIDATION, _RIGHT, _WRONG, _GREY = "#4c78a8", "#e4572e", "#2f6f3e", "#b3261e", "#666666"
_DPI = 150
# Above so many classes the numbers in the cells of a confusion matrix are left out, and names are rare.
_MOST_NUMBERS = 25


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "fastcnn[plots]"') from error
    return Figure(figsize=(width, height), layout="constrained")


def _finished(figure: Figure, path: str | PathLike[str] | None) -> Figure:
    if path is not None:
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=_DPI)
        write_atomic(path, picture.getvalue())
    return figure


def plot_curves(history: History, path: str | PathLike[str] | None = None) -> Figure:
    """Draw loss and accuracy over the epochs, of training and, where there is one, validation.

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
    loss_axes, accuracy_axes = figure.subplots(1, 2)
    losses = _draw_columns(loss_axes, history, "loss", 1.0)
    accuracies = _draw_columns(accuracy_axes, history, "accuracy", 100.0)
    # What falls tenfold shows its end on a logarithmic axis only; so does the error of a good classifier.
    if losses and 0 < min(losses) * 10 < max(losses):
        loss_axes.set_yscale("log")
        _set_ticks(loss_axes, [digit * 10.0**power for power in range(-8, 4) for digit in (1, 2, 5)])
    if accuracies and max(accuracies) > 95:
        accuracy_axes.set_yscale("function", functions=(_from_accuracy, _to_accuracy))
        _set_ticks(accuracy_axes, [0, 50, 70, 80, 90, 95, 97, 98, 99, 99.5, 99.8, 99.9, 100])
    return _finished(figure, path)


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


def _draw_columns(axes: Axes, history: History, name: str, scale: float) -> list[float]:
    """Draw a metric of training and validation; return its finite values."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("epoch")
    axes.set_ylabel("accuracy (%)" if name == "accuracy" else name)
    epochs, drawn = history["epoch"], []
    for column, label, colour in ((name, "training", _TRAIN), (f"val_{name}", "validation", _VALIDATION)):
        if column in history.columns:
            values = [scale * value for value in history[column]]
            axes.plot(epochs, values, marker="o", markersize=3.5, linewidth=1.6, color=colour, label=label)
            drawn += [value for value in values if math.isfinite(value)]
    axes.legend(frameon=False)
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    _mark_best(axes, history, f"val_{name}" if f"val_{name}" in history.columns else name, scale)
    return drawn


def _mark_best(axes: Axes, history: History, column: str, scale: float) -> None:
    if all(math.isnan(value) for value in history[column]):
        return
    best = history.best(column)
    value = scale * best[column]
    axes.plot(best["epoch"], value, marker="o", markersize=10, color="none", markeredgecolor=_GREY)
    figures = f"{value:.2f}%" if scale == 100 else f"{value:.4g}"
    kind = "validation" if column.startswith("val_") else "training"
    name = column.removeprefix("val_")
    axes.set_title(
        f"best {kind} {name} {figures}, epoch {best['epoch']}", fontsize=10, color=_GREY, loc="left"
    )


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
    right_share = metrics.accuracy(matrix)
    count = len(matrix)
    names = _names(classes, count)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    diagonal = np.eye(count, dtype=bool)
    # The label column takes room beside the square.
    longest = max((len(name) for name in names), default=1)
    side = min(3.2 + 0.42 * count, 14)
    figure = new_figure(side + 0.06 * longest, side + 0.35)
    axes = figure.subplots()
    axes.imshow(np.ma.masked_array(shares, ~diagonal), cmap="Greens", vmin=0, vmax=1.15)
    highest = max(shares[~diagonal].max(initial=0), 1e-9)
    axes.imshow(np.ma.masked_array(shares, diagonal | (matrix == 0)), cmap="Reds", vmin=0, vmax=1.6 * highest)
    if count <= _MOST_NUMBERS:
        for (row, column), number in np.ndenumerate(matrix):
            if number:
                light = row == column and shares[row, column] > 0.6
                colour = "white" if light else "#222222"
                axes.text(column, row, str(number), ha="center", va="center", fontsize=8, color=colour)
    step = max(1, count // _MOST_NUMBERS)
    turned = 90 if longest > 3 else 0
    axes.set_xticks(range(0, count, step), names[::step], rotation=turned, parse_math=False)
    axes.set_yticks(range(0, count, step), names[::step], parse_math=False)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_color("#bbbbbb")
    total, right = int(matrix.sum()), int(np.trace(matrix))
    title = f"{right:,} of {total:,} right ({right_share:.2%}), {total - right:,} wrong"
    axes.set_title(title, fontsize=10, color=_GREY)
    return _finished(figure, path)


def plot_mistakes(
    images: np.ndarray,
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
    images : array (N, C, H, W)
        uint8, or float in any range; 1 channel is drawn grey, 3 are drawn as colour.
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
    if images.ndim != 4 or len(images) != len(labels) or len(images) != len(logits) or logits.ndim != 2:
        raise ShapeError(
            f"plot_mistakes: expected images (N, C, H, W), labels (N,) and logits (N, K), got "
            f"{images.shape}, {np.shape(labels)} and {logits.shape}"
        )
    rows = integer(rows, "plot_mistakes: rows", 1)
    columns = integer(columns, "plot_mistakes: columns", 1)
    names = _names(classes, logits.shape[1])
    predicted, sure = logits.argmax(1), probabilities(logits).max(1)
    wrong = np.flatnonzero(predicted != labels)
    chosen = wrong[np.argsort(-sure[wrong], kind="stable")][: rows * columns]
    if not len(chosen):
        figure = new_figure(6, 1)
        figure.text(0.5, 0.5, f"no mistakes in {len(labels):,} images", ha="center", va="center", color=_GREY)
        return _finished(figure, path)
    rows = math.ceil(len(chosen) / columns)
    figure = new_figure(1.25 * columns, 1.55 * rows + 0.55)
    shown = f"; the {len(chosen)} that the model was most sure of" if len(wrong) > len(chosen) else ""
    figure.suptitle(
        f"{len(wrong):,} of {len(labels):,} images are wrong{shown}\n"
        "green: true class; red: what the model took it for, and how sure it was",
        fontsize=10,
        color=_GREY,
    )
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, index in zip(grid, chosen, strict=False):
        axes.imshow(_drawable(images[index]), cmap="gray", interpolation="nearest")
        truth, guess, share = names[labels[index]], names[predicted[index]], sure[index]
        # Two lines, so that long names of classes fit; the second is text of its own for its colour.
        axes.set_title(truth, fontsize=9, color=_RIGHT, pad=12, parse_math=False)
        said = f"{guess}  {share:.0%}" if share < 0.995 else f"{guess}  {share:.2%}"
        place = {"x": 0.5, "y": 1.03, "transform": axes.transAxes, "ha": "center"}
        axes.text(**place, s=said, fontsize=8, color=_WRONG, parse_math=False)
    return _finished(figure, path)


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the softmax of each row, or the rows themselves if they are probabilities already."""
    values = np.asarray(logits, np.float64)
    if values.size and (values >= 0).all() and np.allclose(values.sum(1), 1, atol=1e-4):
        return values
    powers = np.exp(values - values.max(1, keepdims=True, initial=-np.inf))
    return powers / powers.sum(1, keepdims=True)


def _names(classes: Sequence[str] | None, count: int) -> list[str]:
    if classes is None:
        return [str(number) for number in range(count)]
    if len(classes) < count:
        raise ArgumentError(f"classes has {len(classes)} names for {count} classes")
    return list(classes[:count])


def _drawable(image: np.ndarray) -> Any:
    """Return an image (C, H, W) as matplotlib wants it: (H, W) or (H, W, 3), from 0 to 1."""
    values = image.astype(np.float64)
    low, high = (0.0, 255.0) if image.dtype == np.uint8 else (values.min(), values.max())
    values = (values - low) / max(high - low, 1e-12)
    return np.moveaxis(values, 0, 2) if len(values) == 3 else values[0]
