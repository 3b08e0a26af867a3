"""Softmax over the features of a sample, or over the channels of each pixel, and its logarithm."""

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

    computes_wide = True

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


@dataclass(eq=False)
class PixelSoftmax(WithoutProducts):
    """Softmax over the channels of each pixel, or its logarithm."""

    log: bool

    computes_wide = True

    def forward(self, f: Forward) -> None:
        """Write y = softmax(x)."""
        f.writer.pixel_softmax(y=f.blob(self.y), x=f.blobs[self.x], channels=self.y.channels, log=self.log)

    def backward(self, b: Backward) -> None:
        """Write the gradient of x from y and its gradient."""
        if b.wanted(self.x):
            dx, y = b.blob(self.x), b.forward.blobs[self.y]
            b.writer.pixel_softmax_grad(
                dx=dx, dy=b.grads[self.y], y=y, channels=self.y.channels, log=self.log
            )
            b.give(self.x, dx)
