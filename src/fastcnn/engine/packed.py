"""Whether what a program has made of parameters and running statistics, such as packed weights, still holds.

Packing costs more than a prediction for one image. Arrays are written in place without a word
(``p.data[...] = values``), so a Parameter counts how often it was asked for its array, and an array that
somebody still holds counts as changed. Running statistics are few: they are compared with a copy.
"""

from __future__ import annotations

import numpy as np

from .. import nn
from .._kernels import program as kernels


class Packed:
    """Remembers the state of parameters and arrays at the time of `note`.

    Attributes
    ----------
    kept : list of array
        The parameters' arrays of that time, which stay alive until the next.
    """

    def __init__(self, parameters: list[nn.Parameter], arrays: list[np.ndarray]) -> None:
        self._parameters = parameters
        self._arrays = arrays
        self._reads: list[int] | None = None  # nothing is noted
        self._values: list[bytes] = []
        self.kept: list[np.ndarray] = []

    def note(self) -> None:
        """Remember the state of now."""
        self.forget()
        # What somebody holds now may be written into later, and released: never counts as unchanged.
        self._reads = [p.reads if kernels.unread([p], [p.reads], _ALONE) else -1 for p in self._parameters]
        self._values = [array.tobytes() for array in self._arrays]
        self.kept = [p._data for p in self._parameters]
        kernels.count_holders(self._parameters, 1)

    def forget(self) -> None:
        """Count as changed until the next note."""
        if self._reads is not None:
            self._reads = None
            self.kept = []
            kernels.count_holders(self._parameters, -1)

    def unchanged(self) -> bool:
        """Tell whether nothing can have changed since it was noted."""
        return (
            self._reads is not None
            and kernels.same(self._arrays, self._values)
            and kernels.unread(self._parameters, self._reads, _ALONE)
        )

    def __del__(self) -> None:
        self.forget()


def _references() -> int:
    """Return how many references `unread` counts to an array that a parameter alone holds."""
    parameter = nn.Parameter(np.empty(1, np.float32))
    return next(n for n in range(1, 8) if kernels.unread([parameter], [parameter.reads], n))


_ALONE = _references()
