"""The weight gradient of a convolution by tiles: what csrc/engine/channels/conv_weight_tiles.c is told.

Pixels are numbered by where they begin to read x, in steps of what neighbours in a row are apart. Where rows
end, and between images, some of these positions have no pixel: they are multiplied by zeros.
"""

from __future__ import annotations

import numpy as np

from ..._kernels.program import TILE_POSITIONS, TILE_ROWS, TILE_TERMS, WEIGHT_TILE
from ...nn import Parameter
from ..memory import Blob, table
from ..writer import Writer
from .product import Product

# Of fewer input channels, or more positions for each pixel, tiles would be so empty that they do not pay.
FEWEST_CHANNELS, _MOST_POSITIONS = 8, 3


def takes(w: Writer, p: Product, x: Blob, in_channels: int) -> bool:
    """Tell whether tiles take the gradient of a product with so many input channels at each place."""
    if not w.element.tiles or p.depthwise or p.pixels < 2 or in_channels < FEWEST_CHANNELS:
        return False
    steps = np.diff(p.x_at)
    if steps.min() <= 0 or ((p.x_at - p.x_at[0]) % steps[0]).any():
        return False
    if (np.diff(p.taps(x).reshape(-1, in_channels)) != 1).any():
        return False
    positions, _, pixels = _in_hand(p, x)
    return positions <= min(_MOST_POSITIONS * pixels, TILE_POSITIONS)


def filled(in_channels: int) -> int:
    """Return how many input channels tiles have that these are in."""
    return -(-in_channels // TILE_ROWS) * TILE_ROWS


def write(
    w: Writer,
    weight: Parameter,
    dweight: np.ndarray,
    x: Blob,
    dy: Blob,
    p: Product,
    bands: int,
    whole_chunk: bool,
) -> None:
    """Write the gradient: partial sums for each slot, then their sum; some blocks for each of several bands.

    Each lays out all that windows read, so that bands, which depend on the number of threads, change no bit.
    """
    in_channels, vectors, taps = weight.shape[1], w.vectors(p.channels), p.taps(x)
    blocks = p.depth // in_channels * filled(in_channels) // TILE_ROWS
    bands = min(bands, blocks)
    positions, elements, _ = _in_hand(p, x)
    numbers = positions * TILE_ROWS // 2 * vectors + elements + -(-elements // 2)
    read = _read(p, x, in_channels)
    for band in range(bands):
        some = {"first_block": blocks * band // bands, "last_block": blocks * (band + 1) // bands}
        count = some["last_block"] - some["first_block"]
        sums = w.sums(count * TILE_ROWS * vectors, weight.size)
        w.conv_weight_tiles(
            **some,
            sums=sums,
            scratch=w.workspace(-(-numbers // w.layout.lanes)),
            x=x,
            dy=dy,
            x_at=p.x_at,
            tap_at=taps,
            dy_at=p.y_at,
            read_at=read,
            vectors=vectors,
            in_channels=in_channels,
            apart=int(p.x_at[1] - p.x_at[0]),
            lowest_tap=int(taps.min()),
            reach=int(np.ptp(taps)) + 1,
            whole_chunk=whole_chunk,
            band=band if bands > 1 else None,
            flops=2 * p.pixels * p.depth * p.channels * count // blocks,
        )
        w.after.conv_weight_tiles_sum(
            **some,
            dweight=dweight,
            sums=sums,
            weight_at=p.weight_at,
            channel_at=p.channel_at,
            in_channels=in_channels,
            tasks=filled(in_channels) // TILE_ROWS,
        )


def _in_hand(p: Product, x: Blob) -> tuple[int, int, int]:
    """Return the most that is in hand of positions, filled up, of elements that they read, and of pixels."""
    apart = int(p.x_at[1] - p.x_at[0])
    reach = int(np.ptp(p.taps(x))) + 1
    hands, images = -(-p.pixels // WEIGHT_TILE), -(-WEIGHT_TILE // p.pixels)
    ends = p.pixels * np.arange(hands + 1) // hands
    last = int((p.x_at[ends[1:] - 1] - p.x_at[ends[:-1]]).max())
    step = -(-(last + reach) // (2 * apart)) * 2
    positions = (images - 1) * step + last // apart + 1
    positions = -(-positions // TILE_TERMS) * TILE_TERMS
    return positions, positions * apart + reach + TILE_ROWS, images * int(np.diff(ends).max())


def _read(p: Product, x: Blob, in_channels: int) -> np.ndarray:
    """Return where what is read of x begins and ends, over and over.

    What stands between the channels of a place and the next place that may be read is no input channel. It
    counts as read, lest each pixel be a part of its own.
    """
    starts = p.x_at[:, None] + p.taps(x)[::in_channels]
    lowest = starts.min()
    begins = np.zeros(np.ptp(starts) + 1, bool)
    begins[starts - lowest] = True
    places = np.flatnonzero(begins)
    width = max(in_channels, int(np.gcd.reduce(places)))
    # How many places an element belongs to, from the first element on.
    count = np.zeros(begins.size + width + 1, np.int64)
    count[places + 1] += 1
    count[places + 1 + width] -= 1
    read = np.cumsum(count) > 0
    return table(np.flatnonzero(read[1:] != read[:-1]) + lowest)
