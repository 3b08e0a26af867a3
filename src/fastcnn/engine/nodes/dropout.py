"""What dropout multiplies by, and alpha dropout, which joins nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ...nn import AlphaDropout, FeatureAlphaDropout
from ...ops.dropping import Drop
from ..graph import WithoutProducts
from ..memory import Blob
from ..parts import Backward, Dropping, Forward
from ..writer import Writer

# What one draw of dropout decides about, see `Apply`.
OF_ELEMENTS, OF_CHANNELS = 0, 3


def factor_of(dropout: Dropping | None) -> float:
    """Return what dropout multiplies the elements by that it keeps, 1 without dropout."""
    return 1.0 if dropout is None else Drop.to_zero(dropout.p).factor


@dataclass(eq=False)
class DropNode(WithoutProducts):
    """Dropout to the least value of SELU, of elements or of whole channels."""

    layer: AlphaDropout | FeatureAlphaDropout
    by_channel: bool

    def forward(self, f: Forward) -> None:
        """Write y."""
        told, drop = f.dropout(self, self.layer), Drop.to_least(self.layer.p)
        self._write(f.writer, f.blob(self.y), f.blobs[self.x], {**told, **drop._asdict()})

    def backward(self, b: Backward) -> None:
        """Write the gradient of x: that of y, times what the element was multiplied by."""
        if b.wanted(self.x):
            dx, told = b.blob(self.x), b.forward.dropout_again(self)
            drop = Drop(Drop.to_least(self.layer.p).factor, 0.0, 0.0)
            self._write(b.writer, dx, b.grads[self.y], {**told, **drop._asdict()})
            b.give(self.x, dx)

    def _write(self, w: Writer, z: Blob, y: Blob, how: dict[str, float]) -> None:
        w.drop(z=z, y=y, vectors=w.vectors(z.channels), by_channel=self.by_channel, **how)
