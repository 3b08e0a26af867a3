"""Softmax over the features of a sample, and its logarithm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..graph import Softmax
from ..memory import Blob, table
from ..parts import Backward, Forward


def features(blob: Blob) -> Callable[[], np.ndarray]:
    """Return what makes the table of the places of a sample's elements in (C, H, W) order."""

    def places() -> np.ndarray:
        blob.lines(blob.channels - 1)  # refuses what has elements beyond 32 bits
        return np.add.outer(table(blob.channel(np.arange(blob.channels))), blob.pixels()).ravel()

    return places


def forward(f: Forward, node: Softmax) -> None:
    """Write y = softmax(x)."""
    x, y = f.blobs[node.x], f.blob(node.y)
    f.writer.add("softmax", [y, x], [features(y), features(x)], [node.y.size, node.log])


def backward(b: Backward, node: Softmax) -> None:
    """Write the gradient of x from y and its gradient."""
    if not b.wanted(node.x):
        return
    y, dy = b.forward.blobs[node.y], b.grads[node.y]
    dx = b.writer.blob(node.x.channels, node.x.height, node.x.width)
    tables = [features(dx), features(dy), features(y)]
    b.writer.add("softmax_grad", [dx, dy, y], tables, [node.y.size, node.log])
    b.give(node.x, dx)
