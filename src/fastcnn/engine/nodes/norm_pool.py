"""Batch normalisation, ReLU, dropout and max-pooling as one node."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..graph import NormPool
from ..parts import Backward, Forward
from .norm import batch_statistics, is_folded, kept_factor, write_gradients
from .places import first_taps, tap_places


def forward(f: Forward, node: NormPool) -> None:
    """Write z = max_pool(dropout(relu(norm(y))))."""
    w, y = f.writer, f.blobs[node.x]
    z = f.blob(node.y)
    first, taps = partial(first_taps, node), partial(tap_places, node, y)
    vectors = w.vectors(node.y.channels)
    sizes = [node.y.pixels, vectors]
    if is_folded(f, node):
        w.add("max_pool", [z, y, None], [z.pixels, first, taps], [*sizes, node.y.channels])
        return
    if not node.fixed:
        batch_statistics(f, node, y)
    if node.y in f.wanted:
        f.argmax[node] = w.scratch(node.y.pixels * vectors)
    dropout, p = f.dropout(node)
    buffers = [z, y, f.norms[node].rows, f.argmax.get(node)]
    tables = [z.pixels, first, taps, lambda: node.taps.places(0, node.x.width, 1)]
    w.add("apply_pool", buffers, tables, [*sizes, node.relu, dropout, node.x.pixels], [p])


def backward(b: Backward, node: NormPool) -> None:
    """Write the gradients of scale and shift and, where it is wanted, x."""
    f, w = b.forward, b.writer
    state, y, z, dz = f.norms[node], f.blobs[node.x], f.blobs[node.y], b.grads[node.y]
    factor = kept_factor(node)
    sizes = [node.y.pixels, w.vectors(node.y.channels), node.relu]
    tables = [dz.pixels, z.pixels, partial(first_taps, node), partial(tap_places, node, y)]
    buffers = [dz, y, state.rows, z, f.argmax[node]]
    write_gradients(b, node, "bn_pool_grad_sums", buffers, tables, sizes, [factor], pixels=node.y.pixels)
    if not b.wanted(node.x):
        return
    dy = w.blob(node.x.channels, node.x.height, node.x.width)
    rest = node.taps.unread(node.x.height, node.x.width)
    tables += [partial(tap_places, node, dy), lambda: np.concatenate([y.pixels()[rest], dy.pixels()[rest]])]
    w.add("bn_pool_grad", [dy, *buffers], tables, [*sizes, rest.size], [factor])
    b.give(node.x, dy)
