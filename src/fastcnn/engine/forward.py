"""Writing the forward part of a program: one function for each kind of node."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .._shapes import Window
from ..nn import BatchNorm2d, Dropout, Parameter
from .emit import Writer
from .graph import Add, Apply, Concat, Conv, Dense, Graph, Node, NormPool, Pool, Value
from .memory import Blob, External, Vectors, table


@dataclass
class NormState:
    """What batch normalisation keeps between its pieces; rows as in csrc/lanes_norm.c."""

    rows: np.ndarray
    sums: Vectors | None


@dataclass
class Forward:
    """The forward part as it is written, and what the backward part needs of it."""

    writer: Writer
    graph: Graph
    training: bool
    blobs: dict[Value, Blob] = field(default_factory=dict)
    norms: dict[Node, NormState] = field(default_factory=dict)
    argmax: dict[Node, Vectors] = field(default_factory=dict)
    dropouts: list[Dropout] = field(default_factory=list)
    folded: dict[Conv, Apply | NormPool] = field(default_factory=dict)

    def write(self, input_bytes: bool) -> None:
        """Write the whole part: weights, images in, every node, results out."""
        graph, w = self.graph, self.writer
        if not self.training:
            self._find_folded()
        source = self.blobs[graph.input] = self._blob(graph.input)
        for node in graph.nodes:
            self._weights(node)
        name = "bytes" if input_bytes else "input"
        buffers = [source, External(name, graph.input.size)]
        if input_bytes:
            buffers.append(External("values", 0))
        w.add(
            "pack_bytes" if input_bytes else "pack",
            buffers,
            [source.pixels],
            [source_pixels(source), source.channels],
        )
        for node in graph.nodes:
            _WRITERS[type(node)](self, node)
        result = self.blobs[graph.output]
        sizes = [source_pixels(result), result.channels]
        w.add("unpack", [External("output", graph.output.size), result], [result.pixels], sizes)

    def dropout(self, layer: Dropout) -> tuple[int, float]:
        """Return (the number of a dropout layer, from 1; its probability)."""
        self.dropouts.append(layer)
        return len(self.dropouts), layer.p

    def _blob(self, value: Value) -> Blob:
        return self.writer.blob(value.channels, value.height, value.width)

    def _find_folded(self) -> None:
        """In evaluation, batch normalisation right after a convolution is part of its weights."""
        for node in self.graph.nodes:
            before = node.x.producer
            if (
                isinstance(node, Apply | NormPool)
                and node.norm is not None
                and isinstance(before, Conv)
                and not before.relu
                and before.position_bias is None
                and node.x.consumers == [node]
            ):
                self.folded[before] = node

    def _weights(self, node: Node) -> None:
        """Pack the weights of a node, before anything else runs."""
        if isinstance(node, Apply | NormPool) and node.norm is not None:
            self._norm_state(node, None)
        if isinstance(node, Conv) and node in self.folded:
            self._norm_state(self.folded[node], node.bias)

    def _norm_state(self, node: Apply | NormPool, conv_bias: Parameter | None) -> None:
        """Make the state of a batch normalisation; in evaluation, fill it from the running statistics."""
        norm = node.norm
        assert norm is not None
        if node in self.norms:
            return
        w = self.writer
        channels = norm.num_features
        sums = w.scratch(2 * channels) if self.training else None
        self.norms[node] = NormState(w.constant(8 * channels), sums)
        if not self.training:
            buffers = [self.norms[node].rows, None, norm.weight, norm.bias, *running(norm), conv_bias]
            w.prepare("bn_fixed", buffers, [], [1, channels], [lambda: norm.eps], tasks=1)


def running(norm: BatchNorm2d) -> list[np.ndarray]:
    """Return the running statistics of a batch normalisation."""
    return [norm.running_mean, norm.running_var]


def source_pixels(blob: Blob) -> int:
    """Return the number of pixels of a blob."""
    return blob.height * blob.width


def conv_tables(
    window: Window, groups: int, group: int, weight: Parameter, x: Blob, y: Blob
) -> dict[str, np.ndarray]:
    """Return the places of pixels, taps and weights of one group of a convolution."""
    out, depth_channels = weight.shape[0] // groups, weight.shape[1]
    i, j = np.divmod(np.arange(window.out_h * window.out_w), window.out_w)
    u, v, c = (a.ravel() for a in np.mgrid[: window.kernel_h, : window.kernel_w, :depth_channels])
    lanes = x.lanes
    taps = x.offset(u * window.dilation_h, v * window.dilation_w) + (group * depth_channels + c) * lanes
    kernel_size = window.kernel_h * window.kernel_w
    return {
        "y": y.at(i, j) + np.int32(group * out * lanes),
        "x": x.at(i * window.stride_h - window.pad_top, j * window.stride_w - window.pad_left),
        "tap": table(taps),
        "weight": table(c * kernel_size + u * window.kernel_w + v),
        "channel": table((group * out + np.arange(out)) * depth_channels * kernel_size),
    }


def segments(ranges: list[tuple[int, int]], width: int, taps: int) -> np.ndarray:
    """Return (first pixel, last + 1, first tap, last + 1) of runs of rows that read the same kernel rows.

    `ranges` holds the kernel rows [first, last) of each output row that lie in the image; a row has `width`
    pixels, and a kernel row `taps` taps.
    """
    runs: list[list[int]] = []
    for i, (first, last) in enumerate(ranges):
        if runs and runs[-1][2:] == [first * taps, last * taps]:
            runs[-1][1] = (i + 1) * width
        else:
            runs.append([i * width, (i + 1) * width, first * taps, last * taps])
    return table(np.array(runs, np.int64).reshape(-1))


def _kernel_rows(window: Window) -> list[tuple[int, int]]:
    """Return the kernel rows [first, last) of each output row that lie in the image."""
    ranges = []
    for i in range(window.out_h):
        top = i * window.stride_h - window.pad_top
        first = max(0, -(top // window.dilation_h))
        last = min(window.kernel_h, (window.in_h - 1 - top) // window.dilation_h + 1)
        ranges.append((first, max(first, last)) if first < window.kernel_h else (0, 0))
    return ranges


def whole(depth: int) -> np.ndarray:
    """Return the one segment of a layer of one pixel."""
    return table(np.array([0, 1, 0, depth]))


def require_conv_halo(window: Window, x: Blob) -> None:
    """Ask for the halo that a window reads around x."""
    reach_h = (
        (window.out_h - 1) * window.stride_h + window.dilation_h * (window.kernel_h - 1) - window.pad_top
    )
    reach_w = (
        (window.out_w - 1) * window.stride_w + window.dilation_w * (window.kernel_w - 1) - window.pad_left
    )
    x.require(window.pad_left, reach_w - (x.width - 1), window.pad_top, reach_h - (x.height - 1))


def _conv(f: Forward, node: Conv) -> None:
    w, x = f.writer, f.blobs[node.x]
    norm = f.folded.get(node)
    y = f.blobs[node.y] = f._blob(node.y)
    require_conv_halo(node.window, x)
    out, depth = node.weight.shape[0] // node.groups, int(np.prod(node.weight.shape[1:]))
    bias: Parameter | np.ndarray | None = node.bias
    scale, relu = None, node.relu
    if norm is not None:
        relu = norm.relu
        rows, channels = f.norms[norm].rows, node.weight.shape[0]
        scale, bias = rows[:channels], rows[channels : 2 * channels]
    position = None
    if node.position_bias is not None:
        position = w.constant(node.position_bias.size)
        place = np.arange(position.size).reshape(node.position_bias.shape).transpose(1, 2, 0).ravel()
        w.prepare(
            "gather",
            [position, node.position_bias],
            [lambda place=place: table(place)],
            [position.size],
            tasks=1,
        )
    runs = segments(_kernel_rows(node.window), node.window.out_w, node.window.kernel_w * node.weight.shape[1])
    for group in range(node.groups):
        packed = w.constant(out * depth)
        places = lambda name, g=group: (
            lambda: conv_tables(node.window, node.groups, g, node.weight, x, y)[name]
        )  # noqa: E731
        first = group * out
        w.prepare(
            "conv_pack",
            [packed, node.weight, None if scale is None else scale[first : first + out]],
            [places("weight"), places("channel")],
            [depth, out],
            tasks=w.blocks(out),
        )
        w.add(
            "conv",
            [y, x, packed, bias, position],
            [places("y"), places("x"), places("tap"), lambda runs=runs: runs],
            [node.y.pixels, depth, out, relu, 0, node.weight.shape[0], first, runs.size // 4],
            flops=2 * node.y.pixels * depth * out,
        )


def dense_taps(x: Blob) -> np.ndarray:
    """Places of the elements of x in (C, H, W) order."""
    pixels = x.pixels().astype(np.int64)
    return table((np.arange(x.channels)[:, None] * x.lanes + pixels[None]).ravel())


def _dense(f: Forward, node: Dense) -> None:
    w, x = f.writer, f.blobs[node.x]
    y = f.blobs[node.y] = f._blob(node.y)
    out, depth = node.weight.shape[0], node.x.size
    packed = w.constant(out * depth)
    w.prepare(
        "conv_pack",
        [packed, node.weight, None],
        [lambda: table(np.arange(depth)), lambda: table(np.arange(out) * depth)],
        [depth, out],
        tasks=w.blocks(out),
    )
    w.add(
        "conv",
        [y, x, packed, node.bias],
        [y.pixels, lambda: table(np.zeros(1)), lambda: dense_taps(x), lambda: whole(depth)],
        [1, depth, out, node.relu, 0, out, 0, 1],
        flops=2 * depth * out,
    )


def _batch_statistics(f: Forward, node: Apply | NormPool, y: Blob) -> None:
    """Sum y over each group, then, with all groups, find mean and variance and update the running ones."""
    w, norm, state = f.writer, node.norm, f.norms[node]
    assert norm is not None
    sizes = [node.x.pixels, node.x.channels]
    shift, var = running(norm)
    w.add("bn_sums", [state.sums, y, shift], [y.pixels], sizes)
    scalars = [lambda: norm.eps, lambda: norm.momentum]
    buffers = [state.rows, state.sums, norm.weight, norm.bias, shift, var]
    w.add("bn_finish", buffers, [], sizes, scalars, tasks=1)


def _norm_pool(f: Forward, node: NormPool) -> None:
    w, y = f.writer, f.blobs[node.x]
    z = f.blobs[node.y] = f._blob(node.y)
    first = lambda: pool_tables(node, y, False)[0]  # noqa: E731
    taps = lambda: pool_tables(node, y, False)[1]  # noqa: E731
    sizes = [node.y.pixels, node.y.channels]
    if node.x.producer in f.folded:  # the convolution has normalised and clipped
        w.add("max_pool", [z, y, None], [z.pixels, first, taps], sizes)
        return
    dropout, p = 0, 0.0
    if f.training:
        _batch_statistics(f, node, y)
        f.argmax[node] = w.scratch(node.y.size)
        if node.dropout is not None:
            dropout, p = f.dropout(node.dropout)
    numbers = table(np.array([u * node.x.width + v for window in node.taps for u, v in window]))
    buffers = [z, y, f.norms[node].rows, f.argmax.get(node)]
    tables = [z.pixels, first, taps, lambda: numbers]
    w.add("apply_pool", buffers, tables, [*sizes, node.relu, dropout, node.x.pixels], [p])


def _apply(f: Forward, node: Apply) -> None:
    w, y = f.writer, f.blobs[node.x]
    sizes = [node.y.pixels, node.y.channels]
    state = None
    norm = node.norm
    if norm is not None:
        state = f.norms[node].rows
        if f.training:
            _batch_statistics(f, node, y)
        elif node.x.producer in f.folded:  # the convolution has written z
            f.blobs[node.y] = y
            return
    z = f.blobs[node.y] = f._blob(node.y)
    dropout, p = 0, 0.0
    if node.dropout is not None and f.training:
        dropout, p = f.dropout(node.dropout)
    w.add("apply", [z, y, state], [z.pixels, y.pixels], [*sizes, node.relu, dropout], [p])


def pool_tables(node: Pool | NormPool, x: Blob, drop_margin: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return (first, taps): where each window's taps start, and their places (-1: in the margin)."""
    first = np.cumsum([0] + [len(window) for window in node.taps])
    row, column = np.array([tap for window in node.taps for tap in window], np.int64).reshape(-1, 2).T
    places = x.at(row, column)
    if drop_margin:
        outside = (row < 0) | (row >= x.height) | (column < 0) | (column >= x.width)
        places[outside] = -1
    return table(first), places


