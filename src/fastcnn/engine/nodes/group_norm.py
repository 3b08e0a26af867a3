"""Group normalisation, perhaps with an activation: each image's elements by their own statistics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...graph import Activation
from ...nn import Parameter
from ..algorithms import Setting
from ..graph import Node, WithoutProducts
from ..memory import table
from ..parts import Backward, Forward
from .activation import activates
from .bias import write_total
from .slopes import slopes_in

# Rows of scratch, and what is kept of a set of elements: enums of csrc/engine/both/group_norm.c.
_ROWS, _GRAD_ROWS, _KEPT = 5, 11, 3


@dataclass(frozen=True, eq=False)
class Running:
    """Running statistics of channels, which follow the means over images with a share of `momentum`."""

    mean: np.ndarray
    var: np.ndarray
    momentum: float


@dataclass(eq=False)
class GroupNorm(WithoutProducts):
    """y = f((x - mean) / sqrt(var + eps) * weight + bias).

    Mean and variance are those of a group of channels over all pixels, or over each pixel by itself.
    """

    weight: Parameter | None
    bias: Parameter | None
    groups: int
    each_pixel: bool
    eps: float
    activation: Activation | None = None
    running: Running | None = None  # groups of one channel each

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Scale and shift."""
        return self.weight, self.bias

    @property
    def ends_with(self) -> Activation | None:
        """Its activation."""
        return self.activation

    @property
    def takes_statistics(self) -> bool:
        """Whether it counts the batch's statistics."""
        return self.running is not None

    def exact(self, setting: Setting) -> bool:
        """Tell that sums over channels go in another order in each layout."""
        return False

    def joined(self, after: Node, training: bool) -> Node | None:
        """Join an activation without slopes, whose derivative is found from what is normalised anew."""
        only = after.only_activation
        if self.activation is not None or only is None or slopes_in(only) or (training and not only.finite):
            return None
        return replace(self, y=after.y, activation=only)

    def forward(self, f: Forward) -> None:
        """Write y."""
        w, size = f.writer, self._sets * self.groups * _KEPT
        kept = f.kept[self] = w.scratch(-(-size // w.layout.lanes) if w.layout.by_channels else size)
        w.group_norm(
            z=f.blob(self.y),
            y=f.blobs[self.x],
            kept=kept,
            rows=w.workspace(_ROWS * w.vectors(self.x.channels)),
            eps=self.eps,
            **self._common(f, self.activation),
        )
        if self.running is not None:
            w.after.group_statistics(
                running_mean=self.running.mean,
                running_var=self.running.var,
                kept=kept,
                pixels=self.x.pixels,
                channels=self.x.channels,
                eps=self.eps,
                momentum=self.running.momentum,
                tasks=-(-self.x.channels // w.layout.lanes),
                stage=len(f.kept),  # a layer may stand in several places, and follows one after the other
            )

    @property
    def _sets(self) -> int:
        return self.x.pixels if self.each_pixel else 1

    def _common(self, f: Forward, activation: Activation | None) -> dict[str, Any]:
        return {
            "weight": self.weight,
            "bias": self.bias,
            "vectors": f.writer.vectors(self.x.channels),
            "channels": self.x.channels,
            "groups": self.groups,
            "block": self.x.pixels // self._sets,
            **activates(activation),
        }

    def backward(self, b: Backward) -> None:
        """Write the gradients of scale, shift and, where it is wanted, x."""
        w, activation = b.writer, None if self.y in b.masked else self.activation
        vectors = w.vectors(self.x.channels)
        grads = {"dweight": b.parameter(self.weight), "dbias": b.parameter(self.bias)}
        sums = {name: None if grad is None else w.sums(vectors, grad.size) for name, grad in grads.items()}
        dx = b.blob(self.x) if b.wanted(self.x) else None
        w.group_norm_grad(
            dy=dx,
            **sums,
            rows=w.workspace(_GRAD_ROWS * vectors),
            g=b.grads[self.y],
            y=b.forward.blobs[self.x],
            kept=b.forward.kept[self],
            of_input=activation is not None and not activation.of_output,
            **self._common(b.forward, activation),
        )
        for name, grad in grads.items():
            if grad is not None:
                write_total(w, grad, sums[name], table(np.arange(grad.size)))
        if dx is not None:
            b.give(self.x, dx)
