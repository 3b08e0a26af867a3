"""Scenes: many small images on one canvas, with a mask that says what each pixel is of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._shapes import allocate, integer, pair
from ..errors import ArgumentError, DTypeError, ShapeError
from .dataset import Dataset
from .targets import CLASSIFICATION, SEGMENTATION

BACKGROUND = "background"
# Places that are drawn for each object, of which the one farthest from the others is taken.
_TRIES = 10


def compose_scenes(
    objects: Dataset,
    count: int,
    *,
    size: int | Sequence[int] = 64,
    per_scene: int | Sequence[int] = (2, 4),
    threshold: int = 128,
    seed: int = 0,
) -> Dataset:
    """Put images of single objects, light on black, at random places on canvases; a mask tells them apart.

    An object is drawn ten places, uniformly among those where it lies on the canvas as a whole, and takes the
    one that is farthest from the objects before it, by the larger of both distances in units of the object's
    height and width. Objects may still overlap: a pixel shows, and belongs to, the one that is lightest
    there, of those that are equally light the first one.

    Parameters
    ----------
    objects : Dataset
        uint8 images (N, C, h, w) with a class each, such as MNIST's.
    count : int
        How many scenes to make.
    size : int or (height, width)
        Of the canvas, which is black.
    per_scene : int or (least, most)
        How many objects, drawn uniformly, with replacement.
    threshold : int
        A pixel whose lightest channel is below that is background.
    seed : int
        Same objects and seed, same scenes.

    Returns
    -------
    Dataset
        Images uint8 (count, C, height, width) and masks (count, height, width): 0 is "background", k + 1 the
        class k of `objects`.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If the objects are of another kind or do not fit on the canvas, or a number is out of range.
    """
    what = "compose_scenes"
    _check_objects(objects, what)
    height, width = objects.image_shape[1:]
    canvas = pair(size, f"{what}: size", 1)
    if canvas[0] < height or canvas[1] < width:
        raise ShapeError(
            f"{what}: objects of {height}x{width} do not fit on a canvas {canvas[0]}x{canvas[1]}"
        )
    least, most = pair(per_scene, f"{what}: per_scene", 1)
    if least > most:
        raise ArgumentError(f"{what}: per_scene must be (least, most), got {per_scene!r}")
    level = integer(threshold, f"{what}: threshold", 1)
    if level > 255:
        raise ArgumentError(f"{what}: threshold must be from 1 to 255, got {level}")
    total = integer(count, f"{what}: count")
    rng = np.random.default_rng(integer(seed, f"{what}: seed"))
    numbers = rng.integers(least, most + 1, total)
    chosen = rng.integers(0, len(objects), (total, most))
    limits = np.array([canvas[0] - height + 1, canvas[1] - width + 1])
    places = _apart(rng.integers(0, limits, (total, most, _TRIES, 2)), np.array([height, width]))
    images = allocate((total, objects.image_shape[0], *canvas), np.uint8, "the scenes")
    masks = allocate((total, *canvas), np.min_scalar_type(objects.num_classes), "the masks")
    images[...] = 0
    masks[...] = 0
    kinds = (objects.labels + 1).astype(masks.dtype)
    for image, mask, number, which, where in zip(images, masks, numbers, chosen, places, strict=True):
        which = which[:number]
        _draw(image, mask, objects.images[which], kinds[which], where[:number], level)
    return Dataset(
        images,
        masks,
        (BACKGROUND, *objects.classes),
        f"scenes of {objects.name}" if objects.name else "scenes",
        value_range=(0, 255),
        layout="NCHW",
        task=SEGMENTATION,
    )


def _check_objects(objects: object, what: str) -> None:
    if not isinstance(objects, Dataset):
        raise DTypeError(f"{what}: objects must be a Dataset, got {type(objects).__name__}")
    images = objects.images
    kind = images.dtype.name if isinstance(images, np.ndarray) else f"{len(images)} inputs"
    if kind != "uint8" or images.ndim != 4:
        raise DTypeError(f"{what}: objects must be uint8 images (N, C, H, W), got {kind}")
    if objects.task != CLASSIFICATION:
        raise ArgumentError(f"{what}: objects must have a class each, but the targets are for {objects.task}")
    if not len(objects):
        raise ArgumentError(f"{what}: objects must be at least one, got none")


def _apart(candidates: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """Return the place of each object, (N, K, 2), out of those drawn for it, (N, K, T, 2)."""
    total, most = candidates.shape[:2]
    places = np.empty((total, most, 2), np.int64)
    for k in range(most):
        drawn = candidates[:, k]
        best = np.zeros(total, np.int64)
        if k:
            steps = np.abs(drawn[:, :, None] - places[:, None, :k]) / extent
            best = steps.max(3).min(2).argmax(1)
        places[:, k] = drawn[np.arange(total), best]
    return places


def _draw(
    image: np.ndarray, mask: np.ndarray, pictures: np.ndarray, kinds: np.ndarray, places: np.ndarray, low: int
) -> None:
    """Draw the objects of one scene, one after the other."""
    light = np.zeros(mask.shape, np.uint8)
    height, width = pictures.shape[2:]
    for picture, kind, (top, left) in zip(pictures, kinds, places.tolist(), strict=True):
        box = np.s_[top : top + height, left : left + width]
        own = picture.max(0)
        lighter = own > light[box]
        np.copyto(light[box], own, where=lighter)
        np.copyto(image[(slice(None), *box)], picture, where=lighter)
        np.copyto(mask[box], np.where(own >= low, kind, 0).astype(mask.dtype), where=lighter)
