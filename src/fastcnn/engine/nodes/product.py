"""Products of windows with weights: what convolution, its input's gradient and linear layers are made of.

y[pixel][o] = bias[o] + sum over k of x[pixel + tap k] w[k][o]. The taps come in runs of neighbours in memory,
and output pixels in segments that read the same runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ...nn import Parameter
from ..emit import Writer
from ..graph import Conv
from ..memory import Blob, table

Places = Callable[[], np.ndarray]

# Work on a group that is worth a second thread: it outweighs the time in which threads find each other.
_BAND_FLOPS = 200_000


@dataclass
class Product:
    """The places of a product.

    Attributes
    ----------
    pixels, width : int
        Of y, and of a row of them.
    depth, channels : int
        Elements of a window, and of y's pixels.
    y_at, x_at : functions that return tables
        Of the output pixels, and of each one's window in x.
    runs : function that returns int64 (runs,)
        Places of the first elements of runs, relative to the window's.
    run_length : int
        Elements of a run: channels that follow each other.
    weight_at, channel_at : functions that return tables
        Tap k's weight for channel o stands at their sum.
    segments : list of (first pixel, last + 1, first run, last + 1)
    summed : bool
        Whether the segments are parts of one sum.
    depthwise : bool
        Whether each channel of y is made of the same channel of x alone.
    """

    pixels: int
    width: int
    depth: int
    channels: int
    y_at: Places
    x_at: Places
    runs: Places
    run_length: int
    weight_at: Places
    channel_at: Places
    segments: list[tuple[int, int, int, int]]
    summed: bool = False
    depthwise: bool = False

    def taps(self, x: Blob) -> np.ndarray:
        """Return the place of every tap."""
        elements = x.channel(np.arange(self.run_length))
        return table((self.runs()[:, None] + elements).ravel())


def kernel_rows(top: np.ndarray, taps: np.ndarray, height: int) -> np.ndarray:
    """Return the kernel rows [first, last) of each output row that lie in the image, as an array (rows, 2).

    Kernel row u of output row i reads the row top[i] + taps[u]; `taps` rises or falls.
    """
    if taps.size and taps[0] > taps[-1]:  # upside down they rise
        top, taps = height - 1 - top, -taps
    first, last = np.searchsorted(taps, -top), np.searchsorted(taps, height - top)
    return np.where(first < last, (first, last), 0).T


def segments(ranges: np.ndarray, width: int, runs_of_row: int) -> list[tuple[int, int, int, int]]:
    """Return the segments of output rows of `width` pixels, of which `ranges` are the kernel rows."""
    runs = ranges * runs_of_row
    changes = np.flatnonzero((runs[1:] != runs[:-1]).any(axis=1)) + 1
    ends = [0, *changes.tolist(), len(runs)]
    return [(i * width, j * width, *runs[i].tolist()) for i, j in pairwise(ends)]


def pack(w: Writer, p: Product, weight: Parameter, scale: np.ndarray | None = None) -> np.ndarray:
    """Let weights, times a scale for each channel, be packed before all else; return where."""
    packed = w.constant(p.depth * w.layout.row(p.channels))
    w.prepare(
        "conv_pack",
        [packed, weight, scale],
        [p.weight_at, p.channel_at],
        [p.depth, p.channels],
        tasks=w.blocks(p.channels),
        stage=0 if scale is None else 1,
    )
    return packed


def group_count(w: Writer, node: Conv) -> int:
    """Return the number of groups that are products of their own."""
    return 1 if node.depthwise and w.layout.by_channels else node.groups


def bands_of(w: Writer, flops: int) -> int:
    """Return the number of bands that an operation is cut into."""
    return w.bands if flops >= _BAND_FLOPS else 1


def multiply(
    w: Writer,
    p: Product,
    y: Blob,
    x: Blob,
    packed: np.ndarray,
    *,
    bias: Parameter | np.ndarray | None = None,
    position_bias: np.ndarray | None = None,
    relu: bool = False,
    add: int = 0,
    all_channels: int = 0,
    first_channel: int = 0,
    together: bool = False,
    parts: int = 0,
    band: int | None = None,
    flops: int = 0,
) -> None:
    """Write y, or add to it; the biases are those of `all_channels`, of which these begin at first_channel.

    With a `band` this is part of a larger operation; otherwise it may be cut into bands of pixels here. With
    `parts`, all images are multiplied at once: by tasks, for each block of channels and part of the images.
    """
    tables: list[Places]
    if w.layout.by_channels:
        tables = [p.y_at, p.x_at, lambda: table(p.runs())]
        sizes = [p.width, p.run_length, w.vectors(p.channels), relu, add, p.depth // p.run_length]
    elif p.summed:
        for i, segment in enumerate(p.segments):
            multiply(
                w,
                replace(p, segments=[segment], summed=False),
                y,
                x,
                packed,
                bias=bias if i == 0 else None,
                relu=relu and i + 1 == len(p.segments),
                add=add or i > 0,
                all_channels=all_channels,
                flops=flops // len(p.segments),
            )
        return
    else:
        tables = [p.y_at, p.x_at, lambda: p.taps(x)]
        sizes = [p.pixels, p.depth, p.channels, relu, add, all_channels, first_channel]
    buffers = [y, x, packed, bias, position_bias]
    if parts:
        places = table(np.array(p.segments)).ravel()
        w.add(
            "conv_all",
            buffers,
            [*tables, lambda: places],
            [parts, *sizes[1:], len(p.segments)],
            tasks=w.blocks(p.channels) * parts,
            flops=flops,
        )
        return
    bands = 1 if together else bands_of(w, flops)
    for i in range(bands):
        ends = [p.pixels * j // bands for j in (i, i + 1)]
        found = [(max(a, ends[0]), min(b, ends[1]), c, d) for a, b, c, d in p.segments]
        found = [each for each in found if each[0] < each[1]]
        places = table(np.array(found, np.int64).reshape(-1, 4) * _segment_scale(w, p)).ravel()
        w.add(
            "depthwise" if p.depthwise else "conv",
            buffers,
            [*tables, lambda places=places: places],
            [*sizes, len(found), *([p.summed] if w.layout.by_channels else [])],
            together=together,
            flops=flops * (i + 1) // bands - flops * i // bands,
            band=i if bands > 1 else band,
        )


def _segment_scale(w: Writer, p: Product) -> list[int]:
    """In "images" segments are told in taps."""
    each = 1 if w.layout.by_channels else p.run_length
    return [1, 1, each, each]
