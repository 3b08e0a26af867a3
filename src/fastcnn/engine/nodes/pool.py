"""Max and average pooling."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..graph import Apply, Conv, Dense, Node, Pool, Value
from ..parts import Backward, Forward
from .norm import kept_factor
from .places import first_taps, tap_places


def forward(f: Forward, node: Pool) -> None:
    """Write the maxima, with their places in training, or the means."""
    w, x = f.writer, f.blobs[node.x]
    z = f.blob(node.y)
    (top, bottom), (left, right) = node.taps.rows.span, node.taps.columns.span
    x.require(-left, right - (x.width - 1), -top, bottom - (x.height - 1))
    tables = [z.pixels, partial(first_taps, node), partial(tap_places, node, x)]
    sizes = [node.y.pixels, w.vectors(node.y.channels)]
    if node.factors is None:
        if node.x in f.wanted:
            f.argmax[node] = w.scratch(node.y.pixels * sizes[1])
        w.add("max_pool", [z, x, f.argmax.get(node)], tables, [*sizes, node.y.channels])
    else:
        w.add("avg_pool", [z, x, node.factors().astype(w.dtype)], tables, sizes)


def _behind_relu(b: Backward, value: Value, reader: Node) -> bool:
    """Tell whether a value comes out of a ReLU (and dropout) and has one reader."""
    producer = value.producer
    if value is b.forward.graph.output or value.consumers != [reader]:
        return False
    return isinstance(producer, Conv | Dense | Apply) and producer.relu


def backward(b: Backward, node: Pool) -> None:
    """Write the gradient of x, behind the mask of the ReLU that made x if there is one."""
    if not b.wanted(node.x):
        return
    f, w, dz = b.forward, b.writer, b.grads[node.y]
    dx, add = b.target(node.x)
    tables = [dz.pixels, partial(first_taps, node), partial(tap_places, node, dx, True)]
    sizes = [node.y.pixels, w.vectors(node.y.channels)]
    size = (node.x.height, node.x.width)
    exclusive = not add and node.taps.within((0, size[0]), (0, size[1])).disjoint
    cleared = node.taps.unread(*size) if exclusive else np.arange(0 if add else node.x.pixels)
    if node.factors is not None:
        tables.append(lambda: dx.pixels()[cleared])
        w.add(
            "avg_pool_grad",
            [dx, dz, node.factors().astype(w.dtype)],
            tables,
            [*sizes, cleared.size, exclusive],
        )
        return
    z, factor = None, 1.0
    if _behind_relu(b, node.x, node):
        z, factor = f.blobs[node.y], kept_factor(node.x.producer)
        b.masked.add(node.x)
    masked_at = z or dz
    tables.append(lambda: np.concatenate([dx.pixels()[cleared], masked_at.pixels()]))
    buffers = [dx, dz, f.argmax[node], z]
    w.add("max_pool_grad", buffers, tables, [*sizes, cleared.size, exclusive], [factor])
