"""Products of windows with weights: what convolution, its input's gradient and linear layers are made of.

y[pixel][o] = bias[o] + sum over k of x[pixel + tap k] w[k][o]. The taps come in spans of neighbours in
memory, and output pixels in segments that read the same spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from ...graph import Activation
from ...nn import Parameter
from ..memory import Blob, table
from ..writer import Writer

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
    first_taps : array (spans,), optional
        The number of each span's first tap; default: spans follow each other.
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
    first_taps: np.ndarray | None = None
    summed: bool = False
    depthwise: bool = False

    @property
    def depth(self) -> int:
        """Elements of a window."""
        return self.weight_at.size

    def packed_depth(self, w: Writer) -> int:
        """Return the rows of its weights when they are packed: spans fill whole terms of a multiply-add."""
        return self.depth if self.depthwise else self.depth // max(self.span_length, 1) * _whole(self, w)

    def taps(self, x: Blob) -> np.ndarray:
        """Return the place of every tap."""
        elements = x.channel(np.arange(self.span_length))
        return table((self.span_at[:, None] + elements).ravel())


@dataclass(frozen=True)
class Extras:
    """What goes with a product: biases, an activation, and whether it is added to what y holds.

    Biases and slopes are those of `all_channels`, of which the product's begin at first_channel. Weights are
    multiplied by a scale for each channel, and what the activation makes by one more, to which a shift is
    added: the two rows of `ending`.
    """

    bias: Parameter | np.ndarray | None = None
    position_bias: np.ndarray | None = None
    activation: Activation | None = None
    slopes: Parameter | np.ndarray | None = None
    add: bool = False
    all_channels: int = 0
    first_channel: int = 0
    scale: np.ndarray | None = None
    ending: np.ndarray | None = None


class Grouped(Protocol):
    """What of a convolution tells how many products it is."""

    groups: int

    @property
    def depthwise(self) -> bool:
        """Whether each channel has a window of its own."""


def group_count(w: Writer, node: Grouped) -> int:
    """Return the number of groups that are products of their own."""
    return 1 if node.depthwise and w.layout.by_channels else node.groups


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


def _whole(p: Product, w: Writer) -> int:
    """Return how many weights of a span stand in memory."""
    return -(-p.span_length // w.element.terms) * w.element.terms


def spans_of(w: Writer, p: Product) -> dict[str, Any]:
    """Return what an operation is told of spans."""
    first = np.arange(p.span_at.size) * _whole(p, w) if p.first_taps is None else p.first_taps
    return {
        "span_at": table(p.span_at),
        "k_at": table(first),
        "span_length": p.span_length,
        "depth": p.packed_depth(w),
    }


def taps_inside(
    p: Product, x: Blob, in_channels: int, first_channel: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return where in x the places of the window stand, and whether each pixel reads x there, and no zeros.

    Returns
    -------
    tap_at : array (places,)
    inside : bool array (pixels, places)
    """
    columns = np.arange(p.span_length // in_channels) * in_channels
    tap_at = (p.span_at[:, None] + columns).ravel()
    return tap_at, np.isin(p.x_at[:, None] + tap_at, x.pixels(first_channel))
