"""1-D convolution: that of images of one row."""

from typing import Any

import numpy as np

from .._shapes import row_of
from . import _check
from .conv import backward, forward


def as_images(what: str, x: object, weight: object) -> tuple[np.ndarray, np.ndarray]:
    """Return lines and kernels with an axis of rows."""
    lines = _check.array(x, "x", what, (2, 3))
    kernel = _check.array(weight, "weight", what, (3,))
    return lines[..., None, :], kernel[..., None, :]


def conv1d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int | tuple[int] = 1,
    padding: int | tuple[int] | str = 0,
    dilation: int | tuple[int] = 1,
    groups: int = 1,
) -> np.ndarray:
    """Convolve lines with a bank of kernels.

    ``y[n, o, i] = bias[o] + sum_{c, u} weight[o, c, u] x[n, g + c, i stride - padding + u dilation]``

    with g the first input channel of o's group, and zeros outside the line; the size is that of `conv2d`.

    Parameters
    ----------
    x : array (N, C, L) or (C, L)
        Lines.
    weight : array (out_channels, C / groups, kernel)
        Kernels.
    bias : array (out_channels,), optional
        Added to each output channel.
    stride, dilation : int
        Step between windows; distance between taps.
    padding : int, "same" or "valid"
        Zeros at both ends. "same" keeps the size and needs stride 1.
    groups : int
        Number of blocks of channels that are convolved apart.

    Returns
    -------
    array (N, out_channels, out), or without N as x came

    Raises
    ------
    ShapeError, ArgumentError, DTypeError
        If shapes do not fit, the kernel is larger than the padded line, or a type is wrong.
    SizeError
        If the result does not fit into memory.
    """
    what = "conv1d"
    images, kernel = as_images(what, x, weight)
    y = forward(what, images, kernel, bias, *row_of(stride, padding, dilation, what), groups)
    return y[..., 0, :]


def conv1d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    stride: int | tuple[int] = 1,
    padding: int | tuple[int] | str = 0,
    dilation: int | tuple[int] = 1,
    groups: int = 1,
    *,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[Any, Any, Any]:
    """Gradients of `conv1d` with respect to x, weight and bias; see `conv2d_backward`.

    Parameters
    ----------
    dy : array of the shape that conv1d returned
        Gradient of the loss with respect to the output.
    x, weight, stride, padding, dilation, groups
        As given to conv1d.
    output_mask : (bool, bool, bool)
        Which of the three are wanted.

    Returns
    -------
    dx, dweight, dbias : arrays of the shapes of x, weight and (out_channels,), or None
    """
    what = "conv1d_backward"
    images, kernel = as_images(what, x, weight)
    grad = _check.array(dy, "dy", what, (images.ndim - 1,))[..., None, :]
    geometry = *row_of(stride, padding, dilation, what), groups
    dx, dweight, dbias = backward(what, grad, images, kernel, *geometry, output_mask=output_mask)
    return None if dx is None else dx[..., 0, :], None if dweight is None else dweight[..., 0, :], dbias
