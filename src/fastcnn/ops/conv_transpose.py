"""Transposed 2-D convolution: the gradient of a convolution's input, as a function of its own.

Its kernels are those of `conv2d`, each in another role: the gradient of x is the convolution, and in the
gradient of the weight x and dy change places.
"""

from typing import Any, NamedTuple

import numpy as np

from .._kernels import conv2d as kernels
from .._kernels import norm as norm_kernels
from .._outputs import transposed_convolution
from .._shapes import Window, allocate
from ..errors import ShapeError
from . import _check
from .conv import operands


class _Transposed(NamedTuple):
    """Checked arguments; the window is that of the convolution from the output to x."""

    x: np.ndarray
    weight: np.ndarray
    unbatched: bool
    groups: int
    window: Window

    @property
    def out_shape(self) -> tuple[int, int, int, int]:
        channels = self.weight.shape[1] * self.groups
        return (self.x.shape[0], channels, self.window.in_h, self.window.in_w)


def _prepare(what: str, x: object, weight: object, geometry: dict[str, Any], groups: object) -> _Transposed:
    images, unbatched, kernel, group_count, shapes = operands(what, x, weight, groups, "input")
    if images.shape[1] != kernel.shape[0]:
        raise ShapeError(
            f"{what}: x has {images.shape[1]} channels but weight expects {kernel.shape[0]} {shapes}"
        )
    kernel_size, in_hw = (kernel.shape[2], kernel.shape[3]), (images.shape[2], images.shape[3])
    return _Transposed(
        _check.contiguous(images, "x", what),
        _check.contiguous(kernel, "weight", what),
        unbatched,
        group_count,
        transposed_convolution(in_hw, kernel_size, what=what, **geometry),
    )


def conv_transpose2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    output_padding: int | tuple[int, int] = 0,
    groups: int = 1,
    dilation: int | tuple[int, int] = 1,
) -> np.ndarray:
    """Spread each pixel over a window of the output: the transpose of a convolution.

    ``y[n, o, i stride - pad + u dilation, j stride - pad + v dilation] += weight[c, o, u, v] x[n, c, i, j]``

    for all channels c of o's group, pixels (i, j) and taps (u, v) that lie in the output, which starts from
    bias[o]; ``out_h = (H - 1) stride - 2 pad + dilation (kernel_h - 1) + output_padding + 1``. Source:
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016).

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W)
        Images.
    weight : array (C, out_channels / groups, kernel_h, kernel_w)
        Kernels.
    bias : array (out_channels,), optional
        Added to each output channel.
    stride, dilation : int or (vertical, horizontal)
        Step between the windows of neighbouring pixels; distance between taps.
    padding : int or (vertical, horizontal)
        Rows and columns that are cut off on each side of the output.
    output_padding : int or (vertical, horizontal)
        Rows at the bottom and columns on the right that the output has more; less than stride or dilation.
    groups : int
        Number of blocks of channels that are apart from each other.

    Returns
    -------
    array (N, out_channels, out_h, out_w), or without N as x came

    Raises
    ------
    ShapeError, ArgumentError, DTypeError
        If shapes do not fit, nothing is left of the output, or a type is wrong.
    SizeError
        If the result does not fit into memory.
    """
    geometry = _geometry(stride, padding, output_padding, dilation)
    return forward("conv_transpose2d", x, weight, bias, geometry, groups)


def forward(
    what: str, x: object, weight: object, bias: object, geometry: dict[str, Any], groups: object
) -> np.ndarray:
    """Return the transposed convolution of images, for the function `what`."""
    c = _prepare(what, x, weight, geometry, groups)
    shift = _check.vector(bias, c.out_shape[1], "bias", what)
    _check.same_dtype(what, x=c.x, bias=shift)
    y = allocate(c.out_shape, c.x.dtype, f"{what}: the output")
    if c.x.size and y.size:
        kernels.conv2d_backward_input(y, c.x, c.weight, c.groups, c.window)
    else:
        y[...] = 0
    if shift is not None:
        y += shift[:, None, None]
    return y[0] if c.unbatched else y


def conv_transpose2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    output_padding: int | tuple[int, int] = 0,
    groups: int = 1,
    dilation: int | tuple[int, int] = 1,
    *,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[Any, Any, Any]:
    """Gradients of `conv_transpose2d` with respect to x, weight and bias.

    ``dx = conv2d(dy, weight)``; dweight is that of this convolution's weight, where x is the gradient of its
    output; ``dbias = sum_{n, i, j} dy``.

    Parameters
    ----------
    dy : array of the shape that conv_transpose2d returned
        Gradient of the loss with respect to the output.
    x, weight, stride, padding, output_padding, groups, dilation
        As given to conv_transpose2d.
    output_mask : (bool, bool, bool)
        Which of the three are wanted.

    Returns
    -------
    dx, dweight, dbias : arrays of the shapes of x, weight and (out_channels,), or None
    """
    what = "conv_transpose2d_backward"
    geometry = _geometry(stride, padding, output_padding, dilation)
    return backward(what, dy, x, weight, geometry, groups, output_mask)


def backward(
    what: str,
    dy: object,
    x: object,
    weight: object,
    geometry: dict[str, Any],
    groups: object,
    output_mask: object,
) -> tuple[Any, Any, Any]:
    """Return the gradients of a transposed convolution of images, for the function `what`."""
    c = _prepare(what, x, weight, geometry, groups)
    grad = _check.gradient(dy, c.out_shape, c.unbatched, "dy", what)
    _check.same_dtype(what, dy=grad, x=c.x)
    wants_dx, wants_dweight, wants_dbias = _check.mask(output_mask, "output_mask", what)
    dx = dweight = dbias = None
    if wants_dx:
        dx = allocate(c.x.shape, c.x.dtype, f"{what}: dx")
        if dx.size and grad.size:
            kernels.conv2d(dx, grad, c.weight, None, c.groups, c.window)
        else:
            dx[...] = 0
    if wants_dweight:
        dweight = allocate(c.weight.shape, c.x.dtype, f"{what}: dweight")
        if c.x.size and grad.size:
            kernels.conv2d_backward_weight(dweight, c.x, grad, c.groups, c.window)
        else:
            dweight[...] = 0
    if wants_dbias:
        dbias = allocate(grad.shape[1:2], c.x.dtype, f"{what}: dbias")
        norm_kernels.channel_sums(dbias, grad.reshape(*grad.shape[:2], c.window.in_h * c.window.in_w))
    return (dx[0] if dx is not None and c.unbatched else dx), dweight, dbias


def _geometry(stride: object, padding: object, output_padding: object, dilation: object) -> dict[str, Any]:
    return {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
    }
