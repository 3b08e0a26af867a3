"""Stochastic depth: samples that are set to 0 at random."""

import numpy as np

from .._shapes import check_size
from ..errors import ArgumentError, ShapeError
from . import _check
from ._masks import drawn, masked

# What one draw decides about in each mode, as programs number it: 1: a sample, 2: the batch.
DRAWS = {"row": 1, "batch": 2}


def stochastic_depth(
    x: np.ndarray,
    p: float,
    mode: str = "row",
    training: bool = True,
    *,
    generator: np.random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Set whole samples to zero with probability p and scale the others by 1 / (1 - p).

    Source: Huang et al., "Deep networks with stochastic depth" (2016); the form is torchvision's.

    Parameters
    ----------
    x : array
        Input; its first axis is the batch.
    p : float in [0, 1]
        Probability of dropping a sample.
    mode : "row" or "batch"
        Whether each sample is drawn, or one draw decides about all.
    training : bool
        If False, x is returned as it is, with the mask None.
    generator : numpy.random.Generator
        Source of the mask, as in `dropout`; needed in training.

    Returns
    -------
    y : array of the shape of x
    mask : array (N, 1, ...) or (1, 1, ...), or None
        0 or 1 / (1 - p): y = x * mask.
    """
    what = "stochastic_depth"
    values = _check.array(x, "x", what)
    rate = _check.number(p, "p", what, 0, 1)
    if mode not in DRAWS:
        raise ArgumentError(f"{what}: mode must be 'row' or 'batch', got {mode!r}")
    if not _check.flag(training, "training", what) or rate == 0:
        return values, None
    if values.ndim == 0:
        raise ShapeError(f"{what}: x must have a batch axis, got a number")
    check_size(values.shape, values.itemsize, f"{what}: the output")
    rows = values.shape[0] if mode == "row" else 1
    mask = drawn((rows, 1), values.dtype, rate, generator, what).reshape((rows,) + (1,) * (values.ndim - 1))
    return masked(values, mask), mask


def stochastic_depth_backward(dy: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Gradient of `stochastic_depth`: ``dx = dy * mask`` (dy itself where mask is None)."""
    what = "stochastic_depth_backward"
    grad = _check.array(dy, "dy", what)
    if mask is None:
        return grad
    factors = _check.array(mask, "mask", what)
    whole = (1,) * (grad.ndim - 1)
    if factors.shape not in ((*grad.shape[:1], *whole), (1, *whole)):
        raise ShapeError(
            f"{what}: mask must have a number for each sample or for all of dy {grad.shape}, "
            f"got the shape {factors.shape}"
        )
    check_size(grad.shape, grad.itemsize, f"{what}: dx")
    return masked(grad, factors)
