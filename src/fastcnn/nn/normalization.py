"""Batch normalisation."""

from typing import Any

from .. import graph
from .._arguments import count, flag, number, optional, share
from .._shapes import integer
from ..errors import ShapeError
from .affine import Tracking
from .declaration import IMAGES, Argument, channels, declare

__all__ = ["BatchNorm2d"]


@declare(
    {
        "num_features": Argument(count, found=channels),
        "eps": number,
        "momentum": optional(share),
        "affine": flag,
        "track_running_stats": flag,
        # One that is not affine has no bias either way.
        "bias": Argument(flag, read=lambda norm, _: norm.bias is not None or not norm.affine),
    },
    # Scale, shift, and the two running statistics.
    weights=lambda values: [(4, values["num_features"])],
    takes=IMAGES,
)
class BatchNorm2d(Tracking):
    """Normalise each channel over batch and positions; see `fastcnn.ops.batch_norm`.

    Parameters
    ----------
    num_features : int
        Number of channels.
    eps : float
        Added to the variance.
    momentum : float or None
        Share of the new statistics in the running ones; None keeps their plain average.
    affine : bool
        Whether to learn a scale and a shift.
    track_running_stats : bool
        Whether to keep running statistics; without them evaluation uses the batch's.
    bias : bool
        Whether there is a shift beside the scale; by name only.

    Attributes
    ----------
    weight, bias : Parameter (num_features,) or None
        Scale (ones at first) and shift (zeros at first).
    running_mean, running_var, num_batches_tracked : arrays
        Running statistics and the number of batches in them.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = integer(num_features, "BatchNorm2d: num_features", 1)
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._make_affine((self.num_features,), affine, bias)
        self._make_statistics()

    def needs_batch(self, input_shape: tuple[int, ...]) -> bool:
        """Tell whether training fails on one such input (1, C, H, W): a single value has no variance."""
        return tuple(input_shape[-2:]) == (1, 1)

    def forward(self, x: Any) -> Any:
        """Return the normalised x; in training, update the running statistics."""
        if len(graph.shape_of(x)) != 4:
            raise ShapeError(f"BatchNorm2d: x must be (N, C, H, W), got the shape {graph.shape_of(x)}")
        tracked = self.track_running_stats
        operation = graph.BatchNorm(
            self.running_mean if tracked else None,
            self.running_var if tracked else None,
            self.training or not tracked,
            self.momentum,
            self.eps,
            self.num_batches_tracked if tracked else None,
            self,
        )
        return graph.apply(operation, x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        parts = [f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"]
        if self.weight is None:
            parts.append("affine=False")
        elif self.bias is None:
            parts.append("bias=False")
        return ", ".join(parts + ([] if self.track_running_stats else ["track_running_stats=False"]))
