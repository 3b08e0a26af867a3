"""Rectification with slopes that are learned."""

from __future__ import annotations

from typing import Any

from .. import ops
from .fields import pointwise
from .operation import Array, Operation, Wanted


class PReLU(Operation):
    """y = x where x > 0, else weight[c] x; see `fastcnn.ops.prelu`."""

    field = pointwise

    def forward(self, x: Array, weight: Array) -> tuple[Array, Any]:
        """Return y."""
        return ops.prelu(x, weight), (x, weight)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x and weight."""
        return ops.prelu_backward(dy, *saved, output_mask=wanted)
