"""Products of windows with weights: what convolution, its input's gradient and linear layers are made of.

y[pixel][o] = bias[o] + sum over k of x[pixel + tap k] w[k][o]. The taps come in spans of neighbours in
memory, and output pixels in segments that read the same spans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from ...graph import Activation
from ...nn import Parameter
from ..emit import Writer
from ..memory import Blob, table
from .activation import activates

# Work on a group that is worth a second thread: it outweighs the time in which threads find each other.
_BAND_FLOPS = 200_000
Segment = tuple[int, int, int, int]  # first pixel, last + 1, first span, last + 1


@dataclass
class Product:
    """The places of a product; tables are int32.

    Attributes
    ----------
    pixels, row_pixels : int
        Of y, and of a row of them.
    channels : int
        Elements of y's pixels.
    y_at, x_at : arrays (pixels,)
        Places of the output pixels, and of each one's window in x.
    span_at : array (spans,)
        Places of the first elements of spans, relative to the window's.
    span_length : int
        Elements of a span: channels that follow each other.
    weight_at, channel_at : arrays (depth,) and (channels,)
        Tap k's weight for channel o stands at their sum.
    segments : list of Segment
    summed : bool
        Whether the segments are parts of one sum.
    depthwise : bool
        Whether each channel of y is made of the same channel of x alone.
    """

    pixels: int
    row_pixels: int
    channels: int
    y_at: np.ndarray
    x_at: np.ndarray
    span_at: np.ndarray
    span_length: int
    weight_at: np.ndarray
    channel_at: np.ndarray
    segments: list[Segment]
    summed: bool = False
    depthwise: bool = False

    @property
    def depth(self) -> int:
        """Elements of a window."""
        return self.weight_at.size

    def taps(self, x: Blob) -> np.ndarray:
        """Return the place of every tap."""
        elements = x.channel(np.arange(self.span_length))
        return table((self.span_at[:, None] + elements).ravel())


@dataclass(frozen=True)
class Extras:
    """What goes with a product: biases, an activation, and whether it is added to what y holds.

    The biases are those of `all_channels`, of which the product's begin at first_channel. Weights are
    multiplied by a scale for each channel, and what the activation makes by one more, to which a shift is
    added: the two rows of `ending`.
    """

    bias: Parameter | np.ndarray | None = None
    position_bias: np.ndarray | None = None
    activation: Activation | None = None
    add: bool = False
    all_channels: int = 0
    first_channel: int = 0
    scale: np.ndarray | None = None
    ending: np.ndarray | None = None


def ends(w: Writer, extras: Extras) -> dict[str, Any]:
    """Return what an operation is told of what comes behind its sums."""
    told = activates(extras.activation)
    if extras.ending is not None:
        first = (
            extras.first_channel if w.layout.by_channels else 0
        )  # kernels in "images" skip them by themselves
        told["scale"], told["shift"] = (row[first:] for row in extras.ending)
    return told


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


class Grouped(Protocol):
    """What of a convolution tells how many products it is."""

    groups: int

    @property
    def depthwise(self) -> bool:
        """Whether each channel has a window of its own."""


def kernel_rows(top: np.ndarray, taps: np.ndarray, height: int) -> np.ndarray:
    """Return the kernel rows [first, last) of each output row that lie in the image, as an array (rows, 2).

    Kernel row u of output row i reads the row top[i] + taps[u]; `taps` rises or falls.
    """
    if taps.size and taps[0] > taps[-1]:  # upside down they rise
        top, taps = height - 1 - top, -taps
    first, last = np.searchsorted(taps, -top), np.searchsorted(taps, height - top)
    return np.where(first < last, (first, last), 0).T


def segments(ranges: np.ndarray, row_pixels: int, spans_of_row: int) -> list[Segment]:
    """Return the segments of output rows of so many pixels, of which `ranges` are the kernel rows."""
    spans = ranges * spans_of_row
    changes = np.flatnonzero((spans[1:] != spans[:-1]).any(axis=1)) + 1
    ends = [0, *changes.tolist(), len(spans)]
    return [(i * row_pixels, j * row_pixels, *spans[i].tolist()) for i, j in pairwise(ends)]


def pack(w: Writer, p: Product, weight: Parameter, scale: np.ndarray | None = None) -> np.ndarray:
    """Let weights, times a scale for each channel, be packed before all else; return where."""
    packed = w.constant(p.depth * w.layout.row(p.channels), "VALUE")
    w.before.pack_weights(
        packed=packed,
        weight=weight,
        scale=scale,
        weight_at=p.weight_at,
        channel_at=p.channel_at,
        tasks=w.blocks(p.channels),
        stage=0 if scale is None else 1,
    )
    return packed


def direct(w: Writer, p: Product, x: Blob, y: Blob, weight: Parameter, extras: Extras, *, flops: int) -> None:
    """Write a product that multiplies x where it stands."""
    multiply(w, p, x, y, pack(w, p, weight, extras.scale), extras, flops=flops)


def group_count(w: Writer, node: Grouped) -> int:
    """Return the number of groups that are products of their own."""
    return 1 if node.depthwise and w.layout.by_channels else node.groups


def bands_of(w: Writer, flops: int) -> int:
    """Return the number of bands that an operation is cut into."""
    return w.bands if flops >= _BAND_FLOPS else 1


def multiply(
    w: Writer, p: Product, x: Blob, y: Blob, packed: np.ndarray, extras: Extras, *, flops: int
) -> None:
    """Write y, or add to it, perhaps in bands of pixels."""
    if p.summed and not w.layout.by_channels:
        for part, rest in _parts_of_sum(p, extras):
            multiply_some(w, part, x, y, packed, rest, part.segments, flops=flops // len(p.segments))
        return
    bands = bands_of(w, flops)
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
    whole_chunk: bool = False,
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
        w.depthwise(**common, tap_at=table(p.span_at), segments=table(rows).ravel(), vectors=vectors)
    else:
        w.conv_spans(
            **common,
            span_at=table(p.span_at),
            span_length=p.span_length,
            segments=table(rows).ravel(),
            row_pixels=p.row_pixels,
            vectors=w.vectors(p.channels),
            summed=p.summed,
            whole_chunk=whole_chunk,
        )
