"""The picture of targets that are images: what went in, what was to come out, and what came out."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from ..._pixels import drawable
from ..._samples import Samples
from ..._shapes import integer
from ...errors import ShapeError
from .. import metrics
from .figure import GREY, finished
from .images import shown_of
from .triples import draw_triples

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_outputs(
    images: Samples,
    targets: np.ndarray,
    outputs: np.ndarray,
    path: str | PathLike[str] | None = None,
    rows: int = 4,
    columns: int = 3,
) -> Figure:
    """Draw the first images, each beside its target and what the model made of it.

    The smallest and the largest value of the targets that are drawn are black and white in both; what the
    model made beyond these is shown as they are.

    Parameters
    ----------
    images : array (N, C, H, W), or tuple of arrays for several inputs
        Of several inputs the first that are images are drawn.
    targets, outputs : float array (N, D, h, w) or (N, h, w)
        Of one shape. Three channels are drawn as colour, of other numbers the first one grey.
    path, rows, columns
        As for `plot_masks`.

    Raises
    ------
    ShapeError
        If the arrays do not fit each other, or there is no image.
    """
    shown, note = shown_of(images, "plot_outputs")
    same = targets.shape == outputs.shape and targets.ndim in (3, 4)
    if shown.ndim != 4 or not same or not 0 < len(targets) == len(shown):
        raise ShapeError(
            "plot_outputs: expected images (N, C, H, W), targets (N, D, h, w) or (N, h, w) and outputs of "
            f"their shape, got {shown.shape}, {targets.shape} and {outputs.shape}"
        )
    down, across = integer(rows, "plot_outputs: rows", 1), integer(columns, "plot_outputs: columns", 1)
    chosen = slice(min(len(shown), down * across))
    true, made = (each[chosen] if each.ndim == 4 else each[chosen, None] for each in (targets, outputs))
    limits = float(true.min()), float(true.max())
    triples = [
        (drawable(image), drawable(target, limits), drawable(output, limits))
        for image, target, output in zip(shown[chosen], true, made, strict=True)
    ]
    figure = draw_triples(triples, ("image", "target", "output"), across, 0.6)
    error = metrics.mean_absolute_error(true, made)
    scale = f"black is {limits[0]:.4g}, white {limits[1]:.4g}"
    figure.suptitle(
        f"{len(triples)} images{note}, mean absolute error {error:.4g}; {scale}", fontsize=10, color=GREY
    )
    return finished(figure, path)
