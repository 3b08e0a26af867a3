"""Batch normalisation."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..errors import ShapeError
from ..ops._check import is_number
from ..ops.normalization import batch_norm_forward
from .fields import pointwise
from .operation import Array, Operation, Wanted


class BatchNorm(Operation):
    """Normalise each channel of x with a scale and a shift or None; see `fastcnn.ops.batch_norm`.

    Parameters
    ----------
    running_mean, running_var : array (C,) or None
        Updated in place by each forward pass in training.
    training : bool
        Whether the statistics are those of the batch.
    momentum : float or None
        Share of the batch's statistics in the running ones; None makes those the plain average of batches.
    eps : float
        Added to the variance.
    num_batches_tracked : integer array (), optional
        Counts the batches in the running statistics.
    owner : object, optional
        The layer, whose momentum and eps may change between calls.
    """

    field = pointwise

    def __init__(
        self,
        running_mean: Array | None,
        running_var: Array | None,
        training: bool,
        momentum: float | None,
        eps: float,
        num_batches_tracked: Array | None = None,
        owner: Any = None,
    ) -> None:
        self.running_mean = running_mean
        self.running_var = running_var
        self.training = training
        self.momentum = momentum
        self.eps = eps
        self.num_batches_tracked = num_batches_tracked
        self.owner = owner

    def forward(self, x: Array, weight: Array | None, bias: Array | None) -> tuple[Array, Any]:
        """Return the normalised x; in training, update the running statistics."""
        counter = self.num_batches_tracked
        if counter is not None and not self.training:
            counter = None
        momentum = self.momentum
        if momentum is None:
            momentum = 0.0 if counter is None else 1 / (int(counter) + 1)
        y, mean, invstd = batch_norm_forward(
            x, self.running_mean, self.running_var, weight, bias, self.training, momentum, self.eps
        )
        if counter is not None:
            counter += 1
        return y, (x, weight, mean, invstd)

    def trace(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        """Return y of no image; the running statistics stay as they are."""
        if x.ndim < 2:
            raise ShapeError(f"batch_norm: x must be (N, C, ...), got the shape {x.shape}")
        for name, each in (("weight", weight), ("bias", bias)):
            if each is not None and each.shape != x.shape[1:2]:
                raise ShapeError(f"batch_norm: {name} must have the shape {x.shape[1:2]}, got {each.shape}")
        return x

    def settings(self) -> tuple[Any, ...]:
        """Return the statistics; and of a layer, which is read in each call, whether its numbers are some."""
        own: tuple[Any, ...] = self.momentum, self.eps
        if self.owner is not None:
            own = self.owner, is_number(self.momentum), is_number(self.eps)
        return self.running_mean, self.running_var, self.num_batches_tracked, *own

    def let_go(self) -> None:
        """Forget the layer."""
        self.owner = None

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        x, weight, mean, invstd = saved
        return ops.batch_norm_backward(
            dy, x, weight, training=self.training, saved=(mean, invstd), output_mask=wanted
        )
