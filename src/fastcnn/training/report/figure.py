"""What all pictures share: their figure, their colours, and how they are written.

matplotlib is imported when a picture is drawn, and not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Literal

from ..._files import write_atomic
from ...errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAIN, VALIDATION, RIGHT, WRONG, GREY = "#4c78a8", "#e4572e", "#2f6f3e", "#b3261e", "#666666"
_DPI = 150


def new_figure(width: float, height: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """Return an empty figure of that size in inches; without a layout, axes stay where they are put.

    Notebooks show it where it is the value of a cell, without a magic command.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "fastcnn[plots]"') from error
    from .shown import Figure

    return Figure(figsize=(width, height), layout=layout)


def finished(figure: Figure, path: str | PathLike[str] | None) -> Figure:
    """Write the figure as a PNG if there is a path; return it."""
    if path is not None:
        from .shown import png_of

        write_atomic(path, png_of(figure, _DPI))
    return figure


def plain_axes(axes: Axes) -> Axes:
    """Return the axes with a pale grid and without the frame's upper and right side."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    return axes


def class_names(classes: Sequence[str] | None, count: int) -> list[str]:
    """Return the names of `count` classes: their numbers if they have none."""
    if classes is None:
        return [str(number) for number in range(count)]
    if len(classes) < count:
        raise ArgumentError(f"classes has {len(classes)} names for {count} classes")
    return list(classes[:count])
