"""2-D convolution, and the column matrices that it is computed with."""

from typing import Any, NamedTuple

import numpy as np

from .._kernels import conv2d as kernels
from .._kernels import im2col as column_kernels
from .._kernels import norm as norm_kernels
from .._outputs import convolution
from .._shapes import Window, allocate, conv_padding, integer, pair, window
from ..errors import ShapeError
from . import _check


class _Convolution(NamedTuple):
    """Checked arguments of one convolution."""

    x: np.ndarray
    weight: np.ndarray
    unbatched: bool
    groups: int
    window: Window

    @property
    def out_shape(self) -> tuple[int, int, int, int]:
        return (self.x.shape[0], self.weight.shape[0], self.window.out_h, self.window.out_w)


def operands(
    what: str, x: object, weight: object, groups: object, divided: str
) -> tuple[np.ndarray, bool, np.ndarray, int, str]:
    """Return images, whether they came without a batch, kernels, groups, and the shapes for a message.

    `divided` says which channels the first axis of the kernels is, which groups divide.
    """
    images, unbatched = _check.images(x, "x", what)
    kernel = _check.array(weight, "weight", what, (4,))
    _check.same_dtype(what, x=images, weight=kernel)
    group_count = integer(groups, f"{what}: groups", 1)
    shapes = f"(x {images.shape[1:] if unbatched else images.shape}, weight {kernel.shape})"
    if 0 in kernel.shape[2:]:
        raise ShapeError(f"{what}: weight has an empty kernel {shapes}")
    if kernel.shape[0] % group_count:
        raise ShapeError(
            f"{what}: {kernel.shape[0]} {divided} channels do not divide into {group_count} groups"
        )
    return images, unbatched, kernel, group_count, shapes


def _prepare(
    what: str, x: object, weight: object, stride: object, padding: object, dilation: object, groups: object
) -> _Convolution:
    images, unbatched, kernel, group_count, shapes = operands(what, x, weight, groups, "output")
    expected = kernel.shape[1] * group_count
    if images.shape[1] != expected:
        of_groups = f" in {group_count} groups" if group_count > 1 else ""
        raise ShapeError(
            f"{what}: x has {images.shape[1]} channels but weight expects {expected}{of_groups} {shapes}"
        )
    kernel_size, in_hw = (kernel.shape[2], kernel.shape[3]), (images.shape[2], images.shape[3])
    geometry = convolution(in_hw, kernel_size, stride, padding, dilation, what).window
    return _Convolution(
        _check.contiguous(images, "x", what),
        _check.contiguous(kernel, "weight", what),
        unbatched,
        group_count,
        geometry,
    )


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> np.ndarray:
    """Convolve images with a bank of kernels (cross-correlation, as in every CNN library).

    ``y[n, o, i, j] = bias[o] + sum_{c, u, v} weight[o, c, u, v]
    x[n, g + c, i stride - top + u dilation, j stride - left + v dilation]``

    with g the first input channel of o's group, and zeros outside the image;
    ``out_h = floor((H + top + bottom - dilation (kernel_h - 1) - 1) / stride) + 1``.

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W)
        Images.
    weight : array (out_channels, C / groups, kernel_h, kernel_w)
        Kernels.
    bias : array (out_channels,), optional
        Added to each output channel.
    stride, dilation : int or (vertical, horizontal)
        Step between windows; distance between taps.
    padding : int, (vertical, horizontal), (left, right, top, bottom), "same" or "valid"
        Zeros around the image. "same" keeps the size and needs stride 1.
    groups : int
        Number of blocks of channels that are convolved apart.

    Returns
    -------
    array (N, out_channels, out_h, out_w), or without N as x came

    Raises
    ------
    ShapeError, ArgumentError, DTypeError
        If shapes do not fit, the kernel is larger than the padded image, or a type is wrong.
    SizeError
        If the result does not fit into memory.
    """
    return forward("conv2d", x, weight, bias, stride, padding, dilation, groups)


def forward(what: str, x: object, weight: object, bias: object, *geometry: Any) -> np.ndarray:
    """Convolve for the function whose name is `what`; geometry: stride, padding, dilation, groups."""
    c = _prepare(what, x, weight, *geometry)
    shift = _check.vector(bias, c.weight.shape[0], "bias", what)
    _check.same_dtype(what, x=c.x, bias=shift)
    y = allocate(c.out_shape, c.x.dtype, f"{what}: the output")
    if y.size:
        kernels.conv2d(y, c.x, c.weight, shift, c.groups, c.window)
    return y[0] if c.unbatched else y


def conv2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    *,
    output_mask: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[Any, Any, Any]:
    """Gradients of `conv2d` with respect to x, weight and bias.

    ``dx = col2im(weight^T dy)``, ``dweight = sum_n dy[n] im2col(x[n])^T``, ``dbias = sum_{n, i, j} dy``.

    Parameters
    ----------
    dy : array of the shape that conv2d returned
        Gradient of the loss with respect to the output.
    x, weight, stride, padding, dilation, groups
        As given to conv2d.
    output_mask : (bool, bool, bool)
        Which of the three are wanted.

    Returns
    -------
    dx, dweight, dbias : arrays of the shapes of x, weight and (out_channels,), or None
    """
    geometry = stride, padding, dilation, groups
    return backward("conv2d_backward", dy, x, weight, *geometry, output_mask=output_mask)


