"""Whether what a program has made of parameters and running statistics, such as packed weights, still holds.

Packing costs more than a prediction for one image. Arrays are written in place without a word
(``p.data[...] = values``), so a Parameter counts how often it was asked for its array, and an array that
somebody still holds counts as changed. Running statistics are few: they are compared with a copy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .. import nn
from .._kernels import program as kernels


class Noted(NamedTuple):
    """The state of parameters and arrays at some time.

    Attributes
    ----------
    cells : list of tuple
        Of one array each, a parameter's own, which lives as long as its cell. An array that is held itself
        would look as if somebody could write into it.
    """

    cells: list[tuple[np.ndarray]]
    reads: list[int]
    values: list[bytes]


class Packed:
    """What a program makes of parameters and arrays."""

    def __init__(self, parameters: list[nn.Parameter], arrays: list[np.ndarray]) -> None:
        self._parameters = parameters
        self._arrays = arrays

    def note(self) -> Noted:
        """Return the state of now."""
        reads = [p.reads for p in self._parameters]
        # What somebody holds now may be written into later, and released: never counts as unchanged.
        alone = [kernels.unread([p], [r], _ALONE) for p, r in zip(self._parameters, reads, strict=True)]
        return Noted(
            # Behind the counts: an array that is assigned between the two is one read more.
            [p._cell for p in self._parameters],
            [count if is_alone else -1 for count, is_alone in zip(reads, alone, strict=True)],
            [array.tobytes() for array in self._arrays],
        )

    def unchanged(self, noted: Noted) -> bool:
        """Tell whether nothing can have changed since."""
        return kernels.same(self._arrays, noted.values) and kernels.unread(
            self._parameters, noted.reads, _ALONE
        )


def _references() -> int:
    """Return how many references `unread` counts to an array that a parameter alone holds."""
    parameter = nn.Parameter(np.empty(1, np.float32))
    return next(n for n in range(1, 8) if kernels.unread([parameter], [parameter.reads], n))


_ALONE = _references()
