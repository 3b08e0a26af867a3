"""Batch normalisation, ReLU, dropout and max-pooling as one node."""

from __future__ import annotations

from ..graph import NormPool
from ..parts import Backward, Forward
from .norm import batch_statistics, is_folded, kept_factor, write_gradients
from .places import first_taps, tap_places


def forward(f: Forward, node: NormPool) -> None:
    """Write z = max_pool(dropout(relu(norm(y))))."""
    w, y = f.writer, f.blobs[node.x]
    z, vectors = f.blob(node.y), w.vectors(node.y.channels)
    windows = {"first": first_taps(node), "taps": tap_places(node, y)}
    if is_folded(f, node):
        w.max_pool(z=z, x=y, **windows, vectors=vectors, channels=node.y.channels)
        return
    if not node.fixed:
        batch_statistics(f, node, y)
    if node.y in f.wanted:
        f.argmax[node] = w.scratch(node.y.pixels * vectors, "INDEX")
    w.apply_pool(
        z=z,
        y=y,
        state=f.norms[node].rows,
        argmax=f.argmax.get(node),
        **windows,
        numbers=node.taps.places(0, node.x.width, 1),
        vectors=vectors,
        y_pixels=node.x.pixels,
        relu=node.relu,
        **f.dropout(node),
    )


def backward(b: Backward, node: NormPool) -> None:
    """Write the gradients of scale and shift and, where it is wanted, x."""
    f, w = b.forward, b.writer
    y = f.blobs[node.x]
    source = {
        "dz": b.grads[node.y],
        "y": y,
        "state": f.norms[node].rows,
        "z": f.blobs[node.y],
        "argmax": f.argmax[node],
        "first": first_taps(node),
        "vectors": w.vectors(node.y.channels),
        "relu": node.relu,
        "factor": kept_factor(node),
    }
    taps = tap_places(node, y)
    if (sums := f.norms[node].sums) is not None:
        w.bn_pool_grad_sums(sums=sums, taps=taps, **source)
        write_gradients(b, node, summed_pixels=node.y.pixels)
    if not b.wanted(node.x):
        return
    dy, rest = b.blob(node.x), node.taps.unread(node.x.height, node.x.width)
    w.bn_pool_grad(
        dy=dy,
        **source,
        y_taps=taps,
        dy_taps=tap_places(node, dy),
        y_rest=y.pixels()[rest],
        dy_rest=dy.pixels()[rest],
    )
    b.give(node.x, dy)
