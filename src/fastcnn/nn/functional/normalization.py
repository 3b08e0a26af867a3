"""Normalisation: over the batch, of each image by itself, and of neighbouring channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from ... import graph
from ...errors import ArgumentError, ShapeError
from ...graph import apply
from ...ops import _check

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
]

T = TypeVar("T")


def batch_norm(
    input: T,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> T:
    """Normalise each channel by its mean and variance; see `fastcnn.ops.batch_norm`."""
    return apply(graph.BatchNorm(running_mean, running_var, training, momentum, eps), input, weight, bias)


def group_norm(input: T, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> T:
    """Normalise groups of channels of each image by their own statistics; see `fastcnn.ops.group_norm`."""
    return apply(graph.GroupNorm(num_groups, eps), input, weight, bias)


def layer_norm(
    input: T,
    normalized_shape: int | Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> T:
    """Normalise the last axes by their own mean and variance; see `fastcnn.ops.layer_norm`."""
    return apply(graph.LayerNorm(normalized_shape, eps), input, weight, bias)


def instance_norm(
    input: T,
    running_mean: np.ndarray | None = None,
    running_var: np.ndarray | None = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> T:
    """Normalise each channel of each image by its own mean and variance.

    ``y = (x - mean) / sqrt(var + eps) * weight + bias`` with mean and (biased) variance over the positions of
    a channel: `group_norm` with a group for each channel. Source: Ulyanov, Vedaldi and Lempitsky, "Instance
    Normalization" (2016).

    Parameters
    ----------
    input : array or value (N, C, ...)
    running_mean, running_var : array (C,), optional
        Updated in place, from the mean over images of mean and unbiased variance, where the input's own
        statistics are used; else they take their place.
    weight, bias : (C,), optional
        Scale and shift.
    use_input_stats : bool
        Whether to normalise by the input's own statistics.
    momentum : float
        Share of the new statistics in the running ones.
    eps : float
        Added to the variance.

    Raises
    ------
    ShapeError
        If there is only one position, which has no variance, or a shape does not fit.
    """
    shape = graph.shape_of(input)
    if (running_mean is None) != (running_var is None):
        raise ArgumentError("instance_norm: running_mean and running_var must be given both or not at all")
    if not _check.flag(use_input_stats, "use_input_stats", "instance_norm"):
        return apply(graph.BatchNorm(running_mean, running_var, False, momentum, eps), input, weight, bias)
    if len(shape) < 3 or all(size == 1 for size in shape[2:]):
        raise ShapeError(
            f"instance_norm: x must be (N, C, ...) with more than one position, got the shape {tuple(shape)}"
        )
    if running_mean is None or running_var is None:
        return apply(graph.GroupNorm(None, eps, "instance_norm"), input, weight, bias)
    return apply(graph.InstanceNorm(running_mean, running_var, momentum, eps), input, weight, bias)


def local_response_norm(input: T, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> T:
    """Divide by a power of neighbouring channels' mean square; see `fastcnn.ops.local_response_norm`."""
    return apply(graph.LocalResponseNorm(size, alpha, beta, k), input)
