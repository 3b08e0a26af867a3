"""Elementwise: batch normalisation, an activation and dropout."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...graph import Activation
from ...nn import Parameter, StochasticDepth
from ..graph import Node, WithoutProducts
from ..memory import Blob
from ..normalization import Normalization
from ..parts import Backward, Dropping, Forward
from . import norm as norms
from .activation import activates
from .dropout import OF_CHANNELS, factor_of
from .norm_pool import NormPool
from .slopes import Slopes, slope_gradients, slope_row, slopes_in


@dataclass(eq=False)
class Apply(WithoutProducts):
    """y = dropout(f(norm(x))), each of the three optional.

    `shared`, what one draw of dropout decides about: 0: an element, 1: an image, 2: the batch, 3: a channel.
    """

    elementwise = True

    norm: Normalization | None = None
    activation: Activation | None = None
    dropout: Dropping | None = None
    shared: int = 0

    @property
    def normalization(self) -> Normalization | None:
        """Its normalisation."""
        return self.norm

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Scale and shift, and slopes."""
        return *(() if self.norm is None else self.norm.parameters), *slopes_in(self.activation)

    @property
    def ends_with(self) -> Activation | None:
        """Its activation."""
        return self.activation

    @property
    def only_activation(self) -> Activation | None:
        """Its activation, if it has nothing else."""
        return None if self.norm or self.dropout else self.activation

    @property
    def drops(self) -> bool:
        """Whether it has dropout."""
        return self.dropout is not None

    @property
    def kept_factor(self) -> float:
        """What dropout multiplies kept elements by."""
        return factor_of(self.dropout)

    def joined(self, after: Node, training: bool) -> Node | None:
        """Join an activation or dropout that follows, or max-pooling behind a normalisation."""
        if isinstance(after, Apply):
            return self._joined_elementwise(after, training)
        taps = after.windows_apart if self.norm is not None else None
        if self.norm is None or taps is None:
            return None
        # The gradient is found from the pooled output alone.
        if self.activation is not None and (
            slopes_in(self.activation) or (training and not self.activation.of_output)
        ):
            return None
        if self.dropout is not None and not (self.activation and self.activation.gates):
            return None
        if isinstance(self.dropout, StochasticDepth):
            return None
        by_channel = self.shared == OF_CHANNELS
        return NormPool(self.x, after.y, self.norm, self.activation, self.dropout, by_channel, taps)

    def _joined_elementwise(self, after: Apply, training: bool) -> Node | None:
        activation = self.activation or after.activation
        if self.norm is not None and training and activation is not None and not activation.finite:
            return None
        if self.dropout or after.normalization or (self.activation and after.activation):
            return None
        # Behind a normalisation the derivative is found from what that makes, or with dropout from the
        # output, in which it must have left a 0 for a 0.
        if activation is not None and after.dropout and not activation.gates:
            return None
        return replace(self, y=after.y, activation=activation, dropout=after.dropout, shared=after.shared)

    @property
    def masks_gradient(self) -> bool:
        """Whether it is a normalisation right behind an activation whose derivative is 0 or 1."""
        before = self.x.producer
        return (
            self.norm is not None
            and self.x.only_reader is self
            and before is not None
            and before.ends_with is not None
            and before.ends_with.gates
            and before.kept_factor == 1
        )

    def hands_on(self, masked: bool) -> bool:
        """Tell whether it does nothing to a gradient, or only what its reader has done for it."""
        return self.norm is None and (masked or not (self.activation or self.dropout))

    def prepare(self, f: Forward) -> None:
        """Make the state of the normalisation."""
        if self.norm is not None:
            norms.prepare(f, self)

    def forward(self, f: Forward) -> None:
        """Write y = dropout(f(norm(x)))."""
        x = f.blobs[self.x]
        if norms.is_folded(f, self):
            f.blobs[self.y] = x
            return
        if self.takes_statistics:
            norms.batch_statistics(f, self, x)
        self._write(f, f.blob(self.y), x, {**f.dropout(self, self.dropout), "shared": self.shared})

    def _write(self, f: Forward, y: Blob, x: Blob, dropout: dict[str, float]) -> None:
        state = f.norms[self].rows if self.norm is not None else None
        vectors = f.writer.vectors(self.y.channels)
        slope = f.writer.padded(slope_row(f.writer, self.activation, self.y.channels))
        activation = {**activates(self.activation), "slope": slope}
        f.writer.apply(z=y, y=x, state=state, vectors=vectors, **activation, **dropout)

    def remade(self, b: Backward) -> Blob | None:
        """Make y anew for one reader: that costs less than to write it to memory and read it much later.

        It is so behind a normalisation, and behind slopes, whose gradient reads x too.
        """
        f, value, cheap = b.forward, self.y, self.norm is not None or slopes_in(self.activation)
        if not cheap or self.dropout or value.only_reader is None or norms.is_folded(f, self):
            return None
        y = f.writer.blob(value.channels, value.height, value.width, f.blobs[value].halo)
        self._write(f, y, f.blobs[self.x], {})
        return y

    def backward(self, b: Backward) -> None:
        """Write the gradients of scale and shift and, where it is wanted, x."""
        masked = self.y in b.masked
        if self.hands_on(masked):
            b.give(self.x, b.grads[self.y])
            return
        g, factor = b.grads[self.y], 1.0
        if self.dropout is not None and not masked:
            if self.activation is not None:  # y is 0 where an element was dropped
                factor = self.kept_factor
            else:
                g = self._dropped(b, g)
        if self.norm is not None:
            self._norm_backward(b, g, factor)
        elif self.activation is not None:
            self._activation_backward(b, g, factor)
        else:
            b.give(self.x, g)

    def _dropped(self, b: Backward, g: Blob) -> Blob:
        """Return a gradient where elements were kept, as often as they were."""
        dropped = b.blob(self.x)
        vectors = b.writer.vectors(self.y.channels)
        b.writer.apply(z=dropped, y=g, vectors=vectors, **b.forward.dropout_again(self), shared=self.shared)
        return dropped

    def _activation_backward(self, b: Backward, g: Blob, factor: float) -> None:
        assert self.activation is not None
        blobs = b.forward.blobs
        dx = b.blob(self.x) if b.wanted(self.x) else None
        if isinstance(self.activation, Slopes):
            slope_gradients(b, self.activation, dx, g, blobs[self.x])
        else:
            b.writer.activation_grad(
                dx=dx,
                g=g,
                kept=blobs[self.y if self.activation.of_output else self.x],
                vectors=b.writer.vectors(self.y.channels),
                **activates(self.activation),
                factor=factor,
            )
        if dx is not None:
            b.give(self.x, dx)

    def _norm_backward(self, b: Backward, g: Blob, factor: float) -> None:
        w, state = b.writer, b.forward.norms[self]
        activation = None if self.y in b.masked else self.activation
        source = {
            "g": g,
            "y": b.forward.blobs[self.x],
            "state": state.rows,
            # Without dropout the derivative can be had from x, which is read anyway.
            "z": b.forward.blobs[self.y] if activation and self.dropout else None,
            "vectors": w.vectors(self.y.channels),
            **activates(activation),
            "slope": w.padded(slope_row(w, activation, self.y.channels)),
            "of_input": activation is not None and not activation.of_output,
            "factor": factor,
        }
        if state.sums is not None:
            w.bn_grad_sums(sums=state.sums, **source)
            norms.write_gradients(b, self, summed_pixels=self.x.pixels, slopes=slopes_in(activation))
        if b.wanted(self.x):
            dx = b.blob(self.x)
            w.bn_grad(dy=dx, **source, fixed=not self.takes_statistics, mask_by_y=self.x in b.masked)
            b.give(self.x, dx)
