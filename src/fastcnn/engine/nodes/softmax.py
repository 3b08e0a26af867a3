"""Softmax over the features of a sample, and its logarithm."""

from __future__ import annotations

import numpy as np

from ..graph import Softmax
from ..memory import Blob, table
from ..parts import Backward, Forward


def features(blob: Blob) -> np.ndarray:
    """Return the table of the places of a sample's elements in (C, H, W) order."""
    blob.lines(blob.channels - 1)  # refuses what has elements beyond 32 bits
    return np.add.outer(table(blob.channel(np.arange(blob.channels))), blob.pixels()).ravel()


def forward(f: Forward, node: Softmax) -> None:
    """Write y = softmax(x)."""
    x, y = f.blobs[node.x], f.blob(node.y)
    f.writer.softmax(y=y, x=x, y_at=features(y), x_at=features(x), log=node.log)


def backward(b: Backward, node: Softmax) -> None:
    """Write the gradient of x from y and its gradient."""
    if not b.wanted(node.x):
        return
    y, dy, dx = b.forward.blobs[node.y], b.grads[node.y], b.blob(node.x)
    b.writer.softmax_grad(
        dx=dx, dy=dy, y=y, dx_at=features(dx), dy_at=features(dy), y_at=features(y), log=node.log
    )
    b.give(node.x, dx)
