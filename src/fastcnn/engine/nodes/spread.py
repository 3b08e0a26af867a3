"""Parameters with a number for each position of a sample."""

from __future__ import annotations

from dataclasses import dataclass

from ...nn import Parameter
from ..graph import Value, WithoutProducts
from ..memory import Blob
from ..parts import Backward, Forward
from ..writer import Writer
from .bias import position_bias, position_bias_grad


@dataclass(eq=False)
class _OfPositions(WithoutProducts):
    """A node with a parameter whose elements are those of y, in their order."""

    parameter: Parameter

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """The parameter."""
        return (self.parameter,)

    def spread(self, w: Writer, z: Blob) -> None:
        """Write the parameter at each position of z."""
        w.spread(z=z, rows=position_bias(w, self.parameter, self.y.sizes), vectors=w.vectors(z.channels))


@dataclass(eq=False)
class Spread(_OfPositions):
    """y has the parameter in every image; it is made of no value."""

    @property
    def inputs(self) -> tuple[Value, ...]:
        """None."""
        return ()

    def forward(self, f: Forward) -> None:
        """Write y."""
        self.spread(f.writer, f.blob(self.y))

    def backward(self, b: Backward) -> None:
        """Write the parameter's gradient: the sum over images."""
        position_bias_grad(b, self.parameter, b.grads[self.y])


@dataclass(eq=False)
class PositionBias(_OfPositions):
    """y = x + the parameter."""

    def hands_on(self, masked: bool) -> bool:
        """Tell that the gradient of x is that of y."""
        return True

    def forward(self, f: Forward) -> None:
        """Write y."""
        w, y = f.writer, f.blob(self.y)
        self.spread(w, y)
        w.apply(z=y, y=f.blobs[self.x], r=y, vectors=w.vectors(self.y.channels))

    def backward(self, b: Backward) -> None:
        """Write the parameter's gradient; hand that of y on."""
        dy = b.grads[self.y]
        position_bias_grad(b, self.parameter, dy)
        if b.wanted(self.x):
            b.give(self.x, dy)