def backward(
    what: str, dy: object, x: object, weight: object, *geometry: Any, output_mask: object
) -> tuple[Any, Any, Any]:
    """Return the gradients for the function whose name is `what`; see `forward`."""
    c = _prepare(what, x, weight, *geometry)
    grad = _check.gradient(dy, c.out_shape, c.unbatched, "dy", what)
    _check.same_dtype(what, dy=grad, x=c.x)
    wants_dx, wants_dweight, wants_dbias = _check.mask(output_mask, "output_mask", what)
    dx = dweight = dbias = None
    if wants_dx:
        dx = allocate(c.x.shape, c.x.dtype, f"{what}: dx")
        if grad.size:
            kernels.conv2d_backward_input(dx, grad, c.weight, c.groups, c.window)
        else:
            dx[...] = 0
    if wants_dweight:
        dweight = allocate(c.weight.shape, c.x.dtype, f"{what}: dweight")
        if grad.size:
            kernels.conv2d_backward_weight(dweight, grad, c.x, c.groups, c.window)
        else:
            dweight[...] = 0
    if wants_dbias:
        dbias = allocate(c.weight.shape[:1], c.x.dtype, f"{what}: dbias")
        norm_kernels.channel_sums(dbias, grad.reshape(*grad.shape[:2], c.window.out_h * c.window.out_w))
    return (dx[0] if dx is not None and c.unbatched else dx), dweight, dbias


def _column_window(
    what: str, in_hw: tuple[int, int], kernel_size: object, dilation: object, padding: object, stride: object
) -> Window:
    return window(
        in_hw,
        pair(kernel_size, f"{what}: kernel_size", 1),
        pair(stride, f"{what}: stride", 1),
        conv_padding(padding, (1, 1), (1, 1), (1, 1), f"{what}: padding"),
        pair(dilation, f"{what}: dilation", 1),
        what,
    )


def im2col(
    x: np.ndarray,
    kernel_size: int | tuple[int, int],
    dilation: int | tuple[int, int] = 1,
    padding: int | tuple[int, ...] = 0,
    stride: int | tuple[int, int] = 1,
) -> np.ndarray:
    """Lay out the windows of images as the columns of a matrix (``unfold`` in PyTorch).

    ``columns[n, (c kernel_h + u) kernel_w + v, i out_w + j] = x[n, c, i stride - top + u dilation, ...]``

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W)
        Images.
    kernel_size, dilation, padding, stride
        The window, as in `conv2d`.

    Returns
    -------
    array (N, C kernel_h kernel_w, out_h out_w), or without N as x came
    """
    images, unbatched = _check.images(x, "x", "im2col")
    w = _column_window("im2col", images.shape[2:], kernel_size, dilation, padding, stride)
    batch, channels = images.shape[:2]
    taps, pixels = w.kernel_h * w.kernel_w, w.out_h * w.out_w
    columns = allocate((batch * channels, taps, pixels), images.dtype.newbyteorder("="), "im2col: the output")
    planes = _check.contiguous(images, "x", "im2col").reshape(-1, w.in_h, w.in_w)
    column_kernels.im2col(columns, planes, w)
    columns = columns.reshape(batch, channels * taps, pixels)
    return columns[0] if unbatched else columns


def col2im(
    columns: np.ndarray,
    output_size: tuple[int, int],
    kernel_size: int | tuple[int, int],
    dilation: int | tuple[int, int] = 1,
    padding: int | tuple[int, ...] = 0,
    stride: int | tuple[int, int] = 1,
) -> np.ndarray:
    """Add the columns of `im2col` back to the pixels that they came from (``fold`` in PyTorch).

    Where windows overlap the values add up, so this is the adjoint of im2col, not its inverse.

    Parameters
    ----------
    columns : array (N, C kernel_h kernel_w, out_h out_w) or without N
        Column matrices.
    output_size : (H, W)
        Size of the images.
    kernel_size, dilation, padding, stride
        The window, as in `conv2d`.

    Returns
    -------
    array (N, C, H, W), or without N as columns came
    """
    checked = _check.array(columns, "columns", "col2im", (2, 3))
    unbatched = checked.ndim == 2
    matrices = checked[None] if unbatched else checked
    size = pair(output_size, "col2im: output_size", 1)
    w = _column_window("col2im", size, kernel_size, dilation, padding, stride)
    taps, pixels = w.kernel_h * w.kernel_w, w.out_h * w.out_w
    if matrices.shape[1] % taps or matrices.shape[2] != pixels:
        raise ShapeError(
            f"col2im: columns must have the shape (N, C * {taps}, {pixels}) for images of {size}, "
            f"got {checked.shape}"
        )
    batch, channels = matrices.shape[0], matrices.shape[1] // taps
    x = allocate((batch * channels, *size), matrices.dtype.newbyteorder("="), "col2im: the output")
    source = _check.contiguous(matrices, "columns", "col2im").reshape(-1, taps, pixels)
    column_kernels.col2im(x, source, w)
    x = x.reshape(batch, channels, *size)
    return x[0] if unbatched else x


def im2col_backward(
    dcolumns: np.ndarray,
    input_size: tuple[int, int],
    kernel_size: int | tuple[int, int],
    dilation: int | tuple[int, int] = 1,
    padding: int | tuple[int, ...] = 0,
    stride: int | tuple[int, int] = 1,
) -> np.ndarray:
    """Gradient of `im2col` with respect to x of (H, W) = input_size: its adjoint, `col2im`."""
    return col2im(dcolumns, input_size, kernel_size, dilation, padding, stride)


def col2im_backward(
    dx: np.ndarray,
    kernel_size: int | tuple[int, int],
    dilation: int | tuple[int, int] = 1,
    padding: int | tuple[int, ...] = 0,
    stride: int | tuple[int, int] = 1,
) -> np.ndarray:
    """Gradient of `col2im` with respect to columns: its adjoint, `im2col`."""
    return im2col(dx, kernel_size, dilation, padding, stride)
