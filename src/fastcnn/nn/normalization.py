"""Batch normalisation."""

from typing import Any, ClassVar

from .. import graph
from .._arguments import count, flag, number, optional, share
from .._shapes import integer
from ..errors import ShapeError
from .affine import Tracking
from .declaration import IMAGES, Argument, Shape, Values, channels, declare

__all__ = ["BatchNorm1d", "BatchNorm2d"]


_ARGUMENTS = {
    "num_features": Argument(count, found=channels),
    "eps": number,
    "momentum": optional(share),
    "affine": flag,
    "track_running_stats": flag,
    # One that is not affine has no bias either way.
    "bias": Argument(flag, read=lambda norm, _: norm.bias is not None or not norm.affine),
}


def _weights(values: Values) -> list[Shape]:
    """Return the shape of scale, shift, and the two running statistics."""
    return [(4, values["num_features"])]


def _features_or_lines(values: Values, shape: Shape) -> Shape:
    if len(shape) > 2:
        raise ShapeError(f"BatchNorm1d needs features (C,) or lines (C, L), but samples {shape} come in")
    return shape


class BatchNorm(Tracking):
    """What the layers of batch normalisation share; the declared ones say which axes they take."""

    # The axes that its input may have, and how a message writes them.
    _axes: ClassVar[tuple[int, ...]]
    _layout: ClassVar[str]

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
        self.num_features = integer(num_features, f"{type(self).__name__}: num_features", 1)
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._make_affine((self.num_features,), affine, bias)
        self._make_statistics()

    def needs_batch(self, input_shape: tuple[int, ...]) -> bool:
        """Tell whether training fails on one such input (1, C, ...): a single value has no variance."""
        return all(size == 1 for size in input_shape[2:])

    def forward(self, x: Any) -> Any:
        """Return the normalised x; in training, update the running statistics."""
        shape = graph.shape_of(x)
        if len(shape) not in self._axes:
            raise ShapeError(f"{type(self).__name__}: x must be {self._layout}, got the shape {shape}")
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


@declare(_ARGUMENTS, weights=_weights, takes=IMAGES)
class BatchNorm2d(BatchNorm):
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

    _axes = (4,)
    _layout = "(N, C, H, W)"


@declare(_ARGUMENTS, output=_features_or_lines, weights=_weights)
class BatchNorm1d(BatchNorm):
    """Normalise each feature over the batch, or each channel over batch and positions of lines.

    The input is (N, C) or (N, C, L); see `fastcnn.ops.batch_norm`.

    Parameters
    ----------
    num_features : int
        Number of channels or features.
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

    _axes = (2, 3)
    _layout = "(N, C) or (N, C, L)"
