"""Taps: the pixels that a pool's windows read.

A window reads the pixels where some rows cross some columns. Windows beside each other read the same rows,
those above each other the same columns: only these two axes are kept, and a table of all taps is made for a
kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .._shapes import allocate, check_size


def _numbers(windows: int) -> np.ndarray:
    """Return the numbers of windows along an axis; refuse so many that memory ends."""
    check_size((windows,), 8, "engine: the windows of a pool")
    return np.arange(windows)


@dataclass(frozen=True, eq=False)
class Axis:
    """The rows that windows read, or the columns, of which all that is said of rows holds too.

    Window i reads ``count[i]`` rows: start[i], start[i] + step, start[i] + 2 step, ...
    """

    start: np.ndarray
    count: np.ndarray
    step: int = 1

    @classmethod
    def sliding(cls, windows: int, kernel: int, stride: int, dilation: int, pad: int) -> Axis:
        """Return windows of `kernel` taps, one every `stride`, of which the first starts `pad` before 0."""
        number = _numbers(windows)
        return cls(number * stride - pad, np.full_like(number, kernel), dilation)

    @classmethod
    def adaptive(cls, windows: int, size: int) -> Axis:
        """Return windows that share `size` rows out as evenly as they can; neighbours may overlap."""
        number = _numbers(windows)
        start = number * size // windows
        return cls(start, -(-(number + 1) * size // windows) - start)

    def within(self, first: int, last: int) -> Axis:
        """Return the same windows without what lies outside first .. last - 1."""
        skipped, end = (np.clip(-((self.start - row) // self.step), 0, self.count) for row in (first, last))
        return Axis(self.start + skipped * self.step, end - skipped, self.step)

    @property
    def size(self) -> int:
        """The number of rows that the windows read, each as often as it is read."""
        return int(self.count.sum())

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last row that is read, (0, 0) if none is."""
        some = self.count > 0
        last = (self.start + (self.count - 1) * self.step)[some]
        return (int(self.start[some].min()), int(last.max())) if some.any() else (0, 0)

    def read(self) -> np.ndarray:
        """Return the rows that the windows read, one window after the other."""
        number = np.arange(self.size) - np.repeat(np.cumsum(self.count) - self.count, self.count)
        return np.repeat(self.start, self.count) + number * self.step

    @property
    def disjoint(self) -> bool:
        """Whether no two windows read the same row."""
        first, last = self.span
        return self.size <= last - first + 1 and np.unique(self.read()).size == self.size


@dataclass(frozen=True, eq=False)
class Taps:
    """What windows read: of each window row by row, and window after window."""

    rows: Axis
    columns: Axis

    def within(self, rows: tuple[int, int], columns: tuple[int, int]) -> Taps:
        """Return the taps that lie in these ranges [first, last) of rows and columns."""
        return Taps(self.rows.within(*rows), self.columns.within(*columns))

    @property
    def counts(self) -> np.ndarray:
        """The number of each window's taps."""
        check_size((self.rows.count.size, self.columns.count.size), 8, "engine: the windows of a pool")
        return np.multiply.outer(self.rows.count, self.columns.count).ravel()

    @property
    def disjoint(self) -> bool:
        """Whether no two windows read the same pixel."""
        return self.rows.disjoint and self.columns.disjoint

    def unread(self, height: int, width: int) -> np.ndarray:
        """Return the numbers of the pixels of an image that no window reads."""
        unread = np.ones((height, width), bool)
        inside = self.within((0, height), (0, width))
        unread[np.ix_(inside.rows.read(), inside.columns.read())] = False
        return np.flatnonzero(unread)

    def places(self, origin: int, down: int, right: int) -> np.ndarray:
        """Return the int32 place of every tap, where pixel (i, j) stands at origin + i * down + j * right."""
        rows, columns = self.rows, self.columns
        places = allocate((rows.size * columns.size,), np.int32, "engine: the taps of a pool")
        if places.size == 0:
            return places
        # Rows of windows that read equally many rows differ from each other by one number.
        changes = np.flatnonzero(np.diff(rows.count, prepend=-1, append=-1))
        done = 0
        for first, last in pairwise(changes):
            row = self._row_of_windows(int(rows.count[first]), down, right)
            part = places[done : done + (last - first) * row.size].reshape(last - first, row.size)
            np.add.outer((origin + rows.start[first:last] * down).astype(np.int32), row, out=part)
            done += part.size
        return places

    def _row_of_windows(self, count: int, down: int, right: int) -> np.ndarray:
        """Return the places of what windows beside each other read in `count` rows, from the first row on."""
        columns = self.columns
        most = int(columns.count.max())
        tap = np.add.outer(np.arange(count) * self.rows.step * down, np.arange(most) * columns.step * right)
        row = np.add.outer((columns.start * right).astype(np.int32), tap.astype(np.int32))
        if (columns.count == most).all():
            return row.ravel()
        return row[np.broadcast_to(np.arange(most) < columns.count[:, None, None], row.shape)]
