"""Max and average pooling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..graph import WithoutProducts
from ..memory import Halo
from ..parts import Backward, Forward
from ..taps import Taps
from .activation import activates
from .places import first_taps, tap_places


@dataclass(eq=False)
class Pool(WithoutProducts):
    """Pooling: the taps of each output pixel, and for averages what makes a factor for each."""

    taps: Taps
    factors: Callable[[], np.ndarray] | None

    @property
    def windows_apart(self) -> Taps | None:
        """The taps, if it takes maxima of windows that lie in the image and share no pixel."""
        inside = self.taps.within((0, self.x.height), (0, self.x.width))
        counts = self.taps.counts
        apart = counts.all() and (inside.counts == counts).all() and self.taps.disjoint
        return self.taps if self.factors is None and apart else None

    @property
    def masks_gradient(self) -> bool:
        """Whether it takes maxima of what an activation made: each winner's output is its own output."""
        before = self.x.producer
        return (
            self.factors is None
            and self.x.only_reader is self
            and before is not None
            and before.ends_with is not None
            and before.ends_with.of_output
        )

    def input_halo(self) -> Halo:
        """Return the halo that the windows read: a padding whose zeros take part in a maximum."""
        (top, bottom), (left, right) = self.taps.rows.span, self.taps.columns.span
        return -left, right - (self.x.width - 1), -top, bottom - (self.x.height - 1)

    def forward(self, f: Forward) -> None:
        """Write the maxima, with their places in training, or the means."""
        w, x = f.writer, f.blobs[self.x]
        y, vectors = f.blob(self.y), w.vectors(self.y.channels)
        windows = {"first": first_taps(self.taps), "taps": tap_places(self.taps, x)}
        if self.factors is not None:
            factor = self.factors().astype(w.element.real)
            w.avg_pool(z=y, x=x, factor=factor, **windows, vectors=vectors)
            return
        if self.x in f.wanted:
            f.argmax[self] = w.scratch(self.y.pixels * vectors, "INDEX")
        w.max_pool(z=y, x=x, argmax=f.argmax.get(self), **windows, vectors=vectors, channels=self.y.channels)

    def backward(self, b: Backward) -> None:
        """Write the gradient of x."""
        if not b.wanted(self.x):
            return
        f, w, dy = b.forward, b.writer, b.grads[self.y]
        dx, add = b.target(self.x)
        height, width = self.x.height, self.x.width
        exclusive = not add and self.taps.within((0, height), (0, width)).disjoint
        cleared = self.taps.unread(height, width) if exclusive else np.arange(0 if add else self.x.pixels)
        common = {
            "dx": dx,
            "dz": dy,
            "first": first_taps(self.taps),
            "taps": tap_places(self.taps, dx, drop_margin=True),
            "cleared": dx.pixels()[cleared],
            "vectors": w.vectors(self.y.channels),
            "exclusive": exclusive,
        }
        if self.factors is not None:
            w.avg_pool_grad(**common, factor=self.factors().astype(w.element.real))
            return
        before = self.x.producer if self.x in b.masked else None
        w.max_pool_grad(
            **common,
            argmax=f.argmax[self],
            z=None if before is None else f.blobs[self.y],
            **activates(None if before is None else before.ends_with),
            factor=1.0 if before is None else before.kept_factor,
        )
