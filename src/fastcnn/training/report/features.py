"""What a network has learned: the filters of its first layer, and what its layers make of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _samples, nn
from ..._pixels import drawable
from ..._samples import Samples
from ..._shapes import integer
from ...errors import ArgumentError, ShapeError
from ...nn.passive import observe
from .figure import GREY, finished, new_figure
from .images import shown_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Filters and maps side by side; sizes in inches.
_COLUMNS = 16
_INCHES, _GAP, _TITLE, _EDGE = 0.62, 0.06, 0.27, 0.1


def plot_filters(model: nn.Module, path: str | PathLike[str] | None = None, most: int = 64) -> Figure:
    """Draw the filters of the first convolution.

    Filters of three channels are drawn as colours, each stretched to the full range. Others are drawn
    channel by channel, one row of the picture for each of the first few: red excites the filter, blue holds
    it back, white is 0.

    Parameters
    ----------
    model : Module
    path : str or path, optional
        Where to write the picture, PNG.
    most : int
        The most filters that are drawn.

    Raises
    ------
    ArgumentError
        If the model has no convolution.
    """
    named = ((name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d))
    name, layer = next(named, ("", None))
    if layer is None:
        raise ArgumentError("plot_filters: the model has no Conv2d")
    weight = layer.weight.data[: integer(most, "plot_filters: most", 1)]
    title = (
        f"layer {name or 'Conv2d'}: {len(layer.weight.data)} filters {'x'.join(map(str, weight.shape[1:]))}"
    )
    if weight.shape[1] == 3:
        return finished(_rows([(title, [drawable(filter) for filter in weight], {})]), path)
    limit = float(np.abs(weight).max()) or 1.0
    colours = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    channels = min(weight.shape[1], 4)
    parts = [
        (f"{title}, channel {c}" if channels > 1 else title, list(weight[:, c]), colours)
        for c in range(channels)
    ]
    return finished(_rows(parts), path)


def plot_feature_maps(
    model: nn.Module,
    image: Samples,
    x: Samples,
    path: str | PathLike[str] | None = None,
    layers: int = 4,
    most: int = 32,
) -> Figure:
    """Draw what the layers make of one image: the outputs of its ReLUs, or else of its convolutions.

    Parameters
    ----------
    model : Module
    image : array (C, H, W), or tuple of arrays for several inputs
        As it is drawn; of several inputs the first that is an image, and the title says which.
    x : array (C, H, W), or tuple of arrays for several inputs
        The image as the model takes it: after `preprocess`.
    path : str or path, optional
        Where to write the picture, PNG.
    layers : int
        The most layers that are drawn, spread evenly from the first to the last.
    most : int
        The most maps of a layer that are drawn.

    Raises
    ------
    ArgumentError, ShapeError
        If no layer has an output with rows and columns, or the image does not fit.
    """
    drawn, note = image, ""
    if isinstance(image, tuple):
        batch, note = shown_of(_one_sample(image), "plot_feature_maps")
        drawn = batch[0]
    if np.ndim(drawn) != 3 or not (isinstance(x, tuple) or np.ndim(x) == 3):
        shapes = [_samples.shapes(each) if isinstance(each, tuple) else np.shape(each) for each in (image, x)]
        raise ShapeError(f"plot_feature_maps: image and x must be (C, H, W), got {shapes[0]} and {shapes[1]}")
    outputs = _outputs(model, _one_sample(x))
    count = integer(layers, "plot_feature_maps: layers", 1)
    chosen = sorted({round(place) for place in np.linspace(0, len(outputs) - 1, count)})
    parts: list[tuple[str, Sequence[np.ndarray], dict[str, Any]]] = [
        (f"the image{note}", [drawable(np.asarray(drawn))], {"cmap": "gray"})
    ]
    for name, maps in (outputs[place] for place in chosen):
        shown = list(maps[: integer(most, "plot_feature_maps: most", 1)])
        high = float(np.max(shown)) or 1.0
        of = f"{len(shown)} of {len(maps)} maps" if len(shown) < len(maps) else f"{len(maps)} maps"
        size = "x".join(map(str, maps.shape[1:]))
        parts.append((f"layer {name}: {of} {size}", shown, {"cmap": "magma", "vmin": 0, "vmax": high}))
    return finished(_rows(parts), path)


def _one_sample(sample: Samples) -> Samples:
    """Return the batch of one sample."""
    return _samples.each(sample, lambda array: np.asarray(array)[None])


def _outputs(model: nn.Module, x: Samples) -> list[tuple[str, np.ndarray]]:
    """Return (name of the layer, its output (C, H, W)) of each ReLU, or of each convolution."""
    names = {id(layer): name for name, layer in model.named_modules()}
    kept: dict[type, list[tuple[str, np.ndarray]]] = {nn.ReLU: [], nn.Conv2d: []}

    def keep(module: nn.Module, _: Any, y: Any) -> None:
        if type(module) in kept and y.ndim == 4 and y.shape[2] * y.shape[3] > 1:
            name = names.get(id(module), "")
            kept[type(module)].append((f"{name} ({type(module).__name__})".strip(), y[0].copy()))

    observe(model, x, keep)
    outputs = kept[nn.ReLU] or kept[nn.Conv2d]
    if not outputs:
        raise ArgumentError("plot_feature_maps: no ReLU or Conv2d of the model gives maps of several pixels")
    return outputs


def _rows(parts: Sequence[tuple[str, Sequence[np.ndarray], dict[str, Any]]]) -> Figure:
    """Draw titled groups of small images, each group in as many rows as it needs."""
    counts = [math.ceil(len(images) / _COLUMNS) for _, images, _ in parts]
    width, height = _COLUMNS * _INCHES + _EDGE, sum(counts) * _INCHES + _TITLE * len(parts) + _EDGE
    # All sizes are known: no layout has to be searched for, which would take most of the time.
    figure = new_figure(width, height, None)
    top = height - _EDGE / 2
    for (title, images, options), rows in zip(parts, counts, strict=True):
        figure.text(
            _EDGE / 2 / width, (top - 0.7 * _TITLE) / height, title, fontsize=9, color=GREY, parse_math=False
        )
        top -= _TITLE
        for index, image in enumerate(images):
            row, column = divmod(index, _COLUMNS)
            x, y = column * _INCHES + _EDGE / 2, top - (row + 1) * _INCHES
            side = _INCHES - _GAP
            axes = figure.add_axes((x / width, (y + _GAP) / height, side / width, side / height))
            axes.set_axis_off()
            axes.imshow(image, interpolation="nearest", **options)
        top -= rows * _INCHES
    return figure
