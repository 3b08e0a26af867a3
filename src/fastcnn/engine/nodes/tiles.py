"""The tiles that Winograd's filtering cuts an output into, see csrc/engine/channels/winograd_tiles.h."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..memory import Blob, table
from .product import Product

TAPS = 9


def kinds_of(pixels: int) -> list[tuple[int, int]]:
    """Return the kinds of tiles, by their rows and columns of y, in the kernels' order."""
    less = pixels - 1
    return [(pixels, less), (pixels, pixels), (less, pixels), (less, less)]


def positions(pixels: int) -> int:
    """Return the numbers of a tile."""
    return (pixels + 2) ** 2


def cut(size: int, pixels: int) -> list[int]:
    """Cut rows or columns into the fewest tiles, of so many pixels and then of one less.

    Return none where there are no such tiles: for 1, 2 and 5 by tiles of 4.
    """
    tiles = -(-size // pixels)
    short = pixels * tiles - size
    return [pixels] * (tiles - short) + [pixels - 1] * short if short <= tiles else []


@dataclass
class Tiles:
    """The tiles of a product's windows; tables are as the kernels take them.

    Attributes
    ----------
    x_at, x_last : arrays (tiles,)
        Places of the first and last pixels that each reads.
    tile_at : array (tiles, 3)
        Of each the first pixel of y, and its rows and columns.
    kinds : array (tiles,)
        The number of each one's kind; they rise.
    x_row, x_pixel : int
        From one row and pixel of x to the next.
    channels : int
        Of x.
    order : array (9,)
        The product's taps, from the upper left to the lower right.
    pixels : int
        Of a row of the largest tiles.
    """

    x_at: np.ndarray
    x_last: np.ndarray
    tile_at: np.ndarray
    kinds: np.ndarray
    x_row: int
    x_pixel: int
    channels: int
    order: np.ndarray

    pixels: int

    @classmethod
    def of(cls, p: Product, x: Blob, pixels: int) -> Tiles:
        """Return the tiles of a product of 3x3 windows, in the order of their kinds."""
        channels = p.depth // TAPS
        taps = p.taps(x)[::channels].astype(np.int64)
        order = np.argsort(taps)
        first, right, down = taps[order][[0, 1, 3]]
        x_row, x_pixel = int(down - first), int(right - first)
        rows, columns = (np.array(cut(size, pixels)) for size in (p.pixels // p.row_pixels, p.row_pixels))
        starts = np.cumsum(rows) - rows, np.cumsum(columns) - columns
        corners = np.add.outer(starts[0] * p.row_pixels, starts[1]).ravel()
        sizes = [each.ravel() for each in np.broadcast_arrays(rows[:, None], columns)]
        known = kinds_of(pixels)
        kinds = np.array([known.index(kind) for kind in zip(*sizes, strict=True)])
        by_kind = np.argsort(kinds, kind="stable")
        tile_at = np.column_stack([corners, *sizes])[by_kind]
        x_at = p.x_at[tile_at[:, 0]] + first
        x_last = x_at + (tile_at[:, 1] + 1) * x_row + (tile_at[:, 2] + 1) * x_pixel
        places = table(x_at), table(x_last)
        return cls(*places, tile_at, kinds[by_kind], x_row, x_pixel, channels, order, pixels)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.tile_at)

    def some(self, first: int, last: int, channel: int = 0) -> dict[str, Any]:
        """Return what operations are told of some of the tiles, from a channel of x on."""
        kind_at = np.searchsorted(self.kinds[first:last], np.arange(len(kinds_of(self.pixels)) + 1))
        return {
            "x_at": self.x_at[first:last] + np.int32(channel),
            "x_last": self.x_last[first:last] + np.int32(channel),
            "tile_at": table(self.tile_at[first:last].ravel()),
            "kind_at": table(kind_at),
            "x_row": self.x_row,
            "x_pixel": self.x_pixel,
        }
