"""Activations that products and sums end with, and what operations are told of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ..._kernels.elementwise import ACTIVATIONS
from ...graph import Activation
from ...nn import Parameter
from ..graph import Node
from ..memory import Blob
from ..parts import Backward
from .slopes import Slopes, slope_gradients, slopes_in


def activates(activation: Activation | None) -> dict[str, Any]:
    """Return what an operation is told of the activation that it applies, or whose derivative it takes."""
    if activation is None:
        return {}
    assert activation.kernel is not None
    return {
        "activation": ACTIVATIONS[activation.kernel],
        "alpha": activation.alpha,
        "beta": activation.beta,
    }


@dataclass(eq=False)
class Activated(Node):
    """A product or a sum, perhaps with an activation.

    In training the activation's derivative must be a function of its output: nothing else is kept, unless the
    node `keeps_input` of slopes.
    """

    keeps_input: ClassVar[bool] = False

    activation: Activation | None = field(default=None, kw_only=True)

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """The slopes of its activation."""
        return slopes_in(self.activation)

    @property
    def ends_with(self) -> Activation | None:
        """Its activation."""
        return self.activation

    @property
    def copies_gradient(self) -> bool:
        """Whether there is an activation."""
        return self.activation is not None

    def joined(self, after: Node, training: bool) -> Node | None:
        """Join an activation alone."""
        only = after.only_activation
        if self.activation is not None or only is None:
            return None
        kept = only.of_output or (self.keeps_input and isinstance(only, Slopes))
        if training and not (kept and only.finite):
            return None
        return replace(self, y=after.y, activation=only)

    def inner_gradient(self, b: Backward) -> Blob:
        """Return the gradient in front of the activation."""
        g = b.grads[self.y]
        if self.activation is None or self.y in b.masked:
            return g
        y, w = b.forward.blobs[self.y], b.writer
        dy = w.blob(self.y.channels, self.y.height, self.y.width, b.halos.masked(self))
        if isinstance(self.activation, Slopes):
            slope_gradients(b, self.activation, dy, g, b.forward.activated[self])
            return dy
        vectors = w.vectors(self.y.channels)
        w.activation_grad(dx=dy, g=g, kept=y, vectors=vectors, **activates(self.activation), factor=1.0)
        return dy
