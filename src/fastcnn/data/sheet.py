"""A contact sheet: some images of a data set with what they are to be taken for, as notebooks show it."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from .. import _html, _samples
from .._pixels import colours_of, drawable, to_png
from .resizing import resized, whole
from .targets import CLASSIFICATION, MULTILABEL, SEGMENTATION
from .values import guess_range

# Images, pixels of the longer side of one and on the screen, characters of a label, named colours, numbers.
_MOST, _SIDE, _SHOWN, _LONGEST, _MOST_NAMES, _MOST_NUMBERS = 36, 96, 72, 40, 20, 3
_IGNORED = (1.0, 1.0, 1.0)


def contact_sheet(dataset: Any) -> str:
    """Return HTML with what a data set is, and images from all over it with their targets.

    Masks, and targets that are images, stand beside the images. Of several inputs the first that are images
    are shown.

    Parameters
    ----------
    dataset : Dataset
    """
    said = _html.paragraph(repr(dataset), "")
    places = _samples.images(dataset.images)
    if not len(dataset) or not places:
        return _html.output(said)
    array, given = _samples.arrays(dataset.images)[places[0]], dataset.given_range
    if isinstance(dataset.images, tuple) and given is not None:
        given = given[places[0]]
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(len(dataset), _MOST)).round().astype(int))
    images = _small(array[chosen])
    limits = None if images.dtype == np.uint8 else given or guess_range(images) or _ends(images)
    beside = _beside(dataset, chosen)
    figures = []
    for i, row in enumerate(chosen.tolist()):
        shown = [drawable(images[i], limits), *([] if beside is None else [beside[i]])]
        pictures = "".join(_picture(each, f"image {row}") for each in shown)
        figures.append(
            f'<figure><div class="side">{pictures}</div><figcaption>{escape(_label(dataset, row))}'
            "</figcaption></figure>"
        )
    many = f"{len(chosen)} of {len(dataset):,} images, from first to last"
    note = "" if len(chosen) == len(dataset) else _html.paragraph(many)
    return _html.output(said, note, _html.side_by_side(figures), _legend(dataset))


def _small(images: np.ndarray) -> np.ndarray:
    """Return images (N, C, H, W) of which neither side is longer than it is shown."""
    height, width = images.shape[2:]
    scale = _SIDE / max(height, width, 1)
    if scale >= 1:
        return images
    size = (max(round(height * scale), 1), max(round(width * scale), 1))
    return resized(images, whole(images), size)


def _ends(images: np.ndarray) -> tuple[float, float]:
    known = images[np.isfinite(images)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)


def _beside(dataset: Any, rows: np.ndarray) -> list[np.ndarray] | None:
    """Return what is drawn beside each image: its mask, or the image that is to be made of it."""
    labels = dataset.labels
    if dataset.task == SEGMENTATION:
        colours = np.vstack([colours_of(dataset.num_classes), _IGNORED])
        step = -(-max(labels.shape[1:]) // _SIDE)
        masks = labels[rows, ::step, ::step]
        return list(colours[np.where(masks == dataset.ignore_index, dataset.num_classes, masks)])
    if labels.ndim == 4 or (labels.ndim == 3 and dataset.task != MULTILABEL):
        targets = labels[rows] if labels.ndim == 4 else labels[rows, None]
        small = _small(np.ascontiguousarray(targets, np.float32))
        return [drawable(each, _ends(small)) for each in small]
    return None


def _picture(pixels: np.ndarray, alt: str) -> str:
    height, width = pixels.shape[:2]
    if not pixels.size:
        return ""
    # Small images are shown larger by a whole number.
    scale = max(_SHOWN // max(height, width), 1)
    return _html.image(to_png(pixels), alt, scale * width)


def _label(dataset: Any, row: int) -> str:
    """Return what an image is to be taken for, in a few words."""
    target = dataset.labels[row]
    if dataset.task == CLASSIFICATION:
        text = dataset.classes[int(target)]
    elif dataset.task == MULTILABEL:
        text = ", ".join(dataset.classes[k] for k in np.flatnonzero(target)[:_MOST_NAMES]) or "none"
    elif dataset.task != SEGMENTATION and target.size <= _MOST_NUMBERS:
        text = ", ".join(f"{value:.4g}" for value in target.ravel().tolist())
    else:
        text = ""
    return _html.shortened(text, _LONGEST)


def _legend(dataset: Any) -> str:
    """Return which colour stands for which class of pixels."""
    if dataset.task != SEGMENTATION:
        return ""
    levels = np.rint(255 * colours_of(dataset.num_classes)).astype(int).tolist()
    named = [
        f'<span><span style="color: rgb({red}, {green}, {blue})">\u25a0</span> '
        f"{escape(_html.shortened(name, _LONGEST))}</span>"
        for name, (red, green, blue) in zip(dataset.classes[:_MOST_NAMES], levels, strict=False)
    ]
    return _html.side_by_side(named)
