"""Group normalisation."""

from typing import Any

from .. import graph
from .._arguments import count, flag, number
from .._outputs import grouped
from .._shapes import integer
from ..errors import ShapeError
from . import functional as F
from .affine import SHIFT, Affine
from .declaration import Argument, Shape, Values, channels, declare

__all__ = ["GroupNorm"]


def _in_groups(values: Values, shape: Shape) -> Shape:
    grouped(values["num_channels"], values["num_groups"], "GroupNorm")
    return shape


@declare(
    {
        "num_groups": count,
        "num_channels": Argument(count, found=channels),
        "eps": number,
        "affine": flag,
        "bias": SHIFT,
    },
    output=_in_groups,
    weights=lambda values: [(2, values["num_channels"])],
)
class GroupNorm(Affine):
    """Normalise groups of channels of each image by their own statistics; see `fastcnn.ops.group_norm`.

    Parameters
    ----------
    num_groups, num_channels : int
        Number of groups, and of channels, a multiple of it.
    eps : float
        Added to the variance.
    affine : bool
        Whether to learn a scale and a shift.
    bias : bool
        Whether there is a shift beside the scale.

    Attributes
    ----------
    weight, bias : Parameter (num_channels,) or None
        Scale (ones at first) and shift (zeros at first).
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.num_groups = integer(num_groups, "GroupNorm: num_groups", 1)
        self.num_channels = grouped(
            integer(num_channels, "GroupNorm: num_channels", 1), self.num_groups, "GroupNorm"
        )
        self.eps = eps
        self.affine = affine
        self._make_affine((self.num_channels,), affine, bias)

    def forward(self, x: Any) -> Any:
        """Return the normalised x (N, C, ...)."""
        shape = graph.shape_of(x)
        if len(shape) < 2 or shape[1] != self.num_channels:
            raise ShapeError(f"GroupNorm: x must be (N, {self.num_channels}, ...), got the shape {shape}")
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"
            + self._without_shift()
        )
