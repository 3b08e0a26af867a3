"""How the layers of a network fare while it is trained."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from ...errors import ArgumentError
from .figure import GREY, finished, new_figure, plain_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Figure of a row -> title of its axes.
_PANELS = {
    "gradient": "norm of the gradient",
    "update": "change of the weights in a step, as a share of them",
    "spread": "spread of activations",
    "dead": "units that are 0 for every image (%)",
}
# Of so many layers each is named.
_NAMED = 24


def plot_layers(
    rows: Sequence[Mapping[str, Any]], title: str = "", path: str | PathLike[str] | None = None
) -> Figure:
    """Draw gradients, updates, activations and dead units of each layer over the epochs.

    Parameters
    ----------
    rows : list of dict
        `Diagnostics.rows`, at least one.
    title : str
        Stands above: what looks wrong, say.
    path : str or path, optional
        Where to write the picture, PNG.

    Raises
    ------
    ArgumentError
        If there is no row.
    ImportError
        If matplotlib is not installed.
    """
    if not rows:
        raise ArgumentError("plot_layers: there is no record")
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    figure = new_figure(12, 7)
    from matplotlib import colormaps

    colours = colormaps["viridis"].resampled(len(layers))(range(len(layers)))
    for axes, (name, label) in zip(figure.subplots(2, 2).flat, _PANELS.items(), strict=True):
        plain_axes(axes).set_title(label, fontsize=10, color=GREY, loc="left")
        axes.set_xlabel("epoch")
        for layer, colour in zip(layers, colours, strict=True):
            _draw(axes, [row for row in rows if row["layer"] == layer], name, colour)
        if name == "dead":
            axes.set_ylim(-2, 102)
        else:
            axes.set_yscale("log", nonpositive="clip")
    first = figure.axes[0]
    named = zip(layers, colours, strict=True)
    handles = [first.plot([], [], color=colour, label=layer)[0] for layer, colour in named]
    shown = handles if len(handles) <= _NAMED else handles[:: -(-len(handles) // _NAMED)]
    figure.legend(
        handles=shown, loc="outside right center", frameon=False, fontsize=8, title="from first to last"
    )
    if title:
        figure.suptitle(textwrap.fill(title, 120), fontsize=10, x=0.01, ha="left")
    return finished(figure, path)


def _draw(axes: Axes, rows: Sequence[Mapping[str, Any]], name: str, colour: Any) -> None:
    known = [row for row in rows if row[name] is not None]
    scale = 100.0 if name == "dead" else 1.0
    if known:
        axes.plot(
            [row["epoch"] for row in known],
            [scale * row[name] for row in known],
            color=colour,
            linewidth=1.3,
            marker="o",
            markersize=2.5,
        )
