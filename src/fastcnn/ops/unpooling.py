"""Max unpooling: maxima back in the places that they were found at."""

from __future__ import annotations

import numpy as np

from .._outputs import unpooled
from .._shapes import allocate, filled
from ..errors import ArgumentError
from . import _check
from .pooling import checked_places


def max_unpool2d(
    x: np.ndarray,
    indices: np.ndarray,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, ...] = 0,
    output_size: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Put values in the places that a max pooling found them at, among zeros.

    ``y[n, c].flat[indices[n, c, i, j]] = x[n, c, i, j]``

    Where windows overlap, a place may be that of several maxima: it has the last one in row-major order.

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W)
        Images.
    indices : int array of the same shape
        ``row * out_w + column`` of each, as `max_pool2d` and `adaptive_max_pool2d` return it.
    kernel_size, stride, padding
        The window of the pooling, as in `max_pool2d`.
    output_size : (out_h, out_w), or four sizes of which these are the last, optional
        Size of the output, less than a stride away from the one that it has without:
        ``(H - 1) stride + kernel_size - 2 padding`` rows, and columns likewise.

    Returns
    -------
    array (N, C, out_h, out_w), or without N as x came

    Raises
    ------
    ArgumentError
        If an index is no pixel of the output.

    References
    ----------
    Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2014; Badrinarayanan, Kendall
    and Cipolla, "SegNet", 2017.
    """
    what = "max_unpool2d"
    images, unbatched = _check.images(x, "x", what)
    checked_places(indices, x.shape, "indices", what)
    rows, columns = unpooled(images.shape[2:], kernel_size, stride, padding, output_size, what)
    shape = (*images.shape[:2], rows, columns)
    y = filled(shape, 0, images.dtype.newbyteorder("="), f"{what}: the output")
    places = _in_planes(indices, images.shape, (rows, columns), what)
    first = np.arange(len(places))[:, None] * (rows * columns)  # of each plane's pixels
    y.put(places + first, _check.contiguous(images, "x", what))  # one after the other, so that the last stays
    return y[0] if unbatched else y


def _in_planes(indices: np.ndarray, shape: tuple[int, ...], out_hw: tuple[int, int], what: str) -> np.ndarray:
    """Return the places in a row for each plane, after a look at whether there are such."""
    pixels = out_hw[0] * out_hw[1]
    if indices.size and not (indices.min() >= 0 and indices.max() < pixels):
        raise ArgumentError(
            f"{what}: indices must lie in [0, {pixels}), the pixels of a plane of {out_hw[0]} rows and "
            f"{out_hw[1]} columns; got {indices.min()} to {indices.max()}"
        )
    flat = _check.contiguous(indices, "indices", what, np.int64)
    return flat.reshape(shape[0] * shape[1], shape[2] * shape[3])


def max_unpool2d_backward(dy: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Gradient of `max_unpool2d` with respect to x: dy in the place of each value.

    Values that share a place all have the gradient of that place, as in PyTorch.

    Parameters
    ----------
    dy : array of the shape that max_unpool2d returned
        Gradient of the loss with respect to the output.
    indices : int array of the shape of x
        As max_unpool2d was given them.

    Returns
    -------
    array of the shape of x
    """
    what = "max_unpool2d_backward"
    grad, unbatched = _check.images(dy, "dy", what)
    sizes = (
        indices.shape[-2:] if isinstance(indices, np.ndarray) and indices.ndim == dy.ndim else dy.shape[-2:]
    )
    shape = (*grad.shape[:2], *sizes)
    checked_places(indices, shape[1:] if unbatched else shape, "indices", what)
    rows, columns = grad.shape[2:]
    places = _in_planes(indices, shape, (rows, columns), what)
    dx = allocate(shape, grad.dtype.newbyteorder("="), f"{what}: dx")
    planes = grad.reshape(len(places), rows * columns)
    dx.reshape(places.shape)[...] = np.take_along_axis(planes, places, 1)
    return dx[0] if unbatched else dx
