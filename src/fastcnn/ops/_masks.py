"""What all kinds of dropout share: masks that are drawn, and products with them."""

from __future__ import annotations

import numpy as np

from .._kernels import elementwise as kernels
from .._shapes import allocate
from ..errors import DTypeError


def drawn(
    shape: tuple[int, ...], dtype: np.dtype, p: float, generator: np.random.Generator | None, what: str
) -> np.ndarray:
    """Return a mask of 0, with probability p, and 1 / (1 - p).

    It is a function of one 64-bit number that is drawn, of an element's row, which is its place on the first
    axis of several, and of its place in the row.
    """
    if not isinstance(generator, np.random.Generator):
        raise DTypeError(f"{what}: generator must be a numpy.random.Generator, got {generator!r}")
    key = int(generator.integers(2**64, dtype=np.uint64))
    mask = allocate(shape, dtype.newbyteorder("="), f"{what}: the mask")
    rows = shape[0] if len(shape) > 1 else 1
    kernels.dropout_mask(mask.reshape(rows, mask.size // max(rows, 1)), key, p)
    return mask


def masked(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the product, without a warning where an infinity that is dropped becomes NaN."""
    with np.errstate(all="ignore"):
        return np.asarray(values * mask)
