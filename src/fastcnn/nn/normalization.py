"""Batch normalisation."""

import numpy as np

from .. import ops
from .._shapes import filled, integer
from ..errors import ShapeError
from ..ops.normalization import batch_norm_forward
from . import init
from .module import Module
from .parameter import Parameter, accumulate, is_trained


class BatchNorm2d(Module):
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

    # PyTorch's own files had it from version 0.4.1 on, and converted ones often lack it.
    _optional_state = frozenset({"num_batches_tracked"})

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
        shape = (self.num_features,)
        self.weight = Parameter(filled(shape, 1, np.float32, "BatchNorm2d: weight")) if affine else None
        self.bias = Parameter(filled(shape, 0, np.float32, "BatchNorm2d: bias")) if affine and bias else None
        if track_running_stats:
            self.register_buffer("running_mean", filled(shape, 0, np.float32, "BatchNorm2d: running_mean"))
            self.register_buffer("running_var", filled(shape, 1, np.float32, "BatchNorm2d: running_var"))
            self.register_buffer("num_batches_tracked", np.zeros((), np.int64))

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Set scale, shift and running statistics to their first values."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)
        if self.track_running_stats:
            self.running_mean[...] = 0
            self.running_var[...] = 1
            self.num_batches_tracked[...] = 0

    def needs_batch(self, input_shape: tuple[int, ...]) -> bool:
        """Tell whether training fails on one such input (1, C, H, W): a single value has no variance."""
        return tuple(input_shape[-2:]) == (1, 1)

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the normalised x; in training, update the running statistics."""
        if np.ndim(x) != 4:
            raise ShapeError(f"BatchNorm2d: x must be (N, C, H, W), got the shape {np.shape(x)}")
        tracked = self.track_running_stats
        batch_statistics = self.training or not tracked
        momentum = self.momentum
        if self.training and tracked:
            momentum = 1 / (int(self.num_batches_tracked) + 1) if momentum is None else momentum
        y, mean, invstd = batch_norm_forward(
            x,
            self.running_mean if tracked else None,
            self.running_var if tracked else None,
            None if self.weight is None else self.weight.data,
            None if self.bias is None else self.bias.data,
            batch_statistics,
            0.0 if momentum is None else momentum,
            self.eps,
        )
        if self.training and tracked:
            self.num_batches_tracked += 1
        self.saved = (x, mean, invstd, batch_statistics)
        return y

    def backward(self, dy: np.ndarray, *, input_gradient: bool = True) -> np.ndarray:
        """Return dx, or None without `input_gradient`; add the gradients of weight and bias."""
        x, mean, invstd, batch_statistics = self.saved
        weight = None if self.weight is None else self.weight.data
        wanted = input_gradient, is_trained(self.weight), is_trained(self.bias)
        dx, dweight, dbias = ops.batch_norm_backward(
            dy, x, weight, training=batch_statistics, saved=(mean, invstd), output_mask=wanted
        )
        accumulate((self.weight, dweight), (self.bias, dbias))
        return dx

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        parts = [f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"]
        if self.weight is None:
            parts.append("affine=False")
        elif self.bias is None:
            parts.append("bias=False")
        return ", ".join(parts + ([] if self.track_running_stats else ["track_running_stats=False"]))
