"""Linear layers, and convolutions whose window is the whole image: one pixel, whose taps are all elements."""

from __future__ import annotations

import numpy as np

from ..graph import Dense
from ..memory import Blob, table
from ..parts import Backward, Forward
from .conv import bias_grad, relu_masked, weight_of_all
from .places import whole


def _taps(x: Blob) -> np.ndarray:
    """Return the places of the elements of x in (C, H, W) order."""
    pixels = x.pixels().astype(np.int64)
    return table((np.arange(x.channels)[:, None] * x.lanes + pixels[None]).ravel())


def _origin() -> np.ndarray:
    return table(np.zeros(1))


def forward(f: Forward, node: Dense) -> None:
    """Write y = weight x + bias, perhaps clipped."""
    w, x = f.writer, f.blobs[node.x]
    y = f.blob(node.y)
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
        [y.pixels, _origin, lambda: _taps(x), lambda: whole(depth)],
        [1, depth, out, node.relu, 0, out, 0, 1],
        flops=2 * depth * out,
    )


def backward(b: Backward, node: Dense) -> None:
    """Write the gradients of bias, weight and, where it is wanted, x."""
    f, w = b.forward, b.writer
    x, dy = f.blobs[node.x], relu_masked(b, node)
    if node.bias is not None:
        bias_grad(b, node.bias, dy)
    out, depth = node.weight.shape[0], node.x.size
    dweight = b.parameter(node.weight)
    places = [lambda: table(np.arange(depth)), lambda: table(np.arange(out) * depth)]
    tables = [dy.pixels, _origin, lambda: _taps(x)]
    weight_of_all(b, dweight, x, dy, tables, places, [1, depth, out], True)
    if not b.wanted(node.x):
        return
    # dx as one pixel with all elements as channels, in the order of its blob; then spread over the true one.
    flat = w.blob(depth, 1, 1)
    order = np.arange(depth).reshape(node.x.channels, -1).T.ravel()
    packed = w.constant(out * depth)
    w.prepare(
        "conv_pack",
        [packed, node.weight, None],
        [lambda: table(np.arange(out) * depth), lambda: table(order)],
        [out, depth],
        tasks=w.blocks(depth),
    )
    tables = [flat.pixels, dy.pixels, lambda: table(np.arange(out) * w.lanes), lambda: whole(out)]
    w.add("conv", [flat, dy, packed], tables, [1, out, depth, 0, 0, 0, 0, 1], flops=2 * depth * out)
    dx, add = b.target(node.x)
    spread = table(np.arange(node.x.pixels) * node.x.channels * w.lanes)
    sizes = [node.x.pixels, node.x.channels]
    w.add("apply", [dx, flat, None, dx if add else None], [dx.pixels, lambda: spread, dx.pixels], sizes)
