"""Batch normalisation, an activation, dropout and max-pooling as one node."""

from __future__ import annotations

from dataclasses import dataclass

from ...graph import Activation
from ...nn import Parameter
from ..graph import WithoutProducts
from ..normalization import Normalization
from ..parts import Backward, Dropping, Forward
from ..taps import Taps
from . import norm as norms
from .activation import activates
from .dropout import factor_of
from .places import first_taps, tap_places


@dataclass(eq=False)
class NormPool(WithoutProducts):
    """y = max_pool(dropout(f(norm(x)))) over windows that share no pixel; only norm must be there.

    The full-size output is never written. With dropout f is ReLU: where the output is 0, the gradient is 0,
    dropped or clipped.
    """

    norm: Normalization
    activation: Activation | None
    dropout: Dropping | None
    by_channel: bool  # of dropout
    taps: Taps

    @property
    def normalization(self) -> Normalization:
        """Its normalisation."""
        return self.norm

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Scale and shift."""
        return self.norm.parameters

    @property
    def ends_with(self) -> Activation | None:
        """Its activation, which pooling leaves as it is."""
        return self.activation

    @property
    def drops(self) -> bool:
        """Whether it has dropout."""
        return self.dropout is not None

    @property
    def kept_factor(self) -> float:
        """What dropout multiplies kept elements by."""
        return factor_of(self.dropout)

    def prepare(self, f: Forward) -> None:
        """Make the state of the normalisation."""
        norms.prepare(f, self)

    def forward(self, f: Forward) -> None:
        """Write y."""
        w, x = f.writer, f.blobs[self.x]
        y, vectors = f.blob(self.y), w.vectors(self.y.channels)
        windows = {"first": first_taps(self.taps), "taps": tap_places(self.taps, x)}
        if norms.is_folded(f, self):
            w.max_pool(z=y, x=x, **windows, vectors=vectors, channels=self.y.channels)
            return
        if self.takes_statistics:
            norms.batch_statistics(f, self, x)
        if self.y in f.wanted:
            f.argmax[self] = w.scratch(self.y.pixels * vectors, "INDEX")
        w.apply_pool(
            z=y,
            y=x,
            state=f.norms[self].rows,
            argmax=f.argmax.get(self),
            **windows,
            # Where whole channels are dropped, all pixels have the number of the first.
            numbers=self.taps.places(0, *((0, 0) if self.by_channel else (self.x.width, 1))),
            vectors=vectors,
            y_pixels=1 if self.by_channel else self.x.pixels,
            **activates(self.activation),
            **f.dropout(self, self.dropout),
        )

    def backward(self, b: Backward) -> None:
        """Write the gradients of scale and shift and, where it is wanted, x."""
        f, w = b.forward, b.writer
        x, masked = f.blobs[self.x], self.y in b.masked
        source = {
            "dz": b.grads[self.y],
            "y": x,
            "state": f.norms[self].rows,
            "z": f.blobs[self.y],
            "argmax": f.argmax[self],
            "first": first_taps(self.taps),
            "vectors": w.vectors(self.y.channels),
            **activates(None if masked else self.activation),
            "factor": 1.0 if masked else self.kept_factor,
        }
        taps = tap_places(self.taps, x)
        if (sums := f.norms[self].sums) is not None:
            w.bn_pool_grad_sums(sums=sums, taps=taps, **source)
            norms.write_gradients(b, self, summed_pixels=self.y.pixels)
        if not b.wanted(self.x):
            return
        dx, rest = b.blob(self.x), self.taps.unread(self.x.height, self.x.width)
        w.bn_pool_grad(
            dy=dx,
            **source,
            y_taps=taps,
            dy_taps=tap_places(self.taps, dx),
            y_rest=x.pixels()[rest],
            dy_rest=dx.pixels()[rest],
            fixed=not self.takes_statistics,
        )
        b.give(self.x, dx)
