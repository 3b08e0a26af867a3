"""What writes the operations that make products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import wraps
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from ..._kernels.program import FULL_CHUNK
from ...nn import Parameter
from ..memory import Blob, table
from ..writer import Writer
from .activation import activates
from .bias import bias_of_group
from .few_pixels import weights_outweigh, without_halo
from .product import Extras, Product, Segment, spans_of

# Work on a group that is worth a second thread: it outweighs the time in which threads find each other.
_BAND_FLOPS = 200_000


class Way(Protocol):
    """How a product is made."""

    def __call__(
        self,
        w: Writer,
        p: Product,
        x: Blob,
        y: Blob,
        weight: Parameter,
        extras: Extras,
        *,
        flops: int,
    ) -> None:
        """Write what packs the weights, and what makes y or adds to it."""


def ends(w: Writer, extras: Extras) -> dict[str, Any]:
    """Return what an operation is told of what comes behind its sums."""
    told = activates(extras.activation)
    if extras.activation is not None:
        told["slope"] = extras.slopes
    if extras.ending is not None:
        first = (
            extras.first_channel if w.layout.by_channels else 0
        )  # kernels in "images" skip them by themselves
        told["scale"], told["shift"] = (row[first:] for row in extras.ending)
    return told


def bands_of(w: Writer, flops: int) -> int:
    """Return the number of bands that an operation is cut into."""
    return w.bands if flops >= _BAND_FLOPS else 1


def pack(w: Writer, p: Product, weight: Parameter, scale: np.ndarray | None = None) -> np.ndarray:
    """Let weights, times a scale for each channel, be packed before all else; return where."""
    packed, source = w.constant(p.packed_depth(w) * w.layout.row(p.channels), "VALUE"), w.rounded(weight)
    w.before.pack_weights(
        packed=packed,
        weight=source,
        scale=scale,
        weight_at=p.weight_at,
        channel_at=p.channel_at,
        span_length=0 if p.depthwise else p.span_length,
        tasks=w.blocks(p.channels),
        stage=int(scale is not None or source is not weight),
    )
    return packed


def by_channels(way: Way) -> Way:
    """Return a way that shares products among threads by channels where weights outweigh the images.

    Each thread then reads its part of the weights. Elsewhere bands are of pixels: each reads all weights, and
    its part of the images.
    """

    @wraps(way)
    def cut(
        w: Writer, p: Product, x: Blob, y: Blob, weight: Parameter, extras: Extras, *, flops: int
    ) -> None:
        vectors, bands = w.vectors(p.channels), bands_of(w, flops)
        whole = p.depthwise or p.summed or extras.position_bias is not None or bands > vectors
        if bands == 1 or whole or p.depth * w.layout.row(p.channels) < x.group_size + y.group_size:
            way(w, p, x, y, weight, extras, flops=flops)
            return
        for band, some, more in in_bands(w, p, extras, bands):
            with w.as_band(band):
                way(w, some, x, y, weight, more, flops=flops * some.channels // p.channels)

    return cut


def in_bands(
    w: Writer, p: Product, extras: Extras, bands: int
) -> Iterator[tuple[int | None, Product, Extras]]:
    """Yield so many bands of channels of a product, if it has the vectors, where these are in the lanes.

    Each has a number, which is None if it is the only one.
    """
    vectors = w.vectors(p.channels)
    bands = min(bands, vectors)
    if bands == 1:
        yield None, p, extras
        return
    ends = [min(vectors * i // bands * w.layout.lanes, p.channels) for i in range(bands + 1)]
    for band, (first, last) in enumerate(pairwise(ends)):
        yield band, *_channels(w, p, extras, first, last)


def _channels(w: Writer, p: Product, extras: Extras, first: int, last: int) -> tuple[Product, Extras]:
    """Return some channels of a product, where channels are in the lanes."""
    some = replace(
        p,
        channels=last - first,
        channel_at=p.channel_at[first:last],
        y_at=table(p.y_at.astype(np.int64) + first),
    )
    more = replace(
        extras,
        bias=bias_of_group(w, extras.bias, first, last - first),
        slopes=bias_of_group(w, extras.slopes, first, last - first),
        first_channel=extras.first_channel + first,
        scale=None if extras.scale is None else extras.scale[first:last],
    )
    return some, more


@by_channels
def direct(w: Writer, p: Product, x: Blob, y: Blob, weight: Parameter, extras: Extras, *, flops: int) -> None:
    """Write a product that multiplies x where it stands."""
    multiply(w, p, x, y, pack(w, p, weight, extras.scale), extras, flops=flops)


def multiply(
    w: Writer, p: Product, x: Blob, y: Blob, packed: np.ndarray, extras: Extras, *, flops: int
) -> None:
    """Write y, or add to it, perhaps in bands of pixels."""
    if p.summed and not w.layout.by_channels:
        for part, rest in _parts_of_sum(p, extras):
            multiply_some(w, part, x, y, packed, rest, part.segments, flops=flops // len(p.segments))
        return
    bands = bands_of(w, flops)
    outweigh = bands == 1 and weights_outweigh(w, p, x, y, packed, extras)
    whole_chunk = FULL_CHUNK if outweigh and not w.in_band else False
    if outweigh:
        p = without_halo(w, p, x)
    for i in range(bands):
        first, last = (p.pixels * j // bands for j in (i, i + 1))
        within = [(max(a, first), min(b, last), c, d) for a, b, c, d in p.segments]
        multiply_some(
            w,
            p,
            x,
            y,
            packed,
            extras,
            [each for each in within if each[0] < each[1]],
            flops=flops * (i + 1) // bands - flops * i // bands,
            whole_chunk=whole_chunk,
            band=i if bands > 1 else None,
        )


def _parts_of_sum(p: Product, extras: Extras) -> Iterator[tuple[Product, Extras]]:
    """Yield the products of a sum: the first has the bias, the last the activation; all but the first add."""
    for i, segment in enumerate(p.segments):
        yield (
            replace(p, segments=[segment], summed=False),
            replace(
                extras,
                bias=extras.bias if i == 0 else None,
                activation=extras.activation if i + 1 == len(p.segments) else None,
                add=extras.add or i > 0,
            ),
        )


def multiply_some(
    w: Writer,
    p: Product,
    x: Blob,
    y: Blob,
    packed: np.ndarray,
    extras: Extras,
    some: list[Segment],
    *,
    flops: int,
    whole_chunk: int = False,
    band: int | None = None,
) -> None:
    """Write some segments of a product as one operation."""
    rows = np.array(some, np.int64).reshape(-1, 4)
    common = {
        "y": y,
        "x": x,
        "weight": packed,
        "bias": extras.bias,
        "position_bias": extras.position_bias,
        "y_at": p.y_at,
        "x_at": p.x_at,
        **ends(w, extras),
        "add": extras.add,
        "flops": flops,
        "band": band,
    }
    if not w.layout.by_channels:
        w.conv(
            **common,
            tap_at=p.taps(x),
            segments=table(rows * [1, 1, p.span_length, p.span_length]).ravel(),
            channels=p.channels,
            all_channels=extras.all_channels,
            first_channel=extras.first_channel,
        )
    elif p.depthwise:
        vectors = w.vectors(p.channels)
        places = {"tap_at": table(p.span_at), "segments": table(rows).ravel()}
        w.depthwise(**common, **places, row_pixels=p.row_pixels, vectors=vectors)
    else:
        w.conv_spans(
            **common,
            **spans_of(w, p),
            segments=table(rows).ravel(),
            row_pixels=p.row_pixels,
            vectors=w.vectors(p.channels),
            summed=p.summed,
            whole_chunk=whole_chunk,
        )
