"""A training in a notebook: its curves as SVG and its epochs as a table, which need no other package."""

from __future__ import annotations

from html import escape
from itertools import pairwise

import numpy as np

from ..._html import few, output, paragraph, side_by_side, table
from ..tasks import digits, main_of, words_of
from .charts import Chart, charts_of, finite, limits, tick_label
from .drawn import Epochs
from .figure import TRAIN, VALIDATION

_COLOURS = {"training": TRAIN, "validation": VALIDATION}
# Pixels of a chart, and those around its curves.
_WIDTH, _HEIGHT = 380, 200
_LEFT, _RIGHT, _TOP, _FOOT = 48, 16, 24, 34
# A curve has at most two points for each of so many pieces, and dots while they can be told apart.
_PIECES, _MOST_DOTS = 150, 40
# Epochs in the table of a notebook.
_MOST_ROWS = 20


def html_history(history: Epochs, notes: str = "") -> str:
    """Return the curves of loss and main metric, and a table of the epochs: of many the first and the last.

    Parameters
    ----------
    history : History
    notes : str
        What is said beside the number of epochs.
    """
    count = len(history)
    said = paragraph(f"{count:,} epoch{'s' * (count != 1)}{f'; {notes}' if notes else ''}")
    if not count:
        return output(said)
    charts = side_by_side(map(svg_chart, charts_of(history)))
    return output(said, charts, epochs_table(history, _best(history), _MOST_ROWS))


def _best(history: Epochs) -> float | None:
    """Return the epoch that stands out: the best of validation, or else of training."""
    name = main_of(history.columns) or "loss"
    for column in (f"val_{name}", name):
        if column in history.columns and not np.isnan(history[column]).all():
            return float(history.best(column)["epoch"])
    return None


def epochs_table(history: Epochs, best: float | None, most: int | None = None) -> str:
    """Return a table of the epochs as HTML.

    Parameters
    ----------
    history : History
    best : int or None
        The epoch that stands out; always a row.
    most : int, optional
        About how many rows it may have: the first and the last ones. Default: all.
    """
    columns = [name for name in history.columns if name != "epoch"]
    places = [i for i, epoch in enumerate(history["epoch"]) if epoch == best][:1] if len(history) else []
    chosen = few(len(history), len(history) if most is None else most, places)
    rows = []
    for place in chosen:
        row = {} if place is None else history[place]
        first = "\u2026" if place is None else str(row["epoch"])
        rows.append([first, *(digits(row[name]) if name in row else "" for name in columns)])
    outstanding = chosen.index(places[0]) if places else None
    return table(["epoch", *map(words_of, columns)], rows, best=outstanding)


def svg_chart(chart: Chart) -> str:
    """Return a chart as an SVG element, of a size that does not grow with the number of epochs."""
    curves = {name: finite(*points, False, chart.log_y) for name, points in chart.series.items()}
    curves = {name: points for name, points in curves.items() if len(points[0])}
    x_ends, y_ends = (limits([points[axis] for points in curves.values()]) for axis in (0, 1))
    right, foot = _WIDTH - _RIGHT, _HEIGHT - _FOOT
    title = f"{chart.title} (logarithmic)" if chart.log_y else chart.title
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        'font-size="11" font-family="sans-serif" fill="currentColor">',
        f"<title>{escape(title)}</title>",
        _text(_LEFT, 14, title, ' font-weight="bold"'),
        f'<path d="M{_LEFT} {_TOP}V{foot}H{right}" fill="none" stroke="currentColor" stroke-opacity="0.4"/>',
    ]
    for value, y in _places(y_ends, foot, _TOP + 8):
        figure = tick_label(10**value if chart.log_y else value)
        parts.append(_text(_LEFT - 5, y, figure, ' text-anchor="end"'))
    for value, x in _places(x_ends, _LEFT, right):
        parts.append(_text(x, foot + 14, tick_label(value), ' text-anchor="middle"'))
    parts.append(_text(right, foot + 29, "epoch", ' text-anchor="end"'))
    for number, (name, (xs, ys)) in enumerate(curves.items()):
        colour = _COLOURS[name]
        parts.append(_text(_LEFT + 90 * number, foot + 29, f"\u2014 {name}", f' style="fill: {colour}"'))
        across = _LEFT + (right - _LEFT) * _share(xs, x_ends)
        down = foot - (foot - _TOP - 4) * _share(ys, y_ends)
        shown = _thinned(down)
        points = [f"{x:.1f},{y:.1f}" for x, y in zip(across[shown], down[shown], strict=True)]
        parts.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        )
        if len(points) <= _MOST_DOTS:
            dots = (point.split(",") for point in points)
            parts += [f'<circle cx="{x}" cy="{y}" r="2.2" style="fill: {colour}"/>' for x, y in dots]
    return "".join([*parts, "</svg>"])


def _places(ends: tuple[float, float], low: float, high: float) -> list[tuple[float, float]]:
    """Return what stands at an axis, and where: both ends, or in the middle the one value that there is."""
    return list(zip(ends, (low, high), strict=True)) if ends[0] < ends[1] else [(ends[0], (low + high) / 2)]


def _text(x: float, y: float, words: str, more: str) -> str:
    return f'<text x="{x:g}" y="{y:g}"{more}>{escape(words)}</text>'


def _share(values: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """Return how far values are from the lower end to the upper one; the middle where both are the same."""
    low, high = ends
    return (values - low) / (high - low) if high > low else np.full(len(values), 0.5)


def _thinned(values: np.ndarray) -> np.ndarray:
    """Return the places of a curve's points that are drawn: of each piece the lowest and the highest."""
    count = len(values)
    if count <= 2 * _PIECES:
        return np.arange(count)
    edges = np.linspace(0, count, _PIECES + 1).astype(int)
    pieces = [(low, values[low:high]) for low, high in pairwise(edges)]
    ends = [(low + int(piece.argmin()), low + int(piece.argmax())) for low, piece in pieces]
    return np.unique(ends)
