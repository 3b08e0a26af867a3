"""The functions that networks are made of, under the names of ``torch.nn.functional``.

On arrays they compute; on the values inside a module's forward they are recorded, and so get a gradient.
Weights may be arrays, values or parameters. Images are (N, C, H, W), weights (out_channels,
in_channels / groups, kernel_h, kernel_w); `fastcnn.ops` has the equations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .. import graph, ops
from .._shapes import integer
from ..errors import ArgumentError, DTypeError
from ..graph import apply
from ..ops.losses import Loss
from . import init

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "cat",
    "chunk",
    "clamp",
    "conv2d",
    "cross_entropy",
    "dropout",
    "exp",
    "flatten",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "split",
    "sqrt",
    "tanh",
]

# Arrays make arrays, and the values of a forward make values.
T = TypeVar("T")

# Products ---------------------------------------------------------------------------------------------


def conv2d(
    input: T,
    weight: Any,
    bias: Any = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> T:
    """Convolve images with kernels; see `fastcnn.ops.conv2d`."""
    return apply(graph.Conv2d(stride, padding, dilation, groups), input, weight, bias)


def linear(input: T, weight: Any, bias: Any = None) -> T:
    """Multiply the last axis by a matrix: ``y = x weight^T + bias``."""
    return apply(graph.Linear(), input, weight, bias)


# Functions of elements --------------------------------------------------------------------------------


def relu(input: T) -> T:
    """Rectify: ``y = max(x, 0)``."""
    return apply(graph.ReLU(), input)


def leaky_relu(input: T, negative_slope: float = 0.01) -> T:
    """Let a part of negative values through: ``y = x where x > 0, else negative_slope x``."""
    return apply(graph.LeakyReLU(negative_slope), input)


def sigmoid(input: T) -> T:
    """Squash to (0, 1): ``y = 1 / (1 + exp(-x))``."""
    return apply(graph.Sigmoid(), input)


def tanh(input: T) -> T:
    """Squash to (-1, 1): ``y = tanh(x)``."""
    return apply(graph.Tanh(), input)


def exp(input: T) -> T:
    """Raise e to a power: ``y = exp(x)``."""
    return apply(graph.Exp(), input)


def sqrt(input: T) -> T:
    """Take the square root: ``y = sqrt(x)``."""
    return apply(graph.Sqrt(), input)


def clamp(input: T, min: float | None = None, max: float | None = None) -> T:
    """Limit to a range: ``y = min(max(x, low), high)``."""
    return apply(graph.Clamp(min, max), input)


def dropout(
    input: T, p: float = 0.5, training: bool = True, *, generator: np.random.Generator | None = None
) -> T:
    """Set elements to zero with probability p and scale the others by 1 / (1 - p), in training.

    Parameters
    ----------
    input : array or value
    p : float in [0, 1]
        Probability of dropping an element.
    training : bool
        If False, nothing is dropped.
    generator : numpy.random.Generator, optional
        Source of the mask; the default stream if None.
    """
    return apply(graph.Dropout(_Source(p, generator), training), input)


class _Source(NamedTuple):
    """Who drops in a call of `dropout`."""

    p: float
    generator: np.random.Generator | None

    def stream(self) -> np.random.Generator:
        """Return what masks are drawn from."""
        return self.generator or init.default_generator()


def softmax(input: T, dim: int | None = None) -> T:
    """Turn logits into probabilities along one axis; see `fastcnn.ops.softmax`."""
    return apply(graph.Softmax(dim), input)


def log_softmax(input: T, dim: int | None = None) -> T:
    """Logarithm of `softmax`, without overflow."""
    return apply(graph.LogSoftmax(dim), input)


# Normalisation and pooling ----------------------------------------------------------------------------


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


def max_pool2d(
    input: T,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, int] = 1,
    ceil_mode: bool = False,
) -> T:
    """Maximum of each window; see `fastcnn.ops.max_pool2d`, which returns the places of the maxima too."""
    return apply(graph.MaxPool2d(kernel_size, stride, padding, dilation, ceil_mode), input)


def avg_pool2d(
    input: T,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, ...] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> T:
    """Mean of each window; see `fastcnn.ops.avg_pool2d`."""
    operation = graph.AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return apply(operation, input)


def adaptive_avg_pool2d(input: T, output_size: int | tuple[int | None, int | None] | None) -> T:
    """Mean over windows that divide the image into output_size parts."""
    return apply(graph.AdaptiveAvgPool2d(output_size), input)


# Shapes -----------------------------------------------------------------------------------------------


def flatten(input: T, start_dim: int = 0, end_dim: int = -1) -> T:
    """Merge the axes start_dim to end_dim into one."""
    return apply(graph.Flatten(start_dim, end_dim), input)


def cat(tensors: Sequence[T], dim: int = 0) -> T:
    """Put tensors one after the other along an axis; their other sizes are the same."""
    if not isinstance(tensors, tuple | list) or not tensors:
        raise DTypeError(f"cat: tensors must be a sequence of at least one tensor, got {tensors!r:.60}")
    return apply(graph.Concat(dim), *tensors)


def split(tensor: T, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[T, ...]:
    """Return parts along an axis: of one size, the last perhaps smaller, or of the sizes in a list."""
    return graph.split(tensor, split_size_or_sections, dim)


def chunk(input: T, chunks: int, dim: int = 0) -> tuple[T, ...]:
    """Return at most so many parts of equal size along an axis; the last may be smaller."""
    return graph.chunk(input, chunks, dim)


def pad(input: T, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> T:
    """Put zeros around images: (left, right), or (left, right, top, bottom)."""
    if mode != "constant" or value not in (0, None):
        raise ArgumentError(f"pad: only mode='constant' with value=0 is there, got {mode!r} with {value!r}")
    expected = f"pad: pad must be (left, right) or (left, right, top, bottom), got {pad!r}"
    if not isinstance(pad, tuple | list):
        raise DTypeError(expected)
    if len(pad) not in (2, 4):
        raise ArgumentError(expected)
    margins = [integer(each, "pad: pad") for each in pad]
    return apply(graph.ZeroPad((*margins, 0, 0)[:4]), input)


# Losses, of arrays ------------------------------------------------------------------------------------


def cross_entropy(
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Loss:
    """Cross-entropy of softmax(logits); see `fastcnn.ops.cross_entropy`, which returns the gradient too."""
    return ops.cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)[0]


def nll_loss(
    input: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Loss:
    """Negative log-likelihood of log-probabilities; see `fastcnn.ops.nll_loss`."""
    return ops.nll_loss(input, target, weight, ignore_index, reduction)[0]


def mse_loss(input: np.ndarray, target: np.ndarray, reduction: str = "mean") -> Loss:
    """Mean squared error; see `fastcnn.ops.mse_loss`."""
    return ops.mse_loss(input, target, reduction)[0]
