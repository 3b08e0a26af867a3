"""The picture of a search for the learning rate."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ArgumentError
from .drawn import Search
from .figure import GREY, TRAIN, VALIDATION, finished, new_figure, plain_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_lr_find(result: Search, path: str | PathLike[str] | None = None) -> Figure:
    """Draw the loss over the learning rate, and the rate that is suggested.

    Parameters
    ----------
    result : LRFindResult
    path : str or path, optional
        Where to write the picture, PNG.

    Raises
    ------
    ArgumentError
        If no loss was finite.
    ImportError
        If matplotlib is not installed.
    """
    if not len(result.losses):
        raise ArgumentError("plot_lr_find: there is no finite loss")
    figure = new_figure(7, 4)
    axes = plain_axes(figure.subplots())
    axes.plot(result.lrs, result.losses, linewidth=0.8, color=TRAIN, alpha=0.45, label="loss of a batch")
    axes.plot(result.lrs, result.smoothed, linewidth=1.8, color=TRAIN, label="smoothed")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    # The climb at the end may be far above all else.
    low, high = result.losses.min(), result.smoothed[: max(len(result.smoothed) // 2, 1)].max()
    room = 0.15 * max(high - low, 1e-3 * abs(high), 1e-12)
    axes.set_ylim(low - room / 2, high + room)
    if result.suggestion is not None:
        place = int(np.flatnonzero(result.lrs == result.suggestion)[0])
        axes.plot(result.suggestion, result.smoothed[place], "o", markersize=8, color=VALIDATION)
        axes.axvline(result.suggestion, linewidth=0.8, linestyle=":", color=VALIDATION)
        said = f"steepest descent at {result.suggestion:.2g}"
    else:
        said = "no suggestion: the loss does not fall"
    axes.set_title(f"{said}; {result.stop_reason}", fontsize=10, color=GREY, loc="left")
    axes.legend(frameon=False)
    return finished(figure, path)
