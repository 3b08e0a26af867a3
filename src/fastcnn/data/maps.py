"""Targets that each pixel has of its own, moved with the images.

A transform that moves pixels says, in `Moving.paired`, how to move such maps as it has moved the images:
masks by the nearest pixel, with `ignore_index` for what lies outside or was overwritten; real targets of the
images' size with the transform's interpolation, and 0 outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .batch import Batch
from .targets import REGRESSION, SEGMENTATION

# move(maps, fill, nearest) -> maps: float32 (N, C, H, W), what lies outside, and whether they are classes.
Move = Callable[[np.ndarray, float, bool], np.ndarray]


def moved_labels(batch: Batch, move: Move, transform: Any) -> np.ndarray:
    """Return the labels of a batch whose images a transform has moved.

    Raises
    ------
    ArgumentError
        If they are maps that cannot be moved like that.
    """
    labels, name = batch.labels, type(transform).__name__
    masks = batch.task == SEGMENTATION
    if not batch.has_maps:
        if masks or (batch.task == REGRESSION and labels.ndim == 4):
            sizes = [getattr(each, "shape", (0, 0))[-2:] for each in (labels, batch.images)]
            raise ArgumentError(
                f"{name}: targets of the size {sizes[0]} cannot be moved as images of the size {sizes[1]} are"
            )
        return labels
    outside = any(getattr(transform, "fill", ())) and getattr(transform, "padding_mode", "") in (
        "",
        "constant",
    )
    if outside and not masks:
        raise ArgumentError(
            f"{name}: fill is in the units of the images, and outside of real targets is 0: leave fill out"
        )
    rows = labels if labels.ndim == 4 else labels[:, None]
    made = move(rows.astype(np.float32), float(batch.ignore_index) if masks else 0.0, masks)
    made = np.rint(made).astype(np.int64) if masks else made.astype(labels.dtype, copy=False)
    return made if labels.ndim == 4 else made[:, 0]


def nearest_rows(boxes: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows (N, h) and columns (N, w) nearest to the pixels of resized boxes.

    ``top + floor((i + 1/2) height / h)``, which PyTorch calls "nearest-exact".

    Parameters
    ----------
    boxes : int64 (N, 4)
        Top, left, height, width.
    size : (int, int)
        (h, w)
    """
    found = []
    for axis in (0, 1):
        steps = (2 * np.arange(size[axis]) + 1) * boxes[:, 2 + axis, None] // (2 * size[axis])
        found.append(boxes[:, axis, None] + steps)
    return found[0], found[1]


def nearest_affine(maps: np.ndarray, matrices: np.ndarray, fill: float) -> np.ndarray:
    """Return maps (N, C, H, W), each moved by its row of `matrices` to the nearest pixel.

    Parameters
    ----------
    maps : ndarray (N, C, H, W)
    matrices : float64 (N, 6)
        From output to input, see `fastcnn.data.affine.rotations`.
    fill : float
        What lies outside.
    """
    height, width = maps.shape[2:]
    i, j = np.arange(height)[:, None], np.arange(width)
    result = np.full_like(maps, fill)
    for image, moved, m in zip(maps, result, matrices, strict=True):
        column = np.floor(m[0] * j + m[1] * i + m[2] + 0.5)
        row = np.floor(m[3] * j + m[4] * i + m[5] + 0.5)
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        moved[:, inside] = image[:, row[inside].astype(np.int64), column[inside].astype(np.int64)]
    return result
