"""Merging and dividing axes, and channels that become pixels or change places."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._moved import channel_groups, shuffled, unflattened, unshuffled
from .._outputs import flattened
from .._shapes import check_size
from ..errors import DTypeError


def _array(x: object, what: str) -> np.ndarray:
    if not isinstance(x, np.ndarray):
        raise DTypeError(f"{what}: x must be a NumPy array, got {type(x).__name__}")
    return x


def flatten(x: np.ndarray, start_dim: int = 0, end_dim: int = -1) -> np.ndarray:
    """Merge the axes start_dim to end_dim into one; negative axes count from the end.

    Returns
    -------
    array
        A view of x where that is possible.
    """
    values = _array(x, "flatten")
    return values.reshape(flattened(values.shape, start_dim, end_dim, "flatten"))


def unflatten(x: np.ndarray, dim: int, sizes: tuple[int, ...]) -> np.ndarray:
    """Divide an axis into several, of sizes that make up its own; one of them may be -1: what is left.

    Returns
    -------
    array
        A view of x where that is possible.
    """
    values = _array(x, "unflatten")
    return values.reshape(unflattened(values.shape, dim, sizes, "unflatten"))


def pixel_shuffle(x: np.ndarray, upscale_factor: int) -> np.ndarray:
    """Make squares of pixels out of channels.

    ``y[..., c, h r + i, w r + j] = x[..., c r^2 + i r + j, h, w]`` with r = upscale_factor

    Source: Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network" (2016).

    Parameters
    ----------
    x : array (..., C r^2, H, W)
        Of any element type.
    upscale_factor : int
        Rows and columns of a square.

    Returns
    -------
    array (..., C, H r, W r)
    """
    values = _array(x, "pixel_shuffle")
    shape = shuffled(values.shape, upscale_factor, "pixel_shuffle")
    r, (height, width) = int(upscale_factor), values.shape[-2:]
    parts = values.reshape(*shape[:-2], r, r, height, width)
    return _moved(parts, (-2, -4, -1, -3), shape, "pixel_shuffle")


def pixel_unshuffle(x: np.ndarray, downscale_factor: int) -> np.ndarray:
    """Make channels out of squares of pixels: `pixel_shuffle` the other way round.

    Parameters
    ----------
    x : array (..., C, H r, W r)
        Of any element type.
    downscale_factor : int
        Rows and columns r of a square.

    Returns
    -------
    array (..., C r^2, H, W)
    """
    values = _array(x, "pixel_unshuffle")
    shape = unshuffled(values.shape, downscale_factor, "pixel_unshuffle")
    r = int(downscale_factor)
    parts = values.reshape(*values.shape[:-2], shape[-2], r, shape[-1], r)
    return _moved(parts, (-3, -1, -4, -2), shape, "pixel_unshuffle")


def channel_shuffle(x: np.ndarray, groups: int) -> np.ndarray:
    """Take the channels of groups in turn: the first of each, then the second of each, and so on.

    ``y[:, c groups + g] = x[:, g C / groups + c]``

    Source: Zhang et al., "ShuffleNet" (2018).

    Parameters
    ----------
    x : array (N, C, ...)
        Of at least 3 axes and any element type.
    groups : int
        Of neighbouring channels; a divisor of C.

    Returns
    -------
    array of the shape of x
    """
    values = _array(x, "channel_shuffle")
    count = channel_groups(values.shape, groups, "channel_shuffle")
    batch, channels, *rest = values.shape
    parts = values.reshape(batch, count, channels // count, *rest)
    check_size(values.shape, values.itemsize, "channel_shuffle: the output")
    return parts.swapaxes(1, 2).reshape(values.shape)


def _moved(parts: np.ndarray, last: tuple[int, ...], shape: tuple[int, ...], what: str) -> Any:
    """Return parts with the last four axes in another order, in a shape."""
    check_size(shape, parts.itemsize, f"{what}: the output")
    first = range(parts.ndim - 4)
    return parts.transpose(*first, *(parts.ndim + axis for axis in last)).reshape(shape)
