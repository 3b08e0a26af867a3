"""Products and quotients of values, a value times a number plus a number, and pixels that are repeated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..graph import Value, WithoutProducts
from ..memory import Blob, Repeated, table
from ..parts import Backward, Forward
from ..taps import Axis, Taps
from .places import first_taps, tap_places


@dataclass(eq=False)
class Multiply(WithoutProducts):
    """y = x other, element by element."""

    reads_pixels = True

    other: Value

    @property
    def inputs(self) -> tuple[Value, ...]:
        """Both factors."""
        return self.x, self.other

    def forward(self, f: Forward) -> None:
        """Write y."""
        vectors = f.writer.vectors(self.y.channels)
        f.writer.multiply(z=f.blob(self.y), y=f.blobs[self.x], r=f.blobs[self.other], vectors=vectors)

    def backward(self, b: Backward) -> None:
        """Write the gradient of each factor: that of y times the other factor."""
        blobs, dy = b.forward.blobs, b.grads[self.y]
        for value, other in ((self.x, self.other), (self.other, self.x)):
            if b.wanted(value):
                grad, vectors = b.blob(value), b.writer.vectors(value.channels)
                b.writer.multiply(z=grad, y=dy, r=blobs[other], vectors=vectors)
                b.give(value, grad)


@dataclass(eq=False)
class Divide(WithoutProducts):
    """y = x / other, element by element, or without another value numerator / x."""

    reads_pixels = True

    other: Value | None
    numerator: float = 0.0

    @property
    def inputs(self) -> tuple[Value, ...]:
        """What is divided, if it is a value, and what by."""
        return (self.x,) if self.other is None else (self.x, self.other)

    def forward(self, f: Forward) -> None:
        """Write y."""
        above = None if self.other is None else f.blobs[self.x]
        self._write(f, f.blob(self.y), above, self.numerator)

    def _write(self, f: Forward, z: Blob, y: Blob | None, numerator: float = 0.0) -> None:
        """Write y, or a number, divided by what this node divides by."""
        below = f.blobs[self.x if self.other is None else self.other]
        f.writer.divide(z=z, y=y, r=below, vectors=f.writer.vectors(z.channels), numerator=numerator)

    def backward(self, b: Backward) -> None:
        """Write the gradients: dy / other, and that times -y."""
        below = self.x if self.other is None else self.other
        above = b.blob(self.x)
        self._write(b.forward, above, b.grads[self.y])
        if b.wanted(below):
            w, grad = b.writer, b.blob(below)
            vectors = w.vectors(below.channels)
            w.multiply(z=grad, y=above, r=b.forward.blobs[self.y], vectors=vectors)
            w.affine(z=grad, y=grad, vectors=vectors, factor=-1.0, shift=0.0)
            b.give(below, grad)
        if self.other is not None and b.wanted(self.x):
            b.give(self.x, above)


@dataclass(eq=False)
class Affine(WithoutProducts):
    """y = factor x + shift, of numbers."""

    factor: float
    shift: float

    def hands_on(self, masked: bool) -> bool:
        """Tell whether it only adds a number."""
        return self.factor == 1

    def forward(self, f: Forward) -> None:
        """Write y."""
        self._write(f, f.blob(self.y), f.blobs[self.x], self.shift)

    def _write(self, f: Forward, z: Blob, y: Blob, shift: float) -> None:
        vectors = f.writer.vectors(self.y.channels)
        f.writer.affine(z=z, y=y, vectors=vectors, factor=self.factor, shift=shift)

    def backward(self, b: Backward) -> None:
        """Write the gradient of x."""
        if not b.wanted(self.x):
            return
        dx = b.grads[self.y]
        if self.factor != 1:
            dx = b.blob(self.x)
            self._write(b.forward, dx, b.grads[self.y], 0.0)
        b.give(self.x, dx)


@dataclass(eq=False)
class Repeat(WithoutProducts):
    """y has x, which is one pixel, at each of its pixels."""

    def forward(self, f: Forward) -> None:
        """Write y, unless it is read pixel by pixel: then x is seen as y."""
        x = f.blobs[self.x]
        if not self.y.is_output and all(node.reads_pixels for node in self.y.consumers):
            f.blobs[self.y] = Repeated(x, self.y.height, self.y.width)
            return
        y = f.blob(self.y)
        places = table(np.repeat(x.pixels(), self.y.pixels))
        f.writer.apply(z=y, y=x, y_at=places, vectors=f.writer.vectors(self.y.channels))

    def backward(self, b: Backward) -> None:
        """Write the gradient of x: the sum over pixels."""
        if not b.wanted(self.x):
            return
        dx, dy = b.blob(self.x), b.grads[self.y]
        whole = Taps(Axis.adaptive(1, self.y.height), Axis.adaptive(1, self.y.width))
        b.writer.avg_pool(
            z=dx,
            x=dy,
            factor=np.ones(1, b.writer.element.real),
            first=first_taps(whole),
            taps=tap_places(whole, dy),
            vectors=b.writer.vectors(self.y.channels),
        )
        b.give(self.x, dx)
