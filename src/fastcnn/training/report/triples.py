"""A grid of pictures in threes: what went in, what is true, what came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .figure import GREY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches of a picture, and how much higher or wider than a square its place may be.
_SIDE, _MOST = 1.3, 2.0


def draw_triples(
    triples: Sequence[tuple[Any, Any, Any]], titles: Sequence[str], columns: int, foot: float
) -> Figure:
    """Return a figure of triples, from left to right and then down.

    Parameters
    ----------
    triples : sequence of three arrays (H, W) from 0 to 1, or (H, W, 3)
        At least one.
    titles : sequence of str
        What stands above each of the three, in the first row.
    columns : int
        Triples in a row at the most.
    foot : float
        Inches for what is written above and below them.
    """
    across = min(columns, len(triples))
    down = -(-len(triples) // across)
    height, width = triples[0][0].shape[:2]
    figure = new_figure(3 * _SIDE * across, _SIDE * min(max(height / width, 1 / _MOST), _MOST) * down + foot)
    cells = figure.subplots(down, 3 * across, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for i, triple in enumerate(triples):
        for axes, picture, title in zip(cells[3 * i : 3 * i + 3], triple, titles, strict=True):
            # Of what comes from a training, 0 is black and 1 white, whatever its own limits are.
            axes.imshow(picture, cmap="gray", interpolation="nearest", vmin=0, vmax=1)
            axes.set_title(title if i < across else "", fontsize=8, color=GREY)
    return figure
