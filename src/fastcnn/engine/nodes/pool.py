"""Max and average pooling."""

from __future__ import annotations

import numpy as np

from ..graph import Apply, Conv, Dense, Pool
from ..memory import Halo
from ..parts import Backward, Forward
from .norm import kept_factor
from .places import first_taps, tap_places


def input_halo(node: Pool) -> Halo:
    """Return the halo that the windows read around x: a padding whose zeros take part in a maximum."""
    (top, bottom), (left, right) = node.taps.rows.span, node.taps.columns.span
    return -left, right - (node.x.width - 1), -top, bottom - (node.x.height - 1)


def forward(f: Forward, node: Pool) -> None:
    """Write the maxima, with their places in training, or the means."""
    w, x = f.writer, f.blobs[node.x]
    z, vectors = f.blob(node.y), w.vectors(node.y.channels)
    windows = {"first": first_taps(node), "taps": tap_places(node, x)}
    if node.factors is not None:
        factor = node.factors().astype(w.element.real)
        w.avg_pool(z=z, x=x, factor=factor, **windows, vectors=vectors)
        return
    if node.x in f.wanted:
        f.argmax[node] = w.scratch(node.y.pixels * vectors, "INDEX")
    w.max_pool(
        z=z, x=x, argmax=f.argmax.get(node), **windows, vectors=vectors, channels=node.y.channels
    )


def masks_gradient(node: Pool) -> bool:
    """Tell whether the gradient of x is written behind the mask of the ReLU that made x (and its dropout)."""
    producer = node.x.producer
    return (
        node.factors is None
        and node.x.consumers == [node]
        and isinstance(producer, Conv | Dense | Apply)
        and producer.relu
    )


def backward(b: Backward, node: Pool) -> None:
    """Write the gradient of x."""
    if not b.wanted(node.x):
        return
    f, w, dz = b.forward, b.writer, b.grads[node.y]
    dx, add = b.target(node.x)
    height, width = node.x.height, node.x.width
    exclusive = not add and node.taps.within((0, height), (0, width)).disjoint
    cleared = node.taps.unread(height, width) if exclusive else np.arange(0 if add else node.x.pixels)
    common = {
        "dx": dx,
        "dz": dz,
        "first": first_taps(node),
        "taps": tap_places(node, dx, drop_margin=True),
        "cleared": dx.pixels()[cleared],
        "vectors": w.vectors(node.y.channels),
        "exclusive": exclusive,
    }
    if node.factors is not None:
        w.avg_pool_grad(**common, factor=node.factors().astype(w.element.real))
        return
    masked = node.x in b.masked
    w.max_pool_grad(
        **common,
        argmax=f.argmax[node],
        z=f.blobs[node.y] if masked else None,
        factor=kept_factor(node.x.producer) if masked else 1.0,
    )