def _pool(f: Forward, node: Pool) -> None:
    w, x = f.writer, f.blobs[node.x]
    z = f.blobs[node.y] = f._blob(node.y)
    taps = np.array([tap for window in node.taps for tap in window]).reshape(-1, 2)
    if len(taps):
        low, high = taps.min(axis=0), taps.max(axis=0)
        x.require(-low[1], high[1] - (x.width - 1), -low[0], high[0] - (x.height - 1))
    tables = [z.pixels, lambda: pool_tables(node, x, False)[0], lambda: pool_tables(node, x, False)[1]]
    sizes = [node.y.pixels, node.y.channels]
    if node.factors is None:
        winners = f.argmax[node] = w.scratch(node.y.size) if f.training else None  # type: ignore[assignment]
        w.add("max_pool", [z, x, winners], tables, sizes)
    else:
        w.add("avg_pool", [z, x, np.array(node.factors, w.dtype)], tables, sizes)


def _add(f: Forward, node: Add) -> None:
    x, other = f.blobs[node.x], f.blobs[node.other]
    z = f.blobs[node.y] = f._blob(node.y)
    f.writer.add(
        "apply", [z, other, None, x], [z.pixels, other.pixels, x.pixels], [node.y.pixels, node.y.channels]
    )


def shifted(blob: Blob, channels: int):
    """Return a table of a blob's pixels that starts at a later channel."""
    return lambda: blob.pixels() + np.int32(channels * blob.lanes)


def _concat(f: Forward, node: Concat) -> None:
    z = f.blobs[node.y] = f._blob(node.y)
    first = 0
    for value in (node.x, node.other):
        part = f.blobs[value]
        f.writer.add("apply", [z, part], [shifted(z, first), part.pixels], [value.pixels, value.channels])
        first += value.channels


_WRITERS = {
    Add: _add,
    Apply: _apply,
    Concat: _concat,
    Conv: _conv,
    Dense: _dense,
    NormPool: _norm_pool,
    Pool: _pool,
}
