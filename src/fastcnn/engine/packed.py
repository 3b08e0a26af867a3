"""Whether what a program has made of parameters and running statistics, such as packed weights, still holds.

Packing costs more than a prediction for one image. Arrays are written in place without a word (``p.data[...] =
values``), so a Parameter counts how often it was asked for its array, and an array that somebody still holds
counts as changed. Running statistics are few: they are compared with a copy.
"""

from __future__ import annotations

import numpy as np

from .. import nn


class Packed:
    """Remembers the state of parameters and arrays at the time of `note`."""

    def __init__(self, parameters: list[nn.Parameter], arrays: list[np.ndarray]) -> None:
        self._parameters = parameters
        self._arrays = arrays
        self._noted = False
        self._reads: list[int] = []
        self._values: list[bytes] = []

    def note(self) -> None:
        """Remember the state of now."""
        # What somebody holds now may be written into later, and released: never counts as unchanged.
        self._reads = [p.reads if p.is_untouched_since(p.reads) else -1 for p in self._parameters]
        self._noted = True
        self._values = [array.tobytes() for array in self._arrays]

    def holds(self) -> bool:
        """Tell whether nothing can have changed since."""
        if not self._noted:
            return False
        for parameter, reads in zip(self._parameters, self._reads, strict=True):
            if not parameter.is_untouched_since(reads):
                return False
        return all(a.tobytes() == b for a, b in zip(self._arrays, self._values, strict=True))
