"""Normalisation of each image by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from .._outputs import grouped, normalized_axes
from ..errors import ShapeError
from ..ops import _check
from ..ops.group_norm import group_norm_forward, layer_norm_forward
from ..ops.normalization import running
from .fields import pointwise
from .operation import Array, Operation, Wanted, shape_of


class GroupNorm(Operation):
    """Normalise groups of channels of each image, with a scale and a shift or None; see `ops.group_norm`.

    Parameters
    ----------
    num_groups : int
        Of which the number of channels is a multiple; None for one for each channel.
    eps : float
        Added to the variance.
    what : str
        Who normalises, for messages.
    """

    field = pointwise

    def __init__(self, num_groups: int | None, eps: float = 1e-5, what: str = "group_norm") -> None:
        self.num_groups = num_groups
        self.eps = eps
        self.what = what

    def groups(self, channels: int) -> int:
        """Return the number of groups of so many channels."""
        return max(channels, 1) if self.num_groups is None else self.num_groups

    def forward(self, x: Array, weight: Array | None, bias: Array | None) -> tuple[Array, Any]:
        """Return the normalised x."""
        shape = shape_of(x)
        groups = self.groups(shape[1]) if len(shape) > 1 else 1
        y, *saved = group_norm_forward(x, groups, weight, bias, self.eps, self.what)
        return y, (x, groups, weight, tuple(saved))

    def trace(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        """Return y of no image."""
        if x.ndim < 2:
            raise ShapeError(f"{self.what}: x must be (N, C, ...), got the shape {x.shape}")
        grouped(x.shape[1], self.groups(x.shape[1]), self.what)
        _fits(self.what, x.shape[1:2], weight=weight, bias=bias)
        return x

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        x, groups, weight, statistics = saved
        return ops.group_norm_backward(dy, x, groups, weight, saved=statistics, output_mask=wanted)


class LayerNorm(Operation):
    """Normalise the last axes, with a scale and a shift or None; see `fastcnn.ops.layer_norm`.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        Sizes of the last axes.
    eps : float
        Added to the variance.
    """

    field = pointwise

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5) -> None:
        self.normalized_shape = normalized_shape
        self.eps = eps

    def forward(self, x: Array, weight: Array | None, bias: Array | None) -> tuple[Array, Any]:
        """Return the normalised x."""
        y, *saved = layer_norm_forward(x, self.normalized_shape, weight, bias, self.eps)
        return y, (x, weight, tuple(saved))

    def trace(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        """Return y of no image."""
        sizes = normalized_axes(self.normalized_shape, x.shape, "layer_norm")
        if len(sizes) == x.ndim:
            raise ShapeError(f"layer_norm over all axes of {x.shape} mixes images")
        _fits("layer_norm", sizes, weight=weight, bias=bias)
        return x

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        x, weight, statistics = saved
        return ops.layer_norm_backward(
            dy, x, self.normalized_shape, weight, saved=statistics, output_mask=wanted
        )


class InstanceNorm(Operation):
    """Normalise each channel of each image, and keep running statistics.

    ``running += momentum * (mean over images - running)``, with the unbiased variance.

    Parameters
    ----------
    running_mean, running_var : array (C,)
        Updated in place by each forward pass.
    momentum : float
        Share of the batch's statistics in the running ones.
    eps : float
        Added to the variance.
    """

    field = pointwise

    def __init__(self, running_mean: Array, running_var: Array, momentum: float, eps: float) -> None:
        self.running_mean = running_mean
        self.running_var = running_var
        self.momentum = momentum
        self.eps = eps

    def forward(self, x: Array, weight: Array | None, bias: Array | None) -> tuple[Array, Any]:
        """Return the normalised x; update the running statistics."""
        what, groups = "instance_norm", np.shape(x)[1]
        for name, each in (("running_mean", self.running_mean), ("running_var", self.running_var)):
            running(each, groups, name, what, True)
        factor = _check.number(self.momentum, "momentum", what)
        y, mean, invstd = group_norm_forward(x, groups, weight, bias, self.eps, what)
        count = x[0, 0].size if len(x) else 0
        if count > 1:
            with np.errstate(all="ignore"):
                var = (1 / (invstd * invstd) - float(self.eps)) * (count / (count - 1))
                self.running_mean += factor * (mean.mean(0) - self.running_mean)
                self.running_var += factor * (var.mean(0) - self.running_var)
        return y, (x, groups, weight, (mean, invstd))

    def trace(self, x: Array, weight: Array | None, bias: Array | None) -> Array:
        """Return y of no image; the running statistics stay as they are."""
        for name, each in (("running_mean", self.running_mean), ("running_var", self.running_var)):
            _fits("instance_norm", x.shape[1:2], **{name: each})
        _fits("instance_norm", x.shape[1:2], weight=weight, bias=bias)
        return x

    backward = GroupNorm.backward


def _fits(what: str, shape: tuple[int, ...], **arrays: Array | None) -> None:
    """Raise unless each array that there is has a shape."""
    for name, each in arrays.items():
        if each is not None and each.shape != shape:
            raise ShapeError(f"{what}: {name} must have the shape {shape}, got {each.shape}")
