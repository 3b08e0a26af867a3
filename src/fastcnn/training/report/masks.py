"""The picture of masks: images, what is true of their pixels, and what was predicted."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from ..._pixels import colours_of, drawable
from ..._samples import Samples
from ..._shapes import integer
from ...errors import ShapeError
from .figure import GREY, class_names, finished
from .images import shown_of
from .triples import draw_triples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NAMES = 20
# What does not count is white.
_IGNORED = (1.0, 1.0, 1.0)


def plot_masks(
    images: Samples,
    masks: np.ndarray,
    predictions: np.ndarray,
    classes: Sequence[str] | None = None,
    path: str | PathLike[str] | None = None,
    ignore_index: int = -100,
    rows: int = 4,
    columns: int = 3,
) -> Figure:
    """Draw the first images, each beside its mask and what was predicted, with a legend of the classes.

    Parameters
    ----------
    images : array (N, C, H, W), or tuple of arrays for several inputs
        Of several inputs the first that are images are drawn.
    masks : int array (N, H, W)
        True classes; pixels that do not count are white.
    predictions : int array (N, H, W), or array (N, K, H, W)
        Predicted classes, or logits.
    classes : sequence of K str, optional
        Their names. Default: their numbers.
    path : str or path, optional
        Where to write the picture, PNG.
    ignore_index : int
        What stands in `masks` where a pixel does not count.
    rows, columns : int
        The most that are drawn; each is three pictures wide.

    Raises
    ------
    ShapeError
        If the arrays do not fit each other, or there is no image.
    """
    shown, note = shown_of(images, "plot_masks")
    predicted = predictions.argmax(1) if predictions.ndim == 4 else predictions
    if (
        shown.ndim != 4
        or masks.ndim != 3
        or masks.shape != predicted.shape
        or not 0 < len(masks) == len(shown)
    ):
        raise ShapeError(
            "plot_masks: expected images (N, C, H, W), masks (N, H, W) and predictions of their shape, got "
            f"{shown.shape}, {masks.shape} and {predictions.shape}"
        )
    down, across = integer(rows, "plot_masks: rows", 1), integer(columns, "plot_masks: columns", 1)
    chosen = min(len(shown), down * across)
    counted = masks[:chosen] != ignore_index
    highest = max(int(masks[:chosen][counted].max(initial=0)), int(predicted[:chosen].max()))
    names = class_names(classes, highest + 1 if classes is None else len(classes))
    colours = np.vstack([colours_of(len(names)), _IGNORED])
    true = np.where(counted, masks[:chosen], len(names))
    triples = [(drawable(shown[i]), colours[true[i]], colours[predicted[i]]) for i in range(chosen)]
    figure = draw_triples(triples, ("image", "true", "predicted"), across, 1.1)
    right = int((masks[:chosen] == predicted[:chosen])[counted].sum()) / max(int(counted.sum()), 1)
    figure.suptitle(f"{chosen} images{note}, {right:.2%} of their pixels right", fontsize=10, color=GREY)
    _legend(figure, names, colours, bool((~counted).any()))
    return finished(figure, path)


def _legend(figure: Figure, names: list[str], colours: np.ndarray, ignored: bool) -> None:
    """Name the colours below the pictures."""
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=tuple(colour), edgecolor="#bbbbbb", label=name.replace("$", r"\$"))
        for name, colour in zip(names[:_MOST_NAMES], colours, strict=False)
    ]
    if ignored:
        handles.append(Patch(facecolor=_IGNORED, edgecolor="#bbbbbb", label="does not count"))
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 6), frameon=False, fontsize=8
    )
