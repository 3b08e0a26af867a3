"""The gradient of a convolution's input: convolutions of dy, one for each remainder by the stride."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..memory import NO_HALO, Blob, Halo, table, widest
from ..parts import Backward
from ..writer import Writer
from .convolution import Convolution
from .multiply import Way, direct
from .product import Extras, Product, group_count, kernel_rows, segments


@dataclass
class _Remainder:
    """The input pixels (row0 + i stride, column0 + j stride) read the same taps of dy."""

    rows: np.ndarray
    columns: np.ndarray
    taps_h: list[tuple[int, int]]  # (tap of the kernel, row of dy relative to i)
    taps_w: list[tuple[int, int]]


def _remainders(node: Convolution) -> list[_Remainder]:
    """Cut the input pixels by their remainder by the stride."""
    win = node.window

    def axis(
        size: int, stride: int, kernel: int, dilation: int, pad: int, first: int
    ) -> tuple[np.ndarray, list[tuple[int, int]]]:
        pixels = np.arange(first, size, stride)
        taps = [
            (u, (first + pad - u * dilation) // stride)
            for u in range(kernel)
            if (first + pad - u * dilation) % stride == 0
        ]
        return pixels, taps

    remainders = []
    for a in range(min(win.stride_h, win.in_h)):
        rows, taps_h = axis(win.in_h, win.stride_h, win.kernel_h, win.dilation_h, win.pad_top, a)
        for c in range(min(win.stride_w, win.in_w)):
            columns, taps_w = axis(win.in_w, win.stride_w, win.kernel_w, win.dilation_w, win.pad_left, c)
            remainders.append(_Remainder(rows, columns, taps_h, taps_w))
    return remainders


def gradient_halo(node: Convolution) -> Halo:
    """Return the halo that is read around dy."""
    halo = NO_HALO
    for part in _remainders(node):
        if part.taps_h and part.taps_w:
            rows, columns = [q for _, q in part.taps_h], [q for _, q in part.taps_w]
            right = part.columns.size - 1 + max(columns) - (node.y.width - 1)
            bottom = part.rows.size - 1 + max(rows) - (node.y.height - 1)
            halo = widest(halo, (-min(columns), right, -min(rows), bottom))
    return halo


def backward_input(b: Backward, node: Convolution, dy: Blob, way: Way = direct) -> None:
    """Write the gradient of x."""
    dx, add = b.target(node.x)
    extras = [Extras(add=add)] * group_count(b.writer, node)
    write_input(b.writer, node, dy, dx, extras, way)


def write_input(
    w: Writer, node: Convolution, dy: Blob, dx: Blob, extras: Sequence[Extras], way: Way = direct
) -> None:
    """Write dx: for each remainder a convolution of dy with the weights of its taps.

    `extras` are what goes with it for each group of channels.
    """
    for part in _remainders(node):
        for group, extra in enumerate(extras):
            _write_part(w, node, dy, dx, extra, part, group, way)


def _write_part(
    w: Writer,
    node: Convolution,
    dy: Blob,
    dx: Blob,
    extras: Extras,
    part: _Remainder,
    group: int,
    way: Way,
) -> None:
    win = node.window
    depthwise = group_count(w, node) < node.groups
    out, inner = node.weight.shape[0] // node.groups, node.x.channels if depthwise else node.weight.shape[1]
    kernel_size = win.kernel_h * win.kernel_w
    kernel_taps = [(u, v, q, r) for u, q in part.taps_h for v, r in part.taps_w]
    u, v, q, r = np.array(kernel_taps, np.int64).reshape(-1, 4).T
    o = np.arange(out) + group * out
    i, j = np.arange(part.rows.size), np.arange(part.columns.size)
    if not kernel_taps:  # nothing is read, and there may be more pixels than the halo has room for
        i, j = 0 * i, 0 * j
    ranges = kernel_rows(i, np.array([q for _, q in part.taps_h], np.int64), node.y.height)
    product = Product(
        pixels=i.size * j.size,
        row_pixels=j.size,
        channels=inner,
        y_at=dx.grid(part.rows, part.columns, group * inner),
        x_at=dy.grid(i, j),
        span_at=dy.offset(q, r) + dy.channel(group * out),
        span_length=out,
        weight_at=table((o * node.weight.shape[1] * kernel_size + (u * win.kernel_w + v)[:, None]).ravel()),
        channel_at=table(np.arange(inner) * kernel_size),
        segments=segments(ranges, j.size, len(part.taps_w)),
        depthwise=depthwise,
    )
    # Products of the forward pass with these taps, zeros left out.
    flops = 2 * node.y.pixels * product.depth * inner
    way(w, product, dy, dx, node.weight, extras, flops=flops)
