"""Layer normalisation of the channels of each pixel."""

from typing import Any

from .._arguments import sizes
from .._outputs import normalized_sizes
from ..errors import ShapeError
from .declaration import IMAGES, Argument, Shape, Values, declare
from .layer_norm import OPTIONS, LayerNorm, affine_weights

__all__ = ["LayerNorm2d"]


def _over_channels(values: Values, shape: Shape) -> Shape:
    _one_size(values["normalized_shape"], shape)
    return shape


def _one_size(normalized_shape: Any, shape: Shape) -> None:
    if normalized_sizes(normalized_shape, "LayerNorm2d") != shape[:1]:
        raise ShapeError(
            f"LayerNorm2d: normalized_shape must be {shape[0]} (the channels), got {normalized_shape}"
        )


@declare(
    {"normalized_shape": Argument(sizes, found=lambda shape: shape[:1]), **OPTIONS},
    output=_over_channels,
    weights=affine_weights,
    takes=IMAGES,
)
class LayerNorm2d(LayerNorm):
    """Normalise the channels of each pixel by their own mean and variance; see `fastcnn.ops.layer_norm`.

    The form is that of ``torchvision.ops.misc.LayerNorm2d``: ``y = layer_norm(x)`` of x with its channels
    last.

    Parameters
    ----------
    normalized_shape : int or sequence of one int
        Number of channels.
    eps, elementwise_affine, bias
        As of `LayerNorm`.
    """

    def forward(self, x: Any) -> Any:
        """Return the normalised x (N, C, H, W)."""
        if len(x.shape) != 4:
            raise ShapeError(f"LayerNorm2d: x must be images (N, C, H, W), got {len(x.shape)} axes")
        _one_size(self.normalized_shape, tuple(x.shape[1:]))
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
