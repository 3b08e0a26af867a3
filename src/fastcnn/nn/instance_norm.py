"""Instance normalisation."""

from typing import Any, ClassVar

from .. import graph
from .._arguments import count, flag, number, share
from .._shapes import integer
from ..errors import ShapeError
from . import functional as F
from .affine import SHIFT, Tracking
from .declaration import IMAGES, LINES, Argument, channels, declare

__all__ = ["InstanceNorm1d", "InstanceNorm2d"]


_ARGUMENTS = {
    "num_features": Argument(count, found=channels),
    "eps": number,
    "momentum": share,
    "affine": flag,
    "track_running_stats": flag,
    "bias": SHIFT,
}


class _InstanceNorm(Tracking):
    """The base of both: what they do with one axis of positions, or two."""

    _axes: ClassVar[str]  # of the positions

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
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

    def forward(self, x: Any) -> Any:
        """Return the normalised x, with or without an axis of the batch."""
        shape, positions = graph.shape_of(x), self._axes.count(",") + 1
        if len(shape) - positions not in (1, 2) or shape[-1 - positions] != self.num_features:
            raise ShapeError(
                f"{type(self).__name__}: x must be (N, {self.num_features}, {self._axes}) or "
                f"({self.num_features}, {self._axes}), got the shape {shape}"
            )
        if len(shape) == 1 + positions:
            return self.forward(x[None])[0]
        tracked = self.track_running_stats
        return F.instance_norm(
            x,
            self.running_mean if tracked else None,
            self.running_var if tracked else None,
            self.weight,
            self.bias,
            self.training or not tracked,
            self.momentum,
            self.eps,
        )

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}{self._without_shift()}"
        )


@declare(_ARGUMENTS, weights=lambda values: [(4, values["num_features"])], takes=IMAGES)
class InstanceNorm2d(_InstanceNorm):
    """Normalise each channel of each image by its own statistics; see `functional.instance_norm`.

    Parameters
    ----------
    num_features : int
        Number of channels.
    eps : float
        Added to the variance.
    momentum : float
        Share of the new statistics in the running ones.
    affine : bool
        Whether to learn a scale and a shift.
    track_running_stats : bool
        Whether to keep running statistics, which evaluation then uses.
    bias : bool
        Whether there is a shift beside the scale.

    Attributes
    ----------
    weight, bias : Parameter (num_features,) or None
        Scale (ones at first) and shift (zeros at first).
    running_mean, running_var, num_batches_tracked : arrays
        Running statistics; nothing counts batches, as in PyTorch.
    """

    _axes = "H, W"


@declare(_ARGUMENTS, weights=lambda values: [(4, values["num_features"])], takes=LINES)
class InstanceNorm1d(_InstanceNorm):
    """Normalise each channel of each line (N, C, L) by its own statistics; see `InstanceNorm2d`.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, bias
        As in InstanceNorm2d.
    """

    _axes = "L"
