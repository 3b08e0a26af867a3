"""Sums over the images of a batch, by the rule of csrc/common/slots.h."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .._kernels import program as kernels

# Batches whose slots are remembered.
_REMEMBERED = 64


@lru_cache(_REMEMBERED)
def _starts(images: int) -> np.ndarray:
    return np.array(kernels.slot_starts(images))


def sum_over_images(values: np.ndarray) -> np.ndarray:
    """Return the sum over the first axis: of each slot of images, and then of slots in their order."""
    if len(values) < 2:
        return values.sum(axis=0)
    return np.add.reduceat(values, _starts(len(values)), axis=0).sum(axis=0)
