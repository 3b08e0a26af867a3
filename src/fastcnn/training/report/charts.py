"""What the charts of a training show, whichever way they are drawn: series, scales, labels of axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..tasks import main_of, words_of
from .drawn import Epochs

Numbers = Sequence[float] | np.ndarray


class Chart(NamedTuple):
    """Curves over the epochs on one pair of axes.

    Attributes
    ----------
    title : str
    series : mapping of label to (xs, ys)
        "training" and "validation", as far as they have a number.
    log_y : bool
        Whether the upright axis is logarithmic.
    """

    title: str
    series: Mapping[str, tuple[Numbers, Numbers]]
    log_y: bool


def charts_of(history: Epochs) -> list[Chart]:
    """Return the chart of the loss, and that of the main metric of the task if a column has it."""
    main = main_of(history.columns)
    accuracy = (main, 100.0, "accuracy (%)") if main == "accuracy" else (main, 1.0, words_of(main))
    charts = []
    for name, scale, title in [("loss", 1.0, "loss"), accuracy] if main else [("loss", 1.0, "loss")]:
        series = {}
        for column, label in ((name, "training"), (f"val_{name}", "validation")):
            if column in history.columns and any(math.isfinite(value) for value in history[column]):
                series[label] = history["epoch"], [scale * value for value in history[column]]
        if series:
            drawn = [value for _, values in series.values() for value in values if math.isfinite(value)]
            # As in the picture: what falls tenfold shows its end on a logarithmic axis only.
            charts.append(Chart(title, series, name == "loss" and 0 < 10 * min(drawn) < max(drawn)))
    return charts


def finite(xs: Numbers, ys: Numbers, log_x: bool, log_y: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the points that are finite, logarithms where an axis is logarithmic."""
    x, y = np.asarray(xs, np.float64), np.asarray(ys, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = np.log10(x) if log_x else x, np.log10(y) if log_y else y
    known = np.isfinite(x) & np.isfinite(y)
    return x[known], y[known]


def limits(values: list[np.ndarray]) -> tuple[float, float]:
    """Return the smallest and the largest of all values."""
    return min(float(each.min()) for each in values), max(float(each.max()) for each in values)


def tick_label(value: float) -> str:
    """Return the number at an end of an axis."""
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e5 else f"{value:.3g}"
