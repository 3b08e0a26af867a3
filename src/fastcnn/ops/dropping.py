"""Dropout of whole channels, and dropout that keeps mean and variance.

Sources: Tompson et al., "Efficient object localization using convolutional networks" (2015), for channels;
Klambauer et al., "Self-normalizing neural networks" (2017), for alpha dropout.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._shapes import check_size
from ..errors import ShapeError
from . import _check
from ._masks import drawn, masked

# What SELU tends to where its input falls: -scale * alpha.
_LEAST = -1.7580993408473766


class Drop(NamedTuple):
    """What dropout makes of x: factor * x + kept of an element that it keeps, `dropped` of others."""

    factor: float
    kept: float
    dropped: float

    @classmethod
    def to_zero(cls, p: float) -> Drop:
        """Return those of a dropout that sets elements to 0."""
        return cls(1 / (1 - p) if p < 1 else 0.0, 0.0, 0.0)

    @classmethod
    def to_least(cls, p: float) -> Drop:
        """Return those of alpha dropout; all is 0 where nothing is kept."""
        if p == 1:
            return cls(0.0, 0.0, 0.0)
        factor = 1 / math.sqrt((1 - p) * (1 + p * _LEAST**2))
        kept = -factor * p * _LEAST
        return cls(factor, kept, factor * _LEAST + kept)


def _dropped(
    x: np.ndarray,
    p: float,
    training: bool,
    generator: np.random.Generator | None,
    what: str,
    *,
    by_channel: bool,
    alpha: bool,
) -> tuple[np.ndarray, np.ndarray | None]:
    values = _check.array(x, "x", what)
    if by_channel and values.ndim < 2:
        raise ShapeError(f"{what}: x must have at least 2 axes (N, C, ...), got the shape {values.shape}")
    rate = _check.number(p, "p", what, 0, 1)
    if not _check.flag(training, "training", what) or rate == 0:
        return values, None
    shape = (*values.shape[:2], *(1,) * (values.ndim - 2)) if by_channel else values.shape
    mask = drawn(shape, values.dtype, rate, generator, what)
    kind = mask.dtype
    drop = Drop.to_least(rate) if alpha else Drop.to_zero(rate)
    factor = np.where(mask, kind.type(drop.factor), kind.type(0))
    check_size(values.shape, kind.itemsize, f"{what}: the output")
    with np.errstate(all="ignore"):  # of an infinity that is dropped and becomes NaN
        y = np.asarray(values * factor)
        if alpha:
            y += np.where(mask, kind.type(drop.kept), kind.type(drop.dropped))
    return y, factor


def _backward(dy: np.ndarray, mask: np.ndarray | None, what: str) -> np.ndarray:
    grad = _check.array(dy, "dy", what)
    if mask is None:
        return grad
    factor = _check.array(mask, "mask", what)
    expected = (*grad.shape[: min(2, grad.ndim)], *(1,) * (grad.ndim - 2))
    if factor.shape != expected:
        _check.shape_is(factor, grad.shape, "mask", what)
    check_size(grad.shape, grad.itemsize, f"{what}: dx")
    return masked(grad, factor)


def dropout2d(
    x: np.ndarray, p: float = 0.5, training: bool = True, *, generator: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Set whole channels to zero with probability p and scale the others by 1 / (1 - p).

    The mask is a function of one 64-bit number drawn from the generator, so it is the same for any number
    of threads.

    Parameters
    ----------
    x : array (N, C, ...)
        Input; as in PyTorch, the first axis is the batch of three-dimensional input too.
    p : float in [0, 1]
        Probability of dropping a channel of a sample.
    training : bool
        If False, x is returned as it is, with the mask None.
    generator : numpy.random.Generator
        Source of the mask; needed in training.

    Returns
    -------
    y : array of the shape of x
    mask : array (N, C, 1, ...), or None
        0 or 1 / (1 - p): y = x * mask.
    """
    return _dropped(x, p, training, generator, "dropout2d", by_channel=True, alpha=False)


def dropout2d_backward(dy: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Gradient of `dropout2d`: ``dx = dy * mask`` (dy itself where mask is None)."""
    return _backward(dy, mask, "dropout2d_backward")


def dropout1d(
    x: np.ndarray, p: float = 0.5, training: bool = True, *, generator: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Set whole channels of lines to zero with probability p and scale the others by 1 / (1 - p).

    Parameters
    ----------
    x : array (N, C, L) or (C, L)
        Lines.
    p, training, generator
        As in `dropout2d`.

    Returns
    -------
    y : array of the shape of x
    mask : array (N, C, 1) or (C, 1), or None
        0 or 1 / (1 - p): y = x * mask.
    """
    what = "dropout1d"
    lines = _check.array(x, "x", what)
    if lines.ndim not in (2, 3):
        raise ShapeError(f"{what}: x must be lines (N, C, L) or (C, L), got the shape {lines.shape}")
    batch = lines[None] if lines.ndim == 2 else lines
    y, mask = _dropped(batch, p, training, generator, what, by_channel=True, alpha=False)
    return y.reshape(lines.shape), None if mask is None else mask.reshape(*lines.shape[:-1], 1)


def dropout1d_backward(dy: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Gradient of `dropout1d`: ``dx = dy * mask`` (dy itself where mask is None)."""
    what = "dropout1d_backward"
    grad = _check.array(dy, "dy", what)
    if mask is None or grad.ndim != 2:
        return _backward(grad, mask, what)
    return _backward(grad[None], _check.array(mask, "mask", what)[None], what)[0]


def alpha_dropout(
    x: np.ndarray, p: float = 0.5, training: bool = False, *, generator: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Set elements to the least value of SELU with probability p, so that mean 0 and variance 1 stay.

    ``y = a x + b`` of what is kept, ``y = a l + b`` of what is dropped, with ``l = -1.7580993408473766``,
    ``a = 1 / sqrt((1 - p)(1 + p l^2))`` and ``b = -a p l``; 0 for all with p = 1

    Parameters
    ----------
    x, p, training, generator
        As in `dropout`.

    Returns
    -------
    y : array of the shape of x
    mask : array of the shape of x, or None
        0 or a, which is what the gradient is multiplied by.
    """
    return _dropped(x, p, training, generator, "alpha_dropout", by_channel=False, alpha=True)


def alpha_dropout_backward(dy: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Gradient of `alpha_dropout`: ``dx = dy * mask`` (dy itself where mask is None)."""
    return _backward(dy, mask, "alpha_dropout_backward")


def feature_alpha_dropout(
    x: np.ndarray, p: float = 0.5, training: bool = False, *, generator: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Drop whole channels as `alpha_dropout` drops elements; x is (N, C, ...), the mask (N, C, 1, ...)."""
    return _dropped(x, p, training, generator, "feature_alpha_dropout", by_channel=True, alpha=True)


def feature_alpha_dropout_backward(dy: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Gradient of `feature_alpha_dropout`: ``dx = dy * mask`` (dy itself where mask is None)."""
    return _backward(dy, mask, "feature_alpha_dropout_backward")
