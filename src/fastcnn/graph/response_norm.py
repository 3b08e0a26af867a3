"""Normalisation by the squares of neighbouring channels."""

from __future__ import annotations

from typing import Any

from .. import ops
from .._arguments import count, real
from ..ops.local_response_norm import Response, check_axes
from .fields import pointwise
from .functions import function
from .operation import Array, Operation, Wanted

_NAME = "local_response_norm"


@function(_NAME, {"size": count, "alpha": real, "beta": real, "k": real})
class LocalResponseNorm(Operation):
    """y = x / (k + alpha mean(x^2)) ** beta over channels; see `fastcnn.ops.local_response_norm`."""

    field = pointwise

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def numbers(self, channels: int) -> Response:
        """Return the numbers as kernels take them."""
        return Response.of(channels, self.size, self.alpha, self.beta, self.k, _NAME)

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return y."""
        return ops.local_response_norm(x, self.size, self.alpha, self.beta, self.k), x

    def trace(self, x: Array) -> Array:
        """Return y of no image."""
        check_axes(x.shape, _NAME)
        self.numbers(x.shape[1])
        return x

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dx."""
        return (ops.local_response_norm_backward(dy, saved, self.size, self.alpha, self.beta, self.k),)
