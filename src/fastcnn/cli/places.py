"""Where the pixels of a picture are in the image that a network is given."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Place(NamedTuple):
    """The row and column in the image that a network sees, for each row and column of a picture.

    Attributes
    ----------
    rows : int64 (H,)
    columns : int64 (W,)
        -1 for those that were cut off.
    """

    rows: np.ndarray
    columns: np.ndarray

    @classmethod
    def of(cls, height: int, width: int) -> Place:
        """Return that of a picture that is left as it is."""
        return cls(np.arange(height), np.arange(width))

    def resized(
        self, before: tuple[int, int], after: tuple[int, int], offset: tuple[int, int], size: tuple[int, int]
    ) -> Place:
        """Return the place after one more step.

        Parameters
        ----------
        before, after : (height, width)
            What the image is resized from and to: of each pixel the nearest.
        offset : (int, int)
            Where the upper left corner comes to be.
        size : (height, width)
            What is not cut off.
        """
        tables = []
        for places, old, new, start, limit in zip(self, before, after, offset, size, strict=True):
            moved = (2 * places + 1) * new // (2 * old) + start
            tables.append(np.where((places >= 0) & (moved >= 0) & (moved < limit), moved, -1))
        return Place(*tables)

    @property
    def is_whole(self) -> bool:
        """Whether the network sees all of the picture."""
        return bool((self.rows >= 0).all() and (self.columns >= 0).all())

    def taken_from(self, mask: np.ndarray, outside: int) -> np.ndarray:
        """Return what a mask (h, w) of the image says of the picture, (H, W); `outside`: was cut off."""
        found = mask[self.rows[:, None], self.columns]
        found[self.rows < 0] = outside
        found[:, self.columns < 0] = outside
        return found
