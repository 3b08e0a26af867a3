"""Layer normalisation."""

from collections.abc import Sequence
from typing import Any

from .._arguments import flag, number, sizes
from .._outputs import normalized_axes, normalized_sizes
from . import functional as F
from .affine import SHIFT, Affine
from .declaration import Argument, Shape, Values, declare

__all__ = ["LayerNorm"]


def _over_last(values: Values, shape: Shape) -> Shape:
    normalized_axes(values["normalized_shape"], shape, "LayerNorm")
    return shape


def affine_weights(values: Values) -> list[Shape]:
    """Return the shapes of a layer's arrays."""
    return [(2, *normalized_sizes(values["normalized_shape"], "LayerNorm"))]


# The arguments beside normalized_shape.
OPTIONS: dict[str, Any] = {
    "eps": number,
    "elementwise_affine": flag,
    "bias": SHIFT,
}


@declare(
    {"normalized_shape": Argument(sizes, found=lambda shape: shape, free=True), **OPTIONS},
    output=_over_last,
    weights=affine_weights,
)
class LayerNorm(Affine):
    """Normalise the last axes by their own mean and variance; see `fastcnn.ops.layer_norm`.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        Sizes of the last axes.
    eps : float
        Added to the variance.
    elementwise_affine : bool
        Whether to learn a scale and a shift for each element of the last axes.
    bias : bool
        Whether there is a shift beside the scale.

    Attributes
    ----------
    weight, bias : Parameter of normalized_shape, or None
        Scale (ones at first) and shift (zeros at first).
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.normalized_shape = normalized_sizes(normalized_shape, "LayerNorm")
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make_affine(self.normalized_shape, elementwise_affine, bias)

    def forward(self, x: Any) -> Any:
        """Return the normalised x (..., *normalized_shape)."""
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        affine = f"elementwise_affine={self.elementwise_affine}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}{self._without_shift()}"
