"""Buffers of a program and where their elements stand.

A blob is the array of one value, [group][row][column][channel][lane], with a halo of zeros as wide as its
widest reader needs. Readers ask for halos while the program is written; places and memory are settled after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._shapes import allocate
from ..errors import SizeError
from ..nn import Parameter

_INT32_MAX = 2**31 - 1
_ALIGNMENT = 64


def aligned_zeros(count: int, dtype: np.dtype, what: str) -> np.ndarray:
    """Return `count` zeros that start on a cache line."""
    extra = _ALIGNMENT // dtype.itemsize
    raw = allocate((count + extra,), dtype, what)
    raw[...] = 0
    start = -raw.ctypes.data % _ALIGNMENT // dtype.itemsize
    return raw[start : start + count]


class Blob:
    """The array of one value: a view of `channels` channels of a wider array if `parent` is given."""

    def __init__(self, channels: int, height: int, width: int, lanes: int, per_thread: bool) -> None:
        self.channels = channels
        self.height = height
        self.width = width
        self.lanes = lanes
        self.per_thread = per_thread
        # An even number of cache lines from pixel to pixel would put a row of pixels into few cache sets.
        self.pitch = channels + 1 - channels % 2 if height * width > 1 else channels
        self.halo = [0, 0, 0, 0]  # left, right, top, bottom
        self.array: np.ndarray | None = None

    def require(self, left: int, right: int, top: int, bottom: int) -> None:
        """Ask for a halo at least this wide."""
        self.halo = [max(a, b, 0) for a, b in zip(self.halo, (left, right, top, bottom), strict=True)]

    @property
    def row_width(self) -> int:
        """Columns of the array, with the halo."""
        return self.width + self.halo[0] + self.halo[1]

    @property
    def group_size(self) -> int:
        """Reals of one group of images."""
        return (self.height + self.halo[2] + self.halo[3]) * self.row_width * self.pitch * self.lanes

    def offset(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Return how far (row, column) stands from (0, 0), in reals, as int64."""
        return (np.asarray(row, np.int64) * self.row_width + column) * self.pitch * self.lanes

    def at(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Return the places of pixels, as a table."""
        return table(self.offset(np.asarray(row) + self.halo[2], np.asarray(column) + self.halo[0]))

    def pixels(self) -> np.ndarray:
        """Return the places of all pixels, row by row."""
        rows, columns = np.divmod(np.arange(self.height * self.width), self.width)
        return self.at(rows, columns)

    def allocate(self, copies: int, dtype: np.dtype) -> None:
        """Make the array for so many groups or threads; halos are zero from now on."""
        self.array = aligned_zeros(copies * self.group_size, dtype, "engine: a buffer")


def table(places: np.ndarray) -> np.ndarray:
    """Return int32 places; refuse what does not fit."""
    if places.size and (places.max() > _INT32_MAX or places.min() < -_INT32_MAX):
        raise SizeError(f"engine: a sample has more than 2**31 elements ({places.max()})")
    return np.ascontiguousarray(places, np.int32)


@dataclass(eq=False)
class Vectors:
    """Scratch of `count` vectors for each group, or each slot of groups."""

    count: int
    per_slot: bool
    array: np.ndarray | None = None


@dataclass(eq=False)
class External:
    """An array of the caller, bound for each run; `row_size` elements an image."""

    name: str
    row_size: int


# What an operation's buffer can be: a parameter is looked up at each run, so that it may be replaced.
Buffer = Blob | Vectors | External | Parameter | np.ndarray | None
