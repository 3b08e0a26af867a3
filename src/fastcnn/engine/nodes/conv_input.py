"""The gradient of a convolution's input: convolutions of dy, one for each phase of the stride."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Conv
from ..memory import Blob, table
from ..parts import Backward
from .product import Product, group_count, kernel_rows, multiply, pack, segments


@dataclass
class _Phase:
    """The input pixels (row0 + i stride, column0 + j stride) read the same taps of dy."""

    rows: np.ndarray
    columns: np.ndarray
    taps_h: list[tuple[int, int]]  # (tap of the kernel, row of dy relative to i)
    taps_w: list[tuple[int, int]]


def _phases(node: Conv) -> list[_Phase]:
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

    phases = []
    for a in range(min(win.stride_h, win.in_h)):
        rows, taps_h = axis(win.in_h, win.stride_h, win.kernel_h, win.dilation_h, win.pad_top, a)
        for c in range(min(win.stride_w, win.in_w)):
            columns, taps_w = axis(win.in_w, win.stride_w, win.kernel_w, win.dilation_w, win.pad_left, c)
            phases.append(_Phase(rows, columns, taps_h, taps_w))
    return phases


def backward_input(b: Backward, node: Conv, dy: Blob) -> None:
    """Write the gradient of x: for each phase of the stride a convolution of dy with that phase's weights."""
    dx, add = b.target(node.x)
    for phase in _phases(node):
        if phase.taps_h and phase.taps_w:
            low_h, high_h = min(q for _, q in phase.taps_h), max(q for _, q in phase.taps_h)
            low_w, high_w = min(q for _, q in phase.taps_w), max(q for _, q in phase.taps_w)
            right = len(phase.columns) - 1 + high_w - (dy.width - 1)
            bottom = len(phase.rows) - 1 + high_h - (dy.height - 1)
            dy.require(-low_w, right, -low_h, bottom)
        for group in range(group_count(b.writer, node)):
            _write_phase(b, node, dy, dx, add, phase, group)


def _write_phase(b: Backward, node: Conv, dy: Blob, dx: Blob, add: int, phase: _Phase, group: int) -> None:
    win = node.window
    depthwise = group_count(b.writer, node) < node.groups
    out, inner = node.weight.shape[0] // node.groups, node.x.channels if depthwise else node.weight.shape[1]
    kernel_size = win.kernel_h * win.kernel_w
    kernel_taps = [(u, v, q, r) for u, q in phase.taps_h for v, r in phase.taps_w]
    u, v, q, r = np.array(kernel_taps, np.int64).reshape(-1, 4).T
    o = np.arange(out) + group * out
    i, j = np.arange(phase.rows.size), np.arange(phase.columns.size)
    ranges = kernel_rows(i, np.array([q for _, q in phase.taps_h], np.int64), node.y.height)
    product = Product(
        pixels=i.size * j.size,
        width=j.size,
        depth=len(kernel_taps) * out,
        channels=inner,
        y_at=lambda: dx.grid(phase.rows, phase.columns, group * inner),
        x_at=lambda: dy.grid(i, j),
        runs=lambda: dy.offset(q, r) + dy.channel(group * out),
        run_length=out,
        weight_at=lambda: table(
            (o * node.weight.shape[1] * kernel_size + (u * win.kernel_w + v)[:, None]).ravel()
        ),
        channel_at=lambda: table(np.arange(inner) * kernel_size),
        segments=segments(ranges, j.size, len(phase.taps_w)),
        depthwise=depthwise,
    )
    packed = pack(b.writer, product, node.weight)
    # Products of the forward pass with these taps, zeros left out.
    flops = 2 * node.y.pixels * product.depth * inner
    multiply(b.writer, product, dx, dy, packed, add=add, flops=flops)
