"""Buffers of a program and where their elements stand.

A blob is the array of one value, with a halo of zeros as wide as its widest reader needs (halos.py), so that
its places are known from the beginning. Memory is settled when all operations are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from .._kernels import program as kernels
from ..errors import SizeError
from ..nn import Parameter
from .layout import Layout

Halo = tuple[int, int, int, int]  # left, right, top, bottom
NO_HALO: Halo = (0, 0, 0, 0)
_INT32_MAX = 2**31 - 1
# Tables of places, as long as some program has them: blobs have many in common, within a program and between
# those of a model, and a large one takes longer to make than to use.
_grids: WeakValueDictionary[tuple[bytes, bytes], np.ndarray] = WeakValueDictionary()


def widest(*halos: Halo) -> Halo:
    """Return the halo that is as wide as all of some on each side; one side may be narrower than nothing."""
    left, right, top, bottom = (max(0, *sides) for sides in zip(*halos, strict=True))
    return left, right, top, bottom


class Blob:
    """The array of one value.

    Parameters
    ----------
    channels, height, width : int
        Shape of the value.
    layout : Layout
        What the lanes hold.
    halo : (left, right, top, bottom)
        Columns and rows of zeros around the value.
    padded : bool
        Whether channels fill whole vectors, where channels are in the lanes; without, nothing can read or
        write it a vector at a time.
    external : str, optional
        The name of the array, if it is the caller's: flat samples, given for each run.
    dtype : np.dtype
        Of its numbers.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        layout: Layout,
        halo: Halo = NO_HALO,
        padded: bool = True,
        external: str | None = None,
        dtype: np.dtype = np.dtype(np.float32),  # noqa: B008
    ) -> None:
        self.external = external
        self.dtype = dtype
        self.layout = layout
        self.halo = halo
        self.channels = channels
        self.height = height
        self.width = width
        self.step = layout.step  # from channel to channel
        if layout.by_channels:
            self.pitch = layout.row(channels) + layout.spare if padded else channels
        else:
            # An even number of cache lines from pixel to pixel would put a row of pixels into few cache sets.
            odd = channels + 1 - channels % 2 if height * width > 1 else channels
            self.pitch = odd * layout.lanes
        self.scope = kernels.EACH_GROUP

    @property
    def whole(self) -> Blob:
        """The blob whose memory it has: its own, unless it is a view of another one."""
        return self

    @property
    def row_width(self) -> int:
        """Columns of the array, with the halo."""
        return self.width + self.halo[0] + self.halo[1]

    @property
    def group_size(self) -> int:
        """Reals of one group of images."""
        return (self.height + self.halo[2] + self.halo[3]) * self.row_width * self.pitch

    def offset(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Return how far (row, column) stands from (0, 0)."""
        return (np.asarray(row, np.int64) * self.row_width + column) * self.pitch

    def lines(self, channel: int = 0) -> tuple[int, int, int]:
        """Return the place of a channel of pixel (0, 0), and how far it is to the next row and column."""
        first, down = channel * self.step, self.row_width * self.pitch
        _check_places(0, self.whole.group_size - self.pitch + first)
        return first + self.halo[2] * down + self.halo[0] * self.pitch, down, self.pitch

    def grid(self, rows: np.ndarray, columns: np.ndarray, channel: int = 0) -> np.ndarray:
        """Return the places of a channel of the pixels in some rows and columns: a table for all to read."""
        origin, down, right = self.lines(channel)
        starts = (origin + np.asarray(rows, np.int64) * down).astype(np.int32)
        steps = (np.asarray(columns, np.int64) * right).astype(np.int32)
        key = starts.tobytes(), steps.tobytes()
        places = _grids.get(key)
        if places is None:
            places = _grids[key] = np.add.outer(starts, steps).ravel()
            places.flags.writeable = False
        return places

    def pixels(self, channel: int = 0) -> np.ndarray:
        """Return the places of a channel of all pixels, row by row."""
        return self.grid(np.arange(self.height), np.arange(self.width), channel)

    def channel(self, channel: int | np.ndarray) -> np.ndarray:
        """Return how far a channel of a pixel stands from its first."""
        return np.asarray(channel, np.int64) * self.step


class Channels(Blob):
    """Some channels of a blob, where these are in the lanes: from `first` on, which begins a vector.

    Who writes whole vectors writes nothing beside them if they end one, too, or are the blob's last.
    """

    def __init__(self, whole: Blob, first: int, channels: int) -> None:
        super().__init__(channels, whole.height, whole.width, whole.layout, whole.halo, dtype=whole.dtype)
        self._whole = whole
        self.first = first
        self.pitch = whole.pitch

    @property
    def whole(self) -> Blob:
        """The blob that has all of the channels."""
        return self._whole

    @property
    def group_size(self) -> int:
        """Reals of one group of images."""
        return self.whole.group_size // self.pitch * self.layout.row(self.channels)

    def lines(self, channel: int = 0) -> tuple[int, int, int]:
        """Return the place of a channel of pixel (0, 0), and how far it is to the next row and column."""
        return super().lines(self.first + channel)


class Repeated(Blob):
    """A blob of one pixel, seen as many: for what finds the pixels that it reads by a table."""

    def __init__(self, pixel: Blob, height: int, width: int) -> None:
        super().__init__(pixel.channels, height, width, pixel.layout, dtype=pixel.dtype)
        self._pixel = pixel

    @property
    def whole(self) -> Blob:
        """The blob that has the pixel."""
        return self._pixel.whole

    @property
    def group_size(self) -> int:
        """Reals of one group of images."""
        return self._pixel.group_size

    def lines(self, channel: int = 0) -> tuple[int, int, int]:
        """Return the place of a channel of the pixel, from which it is nowhere to the next row and column."""
        return self._pixel.lines(channel)[0], 0, 0


def table(places: np.ndarray) -> np.ndarray:
    """Return int32 places; refuse what does not fit."""
    if places.size:
        _check_places(int(places.min()), int(places.max()))
    return np.ascontiguousarray(places, np.int32)


def _check_places(lowest: int, highest: int) -> None:
    if highest > _INT32_MAX or lowest < -_INT32_MAX:
        raise SizeError(f"engine: a sample has more than 2**31 elements ({highest})")


@dataclass(eq=False)
class Vectors:
    """Scratch of `count` vectors for each group, each slot of groups, or each thread.

    Attributes
    ----------
    element : {"REAL", "INDEX"}
        What the numbers are, see csrc/engine/operations.inc.
    most_slots : int
        The most slots that have a copy; 0 if not slots have one.
    each_thread : bool
        Whether each thread has one.
    """

    count: int
    lanes: int
    element: str = "REAL"
    most_slots: int = 0
    each_thread: bool = False
    scope: int = kernels.EACH_GROUP

    @property
    def group_size(self) -> int:
        """Numbers of one group of images, slot or thread."""
        return self.count * self.lanes


@dataclass(eq=False)
class External:
    """An array of the caller, given for each run: of each image `count` numbers of a type."""

    name: str
    count: int
    element: str = "REAL"


def whole_of(buffer: Any) -> Any:
    """Return what has a buffer's memory: another one for a view."""
    return buffer.whole if isinstance(buffer, Blob) else buffer


# What an operation's buffer can be: a parameter is looked up at each run, so that it may be replaced.
Buffer = Blob | Vectors | External | Parameter | np.ndarray | None
