"""Where branches meet: sums and concatenations of any number of values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from ..graph import Node, Value, WithoutProducts
from ..memory import Blob
from ..parts import Backward, Forward
from ..writer import Writer
from .activation import Activated, activates
from .slopes import slope_row, slopes_in


@dataclass(eq=False)
class Add(Activated, WithoutProducts):
    """y = ((x + others[0]) + others[1]) + ..., perhaps with an activation."""

    keeps_input = True
    reads_pixels = True

    others: tuple[Value, ...]

    @property
    def inputs(self) -> tuple[Value, ...]:
        """All terms."""
        return self.x, *self.others

    def joined(self, after: Node, training: bool) -> Node | None:
        """Join an activation, or a sum whose first two terms this one is among: the order stays the same."""
        terms = after.terms
        if self.activation is None and self.y in terms[:2]:
            rest = list(terms)
            rest.remove(self.y)
            return replace(self, y=after.y, others=(*self.others, *rest), activation=after.ends_with)
        return super().joined(after, training)

    @property
    def terms(self) -> tuple[Value, ...]:
        """All terms."""
        return self.inputs

    def hands_on(self, masked: bool) -> bool:
        """Tell that the gradient of each term is that of the sum."""
        return True

    def forward(self, f: Forward) -> None:
        """Write the sum, two terms at a time."""
        w, z = f.writer, f.blob(self.y)
        vectors, last = w.vectors(self.y.channels), len(self.others) - 1
        before = f.blobs[self.x]
        if slopes_in(self.activation) and self.y in f.wanted:
            f.activated[self] = w.blob(self.y.channels, self.y.height, self.y.width)
        for i, value in enumerate(self.others):
            ends = {**self._ends(w), "kept": f.activated.get(self)} if i == last else {}
            w.apply(z=z, y=f.blobs[value], r=before, vectors=vectors, **ends)
            before = z

    def _ends(self, w: Writer) -> dict[str, Any]:
        slope = w.padded(slope_row(w, self.activation, self.y.channels))
        return {**activates(self.activation), "slope": slope}

    def remade(self, b: Backward) -> Blob | None:
        """Apply slopes anew for one reader, to what is kept for their gradient."""
        x, w = b.forward.activated.get(self), b.writer
        if x is None or self.y.only_reader is None:
            return None
        z = w.blob(x.channels, x.height, x.width, b.forward.blobs[self.y].halo)
        w.apply(z=z, y=x, vectors=w.vectors(x.channels), **self._ends(w))
        return z

    def backward(self, b: Backward) -> None:
        """Hand the gradient on to all terms; to one that is added several times, so many times."""
        grad = self.inner_gradient(b)
        for value, times in Counter(reversed(self.inputs)).items():
            if b.wanted(value):
                b.give(value, grad if times == 1 else _multiple(b, value, grad, times))


def _multiple(b: Backward, value: Value, grad: Blob, times: int) -> Blob:
    whole, before = b.blob(value), grad
    for _ in range(times - 1):
        b.writer.apply(z=whole, y=before, r=grad, vectors=b.writer.vectors(value.channels))
        before = whole
    return whole


def _copy(w: Writer, to: Blob, first: int, source: Blob, source_first: int, channels: int) -> None:
    """Copy channels between blobs, in each from a channel on.

    Where channels are in the lanes, parts of vectors belong to others: only what is copied is written.
    """
    w.copy(z=to, y=source, z_at=to.pixels(first), y_at=source.pixels(source_first), channels=channels)


@dataclass(eq=False)
class Concat(WithoutProducts):
    """y = x's channels, then those of each of the others."""

    reads_pixels = True

    others: tuple[Value, ...]

    @property
    def inputs(self) -> tuple[Value, ...]:
        """All parts."""
        return self.x, *self.others

    @property
    def joins(self) -> tuple[Value, ...]:
        """All parts."""
        return self.inputs

    def forward(self, f: Forward) -> None:
        """Write the channels of each part that does not stand there already."""
        z, first = f.blob(self.y), 0
        for value in self.inputs:
            part = f.blobs[value]
            if part.whole is not z.whole or part.lines() != z.lines(first):
                _copy(f.writer, z, first, part, 0, value.channels)
            first += value.channels

    def backward(self, b: Backward) -> None:
        """Write each part's share of the gradient."""
        grad, first = b.grads[self.y], 0
        for value in self.inputs:
            if b.wanted(value):
                part = b.blob(value)
                _copy(b.writer, part, 0, grad, first, value.channels)
                b.give(value, part)
            first += value.channels
