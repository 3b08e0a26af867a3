"""Tables that several kinds of nodes share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..graph import NormPool, Pool
from ..memory import Blob, table


def first_taps(node: Pool | NormPool) -> np.ndarray:
    """Return where each window's taps start in `tap_places`, and their number."""
    return table(np.cumsum([0] + [len(window) for window in node.taps]))


def tap_places(node: Pool | NormPool, x: Blob, drop_margin: bool = False) -> np.ndarray:
    """Return the places of all windows' taps in x; those in the margin are -1 if they are to be dropped."""
    row, column = np.array([tap for window in node.taps for tap in window], np.int64).reshape(-1, 2).T
    places = x.at(row, column)
    if drop_margin:
        outside = (row < 0) | (row >= x.height) | (column < 0) | (column >= x.width)
        places[outside] = -1
    return places


def shifted(blob: Blob, channels: int) -> Callable[[], np.ndarray]:
    """Return a table of a blob's pixels that starts at a later channel."""
    return lambda: blob.pixels() + np.int32(blob.channel(channels))
