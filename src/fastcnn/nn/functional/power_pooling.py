"""Power-average pooling."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

from ... import graph
from ..._shapes import no_stride, pair, single
from ...errors import ArgumentError, DTypeError
from ...graph import apply
from ...ops import _check
from .lines import over_rows
from .windows import avg_pool2d, max_pool2d

__all__ = ["lp_pool1d", "lp_pool2d"]

T = TypeVar("T")


def lp_pool2d(
    input: T,
    norm_type: float,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, ...] | None = None,
    ceil_mode: bool = False,
) -> T:
    """Root of the sum of powers of each window: ``y = (sum x^p)^(1/p)`` with p = norm_type.

    Infinite p is the largest magnitude, -inf the smallest. Negative numbers have powers of integers p alone,
    a sum below 0 has a root only where 1/p is an integer; elsewhere it is NaN. Of a window that reaches over
    the edge, with ceil_mode, the sum is that of what lies inside, scaled to the whole window. Where the sum
    is 0 the gradient is 0.

    Parameters
    ----------
    input : array (N, C, H, W) or (C, H, W), or value
        Images.
    norm_type : float
        The power, any number but 0.
    kernel_size, stride, ceil_mode
        The window, as in `fastcnn.ops.avg_pool2d`.

    References
    ----------
    Sermanet, Chintala and LeCun, "Convolutional neural networks applied to house numbers digit
    classification", 2012.
    """
    what = "lp_pool2d"
    p = checked_norm_type(norm_type, what)
    kernel = pair(kernel_size, f"{what}: kernel_size", 1)
    if not isinstance(input, graph.Operand):
        _check.array(input, "x", what, (3, 4))
    x: Any = input
    if math.isinf(p):
        size = _sum(apply(graph.ReLU(), x), apply(graph.ReLU(), apply(graph.Negate(), x)))
        if p > 0:
            return max_pool2d(size, kernel, stride, ceil_mode=ceil_mode)
        least = max_pool2d(apply(graph.Negate(), size), kernel, stride, ceil_mode=ceil_mode)
        made: T = apply(graph.Negate(), least)
        return made
    mean = avg_pool2d(_power(x, p), kernel, stride, 0, ceil_mode)
    positive = apply(graph.ReLU(), mean)
    if p % 2 == 1:  # sums may lie below 0; at 0 neither half has a gradient
        negative = apply(graph.ReLU(), apply(graph.Negate(), mean))
        positive = apply(graph.Subtract(), positive, negative)
    root: T = _power(apply(graph.Multiply(), positive, float(kernel[0] * kernel[1])), 1 / p)
    return root


def lp_pool1d(
    input: T,
    norm_type: float,
    kernel_size: int | tuple[int],
    stride: int | tuple[int, ...] | None = None,
    ceil_mode: bool = False,
) -> T:
    """Root of the sum of powers of each window of lines (N, C, L) or (C, L); see `lp_pool2d`."""
    what = "lp_pool1d"
    p = checked_norm_type(norm_type, what)
    kernel = 1, single(kernel_size, f"{what}: kernel_size", 1)
    step = None if no_stride(stride) else (1, single(stride, f"{what}: stride", 1))
    made: T = over_rows(lambda x: lp_pool2d(x, p, kernel, step, ceil_mode), what, input)
    return made


def checked_norm_type(value: object, what: str) -> float:
    """Return the power of a power-average pooling: any number but 0, which has no root."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise DTypeError(f"{what}: norm_type must be a number, got {value!r}")
    if not value or math.isnan(value):
        raise ArgumentError(f"{what}: norm_type must be a number but 0, got {value!r}")
    return float(value)


def _power(x: Any, p: float) -> Any:
    return x if p == 1 else apply(graph.Power(), x, p)


def _sum(a: Any, b: Any) -> Any:
    return apply(graph.Add(), a, b)
