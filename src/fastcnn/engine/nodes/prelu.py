"""Rectification with slopes that are learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...nn import Parameter
from ..emit import Writer
from ..graph import WithoutProducts
from ..memory import table
from ..parts import Backward, Forward
from .bias import write_total


@dataclass(eq=False)
class PRelu(WithoutProducts):
    """y = x where x > 0, else slope x, with a slope for each channel or one for all."""

    weight: Parameter

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Its slopes."""
        return (self.weight,)

    def forward(self, f: Forward) -> None:
        """Write y."""
        w, y = f.writer, f.blob(self.y)
        w.prelu(z=y, y=f.blobs[self.x], slope=self._row(w), vectors=w.vectors(self.y.channels))

    def _row(self, w: Writer) -> Parameter | np.ndarray | None:
        """Return the slopes as kernels read them."""
        if self.weight.size == self.y.channels:
            return w.padded(self.weight)
        row = w.constant(w.layout.row(self.y.channels))
        w.before.gather(out=row, source=self.weight, place=np.zeros(row.size, np.int32), tasks=1)
        return row

    def backward(self, b: Backward) -> None:
        """Write the gradients of slopes and, where it is wanted, x."""
        w, g, x = b.writer, b.grads[self.y], b.forward.blobs[self.x]
        channels = self.y.channels
        vectors = w.vectors(channels)
        if (grad := b.parameter(self.weight)) is not None:
            whole = grad.size < channels
            sums = w.sums(1 if whole else vectors, grad.size)
            w.prelu_sums(sums=sums, g=g, y=x, vectors=vectors, channels=channels, whole=whole)
            write_total(w, grad, sums, table(np.arange(grad.size)))
        if b.wanted(self.x):
            dx = b.blob(self.x)
            w.prelu_grad(dx=dx, g=g, y=x, slope=self._row(w), vectors=vectors)
            b.give(self.x, dx)
