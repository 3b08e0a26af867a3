"""Curves as text, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

import numpy as np

from ..._shapes import integer
from ...errors import ArgumentError
from .charts import Numbers, charts_of, finite, limits, tick_label
from .drawn import Epochs

# Marks of the series, then the axes: upright with a tick, upright, corner, level.
_UNICODE = ("•○◇", ("┤", "│", "└", "─"))
_ASCII = ("*ox", ("+", "|", "+", "-"))
# From so many columns on, two charts stand side by side.
_WIDE = 100
_GAP = 4


def text_chart(
    series: Mapping[str, tuple[Numbers, Numbers]],
    title: str = "",
    width: int = 80,
    height: int = 10,
    *,
    x_label: str = "",
    log_x: bool = False,
    log_y: bool = False,
    unicode: bool = True,
) -> str:
    """Draw curves with characters.

    Parameters
    ----------
    series : mapping of label to (xs, ys)
        At most three; xs rise. A later curve covers an earlier one. Points that are not finite are left out.
    title, x_label : str
    width, height : int
        Columns of the whole, at least 20, and rows of the curves, at least 2.
    log_x, log_y : bool
        Whether an axis is logarithmic; what is not above 0 is left out.
    unicode : bool
        Whether to use characters beyond ASCII.

    Returns
    -------
    str
        Lines of at most `width` characters, without trailing spaces.

    Raises
    ------
    ArgumentError
        If there is no finite point, or more than three series.
    """
    width, height = integer(width, "text_chart: width", 20), integer(height, "text_chart: height", 2)
    marks, (tick, upright, corner, level) = _UNICODE if unicode else _ASCII
    if len(series) > len(marks):
        raise ArgumentError(f"text_chart: at most {len(marks)} series, got {len(series)}")
    curves = {label: finite(*points, log_x, log_y) for label, points in series.items()}
    curves = {label: points for label, points in curves.items() if len(points[0])}
    if not curves:
        raise ArgumentError("text_chart: there is no finite point")
    x_low, x_high = limits([xs for xs, _ in curves.values()])
    low, high = limits([ys for _, ys in curves.values()])
    labels = [tick_label(10**y if log_y else y) for y in (high, low)]
    margin = max(map(len, labels))
    columns = width - margin - 2
    cells = np.full((height, columns), " ")
    for mark, (xs, ys) in zip(marks, curves.values(), strict=False):
        _draw(cells, mark, (xs - x_low) / ((x_high - x_low) or 1), (high - ys) / ((high - low) or 1))
    lines = [f"{'':{margin}}  {title}"] if title else []
    for number, row in enumerate(cells):
        label = labels[0] if number == 0 else labels[1] if number == height - 1 else ""
        lines.append(f"{label:>{margin}} {tick if label else upright}{''.join(row)}")
    lines.append(f"{'':{margin}} {corner}{level * columns}")
    left, right = (tick_label(10**x if log_x else x) for x in (x_low, x_high))
    foot = f"{left}{x_label:^{max(columns - len(left) - len(right), 0)}}{right}"
    lines.append(f"{'':{margin}}  {foot}")
    if len(curves) > 1 or "" not in curves:
        legend = "  ".join(f"{mark} {label}" for mark, label in zip(marks, curves, strict=False))
        lines.append(f"{'':{margin}}  {legend}")
    return "\n".join(line[:width].rstrip() for line in lines)


def _draw(cells: np.ndarray, mark: str, xs: np.ndarray, ys: np.ndarray) -> None:
    """Draw one curve; xs run from 0 (left) to 1, ys from 0 (top) to 1."""
    height, columns = cells.shape
    first, last = (round(x * (columns - 1)) for x in (xs[0], xs[-1]))
    before = None
    for column in range(first, last + 1):
        place = float(np.interp(column / max(columns - 1, 1), xs, ys))
        row = round(place * (height - 1))
        # A steep part goes through the rows in between.
        start = row if before is None else before + (row > before) - (row < before)
        cells[min(start, row) : max(start, row) + 1, column] = mark
        before = row


def text_curves(history: Epochs, width: int = 80, height: int = 10, *, unicode: bool = True) -> str:
    """Draw loss and accuracy over the epochs, of training and, where there is one, validation, as text.

    In the place of the accuracy stands the main metric of another task.

    Parameters
    ----------
    history : History
        At least one epoch.
    width : int
        Columns of the terminal, at least 40; from 100 on, loss and accuracy stand side by side.
    height : int
        Rows of the curves.
    unicode : bool
        Whether to use characters beyond ASCII.

    Raises
    ------
    ArgumentError
        If there is no epoch.
    """
    if not len(history):
        raise ArgumentError("text_curves: the history has no epoch")
    width = integer(width, "text_curves: width", 40)
    beside = width >= _WIDE
    share = (width - _GAP) // 2 if beside else width
    charts = [
        text_chart(each.series, each.title, share, height, x_label="epoch", log_y=each.log_y, unicode=unicode)
        for each in charts_of(history)
    ]
    if not beside:
        return "\n\n".join(charts)
    rows = zip_longest(*(chart.split("\n") for chart in charts), fillvalue="")
    return "\n".join((" " * _GAP).join(f"{line:<{share}}" for line in row).rstrip() for row in rows)
