"""Numbers rounded to bfloat16, in which the precision "medium" stores values."""

from __future__ import annotations

from typing import Any

import numpy as np


def rounded(array: Any) -> Any:
    """Return float32 numbers as bfloat16 has them, and anything else as it is.

    A bfloat16 is the upper half of a float32: the nearest one is taken, of two the even one. Numbers below
    2^-126 become 0, and a NaN stays one.
    """
    if not isinstance(array, np.ndarray) or array.dtype != np.float32:
        return array
    bits = np.ascontiguousarray(array).view(np.uint32)
    nearest = bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    upper = np.where(np.isnan(array), bits | np.uint32(1 << 22), nearest)
    upper &= np.where(bits & np.uint32(0x7F800000), np.uint32(0xFFFF0000), np.uint32(1 << 31))
    return upper.view(np.float32).reshape(array.shape)
