"""Products of few pixels with many weights, where channels are in the lanes.

Their weights are read once for several images, and taps that read the zeros around an image are left out.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..._kernels.program import TILE_TERMS
from ..memory import Blob
from ..writer import Writer
from .product import Extras, Product, taps_inside

# Weights of so many bytes, and so many times more of them than an image has at both ends of the product, are
# read once for several images: they may come from memory, as other layers' take their place in the caches.
_MANY_WEIGHTS = 64 << 10
_OUTWEIGHS = 4
# Of so few pixels, zeros around the image may be much of what windows read: more than the rest of this share.
_FEW_PIXELS = 16
_SAVES_MUCH = 0.8


def weights_outweigh(w: Writer, p: Product, x: Blob, y: Blob, packed: np.ndarray, extras: Extras) -> bool:
    """Tell whether weights are so many that they are to be read once for several images."""
    images = (x.group_size + y.group_size) * w.element.value.itemsize
    return (
        w.layout.by_channels
        and not p.depthwise
        and extras.position_bias is None
        and packed.nbytes > _MANY_WEIGHTS
        and packed.nbytes > _OUTWEIGHS * images
    )


def without_halo(w: Writer, p: Product, x: Blob) -> Product:
    """Return a product of few pixels without the taps that read zeros around x, if that saves much."""
    # Tiles first add up so many products of a span: only channels that fill them may be left out, or sums
    # have other bits.
    at_once = TILE_TERMS if w.element.tiles else w.element.terms
    if p.pixels > _FEW_PIXELS or p.span_length % x.channels or x.channels % at_once:
        return p
    tap_at, inside = taps_inside(p, x, x.channels)
    columns = p.span_length // x.channels
    if inside.sum() > _SAVES_MUCH * columns * sum((b - a) * (d - c) for a, b, c, d in p.segments):
        return p
    pixel, tap = np.nonzero(inside)
    ends = np.searchsorted(pixel, np.arange(p.pixels + 1)).tolist()
    return replace(
        p,
        span_at=tap_at[tap],
        span_length=x.channels,
        first_taps=tap * x.channels,
        segments=[(i, i + 1, *within) for i, within in enumerate(pairwise(ends))],
    )
