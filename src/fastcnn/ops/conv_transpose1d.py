"""Transposed 1-D convolution: that of images of one row."""

from typing import Any

import numpy as np

from .._shapes import transposed_row
from . import _check
from .conv1d import as_images
from .conv_transpose import backward, forward


def conv_transpose1d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int | tuple[int] = 1,
    padding: int | tuple[int] = 0,
    output_padding: int | tuple[int] = 0,
    groups: int = 1,
    dilation: int | tuple[int] = 1,
) -> np.ndarray:
    """Spread each element of a line over a window of the output: the transpose of a convolution.

    ``y[n, o, i stride - padding + u dilation] += weight[c, o, u] x[n, c, i]``

    for all channels c of o's group, elements i and taps u that lie in the output, which starts from bias[o];
    ``out = (L - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1``.

    Parameters
    ----------
    x : array (N, C, L) or (C, L)
        Lines.
    weight : array (C, out_channels / groups, kernel)
        Kernels.
    bias : array (out_channels,), optional
        Added to each output channel.
    stride, dilation : int
        Step between the windows of neighbouring elements; distance between taps.
    padding : int
        Elements that are cut off at both ends of the output.
    output_padding : int
        Elements at the right end that the output has more; less than stride or dilation.
    groups : int
        Number of blocks of channels that are apart from each other.

    Returns
    -------
    array (N, out_channels, out), or without N as x came

    Raises
    ------
    ShapeError, ArgumentError, DTypeError
        If shapes do not fit, nothing is left of the output, or a type is wrong.
    SizeError
        If the result does not fit into memory.
    """
    what = "conv_transpose1d"
    geometry = transposed_row(stride, padding, output_padding, dilation, what)
    return forward(what, *as_images(what, x, weight), bias, geometry, groups)[..., 0, :]


def conv_transpose1d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    stride: int | tuple[int] = 1,
    padding: int | tuple[int] = 0,
    output_padding: int | tuple[int] = 0,
    groups: int = 1,
    dilation: int | tuple[int] = 1,
    *,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[Any, Any, Any]:
    """Gradients of `conv_transpose1d` with respect to x, weight and bias; see `conv_transpose2d_backward`.

    Parameters
    ----------
    dy : array of the shape that conv_transpose1d returned
        Gradient of the loss with respect to the output.
    x, weight, stride, padding, output_padding, groups, dilation
        As given to conv_transpose1d.
    output_mask : (bool, bool, bool)
        Which of the three are wanted.

    Returns
    -------
    dx, dweight, dbias : arrays of the shapes of x, weight and (out_channels,), or None
    """
    what = "conv_transpose1d_backward"
    images, kernel = as_images(what, x, weight)
    grad = _check.array(dy, "dy", what, (images.ndim - 1,))[..., None, :]
    geometry = transposed_row(stride, padding, output_padding, dilation, what)
    dx, dweight, dbias = backward(what, grad, images, kernel, geometry, groups, output_mask)
    return None if dx is None else dx[..., 0, :], None if dweight is None else dweight[..., 0, :], dbias
