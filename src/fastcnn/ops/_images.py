"""Sums over the images of a batch, by the rule of csrc/common/slots.h."""

from __future__ import annotations

import math

import numpy as np

from .._kernels import program as kernels


def sum_over_images(values: np.ndarray) -> np.ndarray:
    """Return the sum of floats over the first axis: of each slot of images, then of slots in their order."""
    rows = np.require(values, requirements=("C", "A")).reshape(len(values), math.prod(values.shape[1:]))
    slot, total = np.empty((2, rows.shape[1]), values.dtype)
    kernels.add_slots(rows, slot, total)
    return total.reshape(values.shape[1:])
