"""What dropout multiplies by, and dropout that joins nothing."""

from __future__ import annotations

from dataclasses import dataclass

from ...nn import Dropout, StochasticDepth
from ...ops.dropping import Drop
from ..emit import Writer
from ..graph import WithoutProducts
from ..memory import Blob
from ..parts import Backward, Forward


def factor_of(dropout: Dropout | StochasticDepth | None) -> float:
    """Return what dropout multiplies the elements by that it keeps, 1 without dropout."""
    return 1.0 if dropout is None else Drop.to_zero(dropout.p).factor


@dataclass(eq=False)
class DropNode(WithoutProducts):
    """Dropout of whole channels, to the least value of SELU (`alpha`), or both."""

    layer: Dropout
    by_channel: bool
    alpha: bool

    def forward(self, f: Forward) -> None:
        """Write y."""
        told, drop = f.dropout(self, self.layer), self._drop()
        self._write(f.writer, f.blob(self.y), f.blobs[self.x], {**told, **drop._asdict()})

    def backward(self, b: Backward) -> None:
        """Write the gradient of x: that of y, times what the element was multiplied by."""
        if b.wanted(self.x):
            dx, told = b.blob(self.x), b.forward.dropout_again(self)
            drop = Drop(self._drop().factor, 0.0, 0.0)
            self._write(b.writer, dx, b.grads[self.y], {**told, **drop._asdict()})
            b.give(self.x, dx)

    def _drop(self) -> Drop:
        return Drop.to_least(self.layer.p) if self.alpha else Drop.to_zero(self.layer.p)

    def _write(self, w: Writer, z: Blob, y: Blob, how: dict[str, float]) -> None:
        w.drop(z=z, y=y, vectors=w.vectors(z.channels), by_channel=self.by_channel, **how)
