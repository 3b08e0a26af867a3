"""Stochastic depth: samples that are set to 0 at random in training."""

from __future__ import annotations

from typing import Any

from .. import ops
from .dropout import Dropout
from .operation import Array, Wanted


class StochasticDepth(Dropout):
    """y = x mask, with a number for each sample or for all; see `fastcnn.ops.stochastic_depth`.

    Who drops has a ``mode`` beside what `dropout.Source` says.
    """

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x with some samples dropped; in evaluation, x itself."""
        owner = self.owner
        return ops.stochastic_depth(x, owner.p, owner.mode, self.training, generator=owner.stream())

    def settings(self) -> tuple[Any, ...]:
        """Return who drops, how much, and what one draw decides about."""
        return *super().settings(), self.owner.mode

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy with the same samples dropped."""
        return (ops.stochastic_depth_backward(dy, saved),)
