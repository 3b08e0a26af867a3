"""Pixels of a batch moved as they are, by tables of rows and columns."""

from __future__ import annotations

import numpy as np

from .._kernels import augment
from .._shapes import allocate


def gather(
    images: np.ndarray, rows: np.ndarray, columns: np.ndarray, fill: np.ndarray | None = None
) -> np.ndarray:
    """Return the pixels ``images[n, :, rows[n, i], columns[n, j]]``, (N, C, out_h, out_w).

    Parameters
    ----------
    images : uint8 or float32 (N, C, H, W)
    rows : int (N, out_h)
    columns : int (N, out_w)
        -1 stands for a pixel outside.
    fill : array (C,) of the images' dtype, optional
        What lies outside.
    """
    count, channels = images.shape[:2]
    result = allocate((count, channels, rows.shape[1], columns.shape[1]), images.dtype, "the augmented batch")
    if result.size:
        kernel = augment.gather_u8 if images.dtype == np.uint8 else augment.gather
        kernel(
            result,
            np.ascontiguousarray(images),
            np.ascontiguousarray(rows, np.int64),
            np.ascontiguousarray(columns, np.int64),
            np.zeros(channels, images.dtype) if fill is None else fill,
        )
    return result
