"""A figure that notebooks show by itself, without a magic command. Importing this file imports matplotlib."""

from __future__ import annotations

import io

from matplotlib import figure


class Figure(figure.Figure):
    """A figure that pyplot does not know of: where it is the value of a cell, it is shown once."""

    def _repr_png_(self) -> bytes:
        return png_of(self)


def png_of(drawn: figure.Figure, dpi: float | None = None) -> bytes:
    """Return a figure as a PNG, with so many pixels an inch; by default as many as the figure says."""
    picture = io.BytesIO()
    drawn.savefig(picture, format="png", dpi="figure" if dpi is None else dpi)
    return picture.getvalue()
