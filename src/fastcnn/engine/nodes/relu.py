"""The mask of a ReLU that a product or a sum ends with."""

from __future__ import annotations

from ..graph import Add, Conv, Dense
from ..memory import Blob
from ..parts import Backward


def relu_masked(b: Backward, node: Add | Conv | Dense) -> Blob:
    """Return the gradient of a node's product or sum: that of y where y > 0 if it has a ReLU."""
    g = b.grads[node.y]
    if not node.relu or node.y in b.masked:
        return g
    y, w = b.forward.blobs[node.y], b.writer
    dy = w.blob(node.y.channels, node.y.height, node.y.width, b.halos.masked(node))
    w.relu_grad(dx=dy, g=g, z=y, vectors=w.vectors(node.y.channels), factor=1.0)
    return dy
