"""Maxima over pixels, over channels or over all of a sample, whose gradient all that have them share."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import WithoutProducts
from ..parts import Backward, Forward
from ..writer import Writer


@dataclass(eq=False)
class Amax(WithoutProducts):
    """y = the maximum of x over the pixels of each channel.

    With `over_channels` it is over the channels of each pixel or, if y has one pixel, over all elements.
    """

    over_channels: bool

    def forward(self, f: Forward) -> None:
        """Write y."""
        f.writer.amax(y=f.blob(self.y), x=f.blobs[self.x], **self._sizes(f.writer))

    def backward(self, b: Backward) -> None:
        """Write the gradient of x."""
        if not b.wanted(self.x):
            return
        dx, blobs = b.blob(self.x), b.forward.blobs
        g, sizes = b.grads[self.y], self._sizes(b.writer)
        b.writer.amax_grad(dx=dx, g=g, y=blobs[self.y], x=blobs[self.x], **sizes)
        b.give(self.x, dx)

    def _sizes(self, w: Writer) -> dict[str, int]:
        return {
            "y_vectors": w.vectors(self.y.channels),
            "vectors": w.vectors(self.x.channels),
            "channels": self.x.channels,
            "over_channels": self.over_channels,
        }
