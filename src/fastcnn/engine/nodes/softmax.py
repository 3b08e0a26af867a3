"""Softmax over the features of a sample, and its logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import WithoutProducts
from ..memory import Blob, table
from ..parts import Backward, Forward


def features(blob: Blob) -> np.ndarray:
    """Return the table of the places of a sample's elements in (C, H, W) order."""
    blob.lines(blob.channels - 1)  # refuses what has elements beyond 32 bits
    return np.add.outer(table(blob.channel(np.arange(blob.channels))), blob.pixels()).ravel()


@dataclass(eq=False)
class Softmax(WithoutProducts):
    """Softmax over all elements of a sample, or its logarithm."""

    log: bool

    def forward(self, f: Forward) -> None:
        """Write y = softmax(x)."""
        x, y = f.blobs[self.x], f.blob(self.y)
        f.writer.softmax(y=y, x=x, y_at=features(y), x_at=features(x), log=self.log)

    def backward(self, b: Backward) -> None:
        """Write the gradient of x from y and its gradient."""
        if not b.wanted(self.x):
            return
        y, dy, dx = b.forward.blobs[self.y], b.grads[self.y], b.blob(self.x)
        b.writer.softmax_grad(
            dx=dx, dy=dy, y=y, dx_at=features(dx), dy_at=features(dy), y_at=features(y), log=self.log
        )
        b.give(self.x, dx)
