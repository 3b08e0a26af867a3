"""Tables that several kinds of nodes share."""

from __future__ import annotations

import numpy as np

from ..memory import Blob, table
from ..taps import Taps


def first_taps(taps: Taps) -> np.ndarray:
    """Return where each window's taps start in `tap_places`, and their number."""
    return table(np.cumsum(np.concatenate([[0], taps.counts])))


def tap_places(taps: Taps, x: Blob, drop_margin: bool = False) -> np.ndarray:
    """Return the places of all windows' taps in x; those in the margin are -1 if they are to be dropped."""
    places = taps.places(*x.lines())
    if drop_margin:
        inside = taps.within((0, x.height), (0, x.width))
        if inside.rows.size < taps.rows.size or inside.columns.size < taps.columns.size:
            row, column = taps.places(0, 1, 0), taps.places(0, 0, 1)
            places[(row < 0) | (row >= x.height) | (column < 0) | (column >= x.width)] = -1
    return places
