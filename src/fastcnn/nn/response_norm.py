"""Local response normalisation."""

from typing import Any

from .._arguments import count, real
from .._shapes import integer
from ..errors import ShapeError
from . import functional as F
from .declaration import Shape, Values, declare
from .module import Module

__all__ = ["LocalResponseNorm"]


def _with_positions(values: Values, shape: Shape) -> Shape:
    if len(shape) < 2:
        raise ShapeError(f"LocalResponseNorm: samples must be (C, ...) with positions, got {shape}")
    return shape


@declare({"size": count, "alpha": real, "beta": real, "k": real}, output=_with_positions)
class LocalResponseNorm(Module):
    """Divide by a power of the mean square of neighbouring channels; see `fastcnn.ops.local_response_norm`.

    Parameters
    ----------
    size : int
        Number of channels whose squares are added.
    alpha, beta, k : float
        ``y[c] = x[c] / (k + alpha / size * sum of x[j]**2) ** beta``.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = integer(size, "LocalResponseNorm: size", 1)
        self.alpha = real(alpha, "LocalResponseNorm: alpha")
        self.beta = real(beta, "LocalResponseNorm: beta")
        self.k = real(k, "LocalResponseNorm: k")

    def forward(self, x: Any) -> Any:
        """Return the normalised x (N, C, ...)."""
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
