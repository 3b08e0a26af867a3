"""Max, average and adaptive average pooling."""

import numpy as np

from .._kernels import pool2d as kernels
from .._outputs import adaptive_size, pooling
from .._shapes import INT_MAX, allocate, integer
from ..errors import ArgumentError, DTypeError, ShapeError
from . import _check


def _planes(x: np.ndarray, what: str) -> np.ndarray:
    return _check.contiguous(x, "x", what).reshape(-1, *x.shape[2:])


def _output(images: np.ndarray, out_hw: tuple[int, int], what: str) -> np.ndarray:
    shape = (*images.shape[:2], *out_hw)
    return allocate(shape, images.dtype.newbyteorder("="), f"{what}: the output")


def image_shape(value: object, what: str) -> tuple[tuple[int, ...], bool]:
    """Return (input_shape of rank 4, whether it came without a batch axis)."""
    if not isinstance(value, tuple | list) or len(value) not in (3, 4):
        raise ShapeError(f"{what}: input_shape must be (N, C, H, W) or (C, H, W), got {value!r}")
    minimum = [0, 0, 1, 1][-len(value) :]
    shape = tuple(integer(n, f"{what}: input_shape", m) for n, m in zip(value, minimum, strict=True))
    return (shape, False) if len(shape) == 4 else ((1, *shape), True)


def max_pool2d(
    x: np.ndarray,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, int] = 1,
    ceil_mode: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Maximum of each window, and where it stands.

    ``y[n, c, i, j] = max_{u, v} x[n, c, i stride - top + u dilation, j stride - left + v dilation]``

    Padding never wins; of equal values the first in row-major order does; a NaN propagates.

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W)
        Images.
    kernel_size : int or (vertical, horizontal)
        Size of the window.
    stride : int or (vertical, horizontal), optional
        Step between windows; kernel_size if None.
    padding : int, (vertical, horizontal) or (left, right, top, bottom)
        Padding, at most half of the kernel.
    dilation : int or (vertical, horizontal)
        Distance between the taps of a window.
    ceil_mode : bool
        Round the output size up; a last window that would start in the padding is dropped.

    Returns
    -------
    y : array (N, C, out_h, out_w), or without N as x came
    argmax : int64 array of the same shape
        Index ``row * W + column`` of the maximum in its plane.
    """
    what = "max_pool2d"
    images, unbatched = _check.images(x, "x", what)
    ceil = _check.flag(ceil_mode, "ceil_mode", what)
    w = pooling(images.shape[2:], kernel_size, stride, padding, dilation, ceil, what).window
    planes = _planes(images, what)
    y = _output(images, (w.out_h, w.out_w), what)
    argmax = allocate(y.shape, np.int64, f"{what}: argmax")
    flat = (-1, w.out_h, w.out_w)
    kernels.max_pool2d(y.reshape(flat), argmax.reshape(flat), planes, w)
    return (y[0], argmax[0]) if unbatched else (y, argmax)


def max_pool2d_backward(dy: np.ndarray, argmax: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
    """Gradient of `max_pool2d` with respect to x: dy is added at each window's maximum.

    Parameters
    ----------
    dy : array of the shape that max_pool2d returned
        Gradient of the loss with respect to the output.
    argmax : int array of the same shape
        As max_pool2d returned it.
    input_shape : (N, C, H, W) or (C, H, W)
        Shape of x.

    Returns
    -------
    array of input_shape
    """
    what = "max_pool2d_backward"
    shape, unbatched = image_shape(input_shape, what)
    grad = _check.array(dy, "dy", what, (3,) if unbatched else (4,))
    _check.shape_is(grad, (*input_shape[:-2], *grad.shape[-2:]), "dy", what)
    checked_places(argmax, grad.shape, "argmax", what)
    dx = allocate(shape, grad.dtype.newbyteorder("="), f"{what}: dx")
    flat = (shape[0] * shape[1], *grad.shape[-2:])
    indices = _check.contiguous(argmax, "argmax", what, np.int64).reshape(flat)
    valid = kernels.max_pool2d_backward(
        dx.reshape(-1, *shape[2:]), _check.contiguous(grad, "dy", what).reshape(flat), indices
    )
    if not valid:
        raise ArgumentError(
            f"{what}: argmax must lie in [0, {shape[2] * shape[3]}), the pixels of a plane of input_shape "
            f"{tuple(input_shape)}; got {indices.min()} to {indices.max()}"
        )
    return dx[0] if unbatched else dx


def checked_places(value: object, shape: tuple[int, ...], name: str, what: str) -> np.ndarray:
    """Return the places of maxima of a shape: integers."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
        raise DTypeError(
            f"{what}: {name} must be an integer array, got {getattr(value, 'dtype', type(value).__name__)}"
        )
    _check.shape_is(value, shape, name, what)
    return value


def checked_divisor(value: object, what: str) -> int:
    """Return divisor_override, 0 for None: any integer but zero divides, a negative one as in PyTorch."""
    if value is None:
        return 0
    divisor = integer(value, f"{what}: divisor_override", -INT_MAX)
    if divisor == 0:
        raise ArgumentError(f"{what}: divisor_override must not be 0")
    return divisor


def avg_pool2d(
    x: np.ndarray,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, ...] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> np.ndarray:
    """Mean of each window.

    ``y[n, c, i, j] = sum_{u, v} x[n, c, i stride - top + u, j stride - left + v] / divisor``

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W)
        Images.
    kernel_size, stride, padding, ceil_mode
        The window, as in `max_pool2d`; padding adds zeros.
    count_include_pad : bool
        Whether the padding counts in the divisor.
    divisor_override : int, optional
        The divisor, instead of the number of pixels.

    Returns
    -------
    array (N, C, out_h, out_w), or without N as x came
    """
    what = "avg_pool2d"
    images, unbatched = _check.images(x, "x", what)
    ceil = _check.flag(ceil_mode, "ceil_mode", what)
    w, (_, right, _, bottom) = pooling(images.shape[2:], kernel_size, stride, padding, 1, ceil, what)
    divisor = checked_divisor(divisor_override, what)
    y = _output(images, (w.out_h, w.out_w), what)
    kernels.avg_pool2d(
        y.reshape(-1, w.out_h, w.out_w),
        _planes(images, what),
        w,
        bottom,
        right,
        _check.flag(count_include_pad, "count_include_pad", what),
        divisor,
    )
    return y[0] if unbatched else y


def avg_pool2d_backward(
    dy: np.ndarray,
    input_shape: tuple[int, ...],
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, ...] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> np.ndarray:
    """Gradient of `avg_pool2d` with respect to x of input_shape: dy / divisor spread over each window."""
    what = "avg_pool2d_backward"
    shape, unbatched = image_shape(input_shape, what)
    ceil = _check.flag(ceil_mode, "ceil_mode", what)
    w, (_, right, _, bottom) = pooling((shape[2], shape[3]), kernel_size, stride, padding, 1, ceil, what)
    divisor = checked_divisor(divisor_override, what)
    out_shape = (*shape[:2], w.out_h, w.out_w)
    grad = _check.gradient(dy, out_shape, unbatched, "dy", what)
    dx = allocate(shape, grad.dtype, f"{what}: dx")
    kernels.avg_pool2d_backward(
        dx.reshape(-1, *shape[2:]),
        grad.reshape(-1, *out_shape[2:]),
        w,
        bottom,
        right,
        _check.flag(count_include_pad, "count_include_pad", what),
        divisor,
    )
    return dx[0] if unbatched else dx


def adaptive_max_pool2d(
    x: np.ndarray, output_size: int | tuple[int | None, int | None] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Maximum over windows that divide the image as in `adaptive_avg_pool2d`, and where it stands.

    Of equal values the first in row-major order wins; a NaN propagates. The gradient is
    `max_pool2d_backward`.

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W)
        Images.
    output_size : int, (out_h, out_w), None
        Size of the output; None keeps the input's size.

    Returns
    -------
    y : array (N, C, out_h, out_w), or without N as x came
    argmax : int64 array of the same shape
        Index ``row * W + column`` of the maximum in its plane.
    """
    what = "adaptive_max_pool2d"
    images, unbatched = _check.images(x, "x", what)
    out_hw = adaptive_size(output_size, images.shape[2:], what)
    y = _output(images, out_hw, what)
    argmax = allocate(y.shape, np.int64, f"{what}: argmax")
    kernels.adaptive_max_pool2d(y.reshape(-1, *out_hw), argmax.reshape(-1, *out_hw), _planes(images, what))
    return (y[0], argmax[0]) if unbatched else (y, argmax)


def adaptive_avg_pool2d(x: np.ndarray, output_size: int | tuple[int | None, int | None] | None) -> np.ndarray:
    """Mean over windows that divide the image into output_size parts as evenly as possible.

    Row i of the output averages the rows ``floor(i H / out_h) .. ceil((i + 1) H / out_h) - 1``.

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W)
        Images.
    output_size : int, (out_h, out_w), None
        Size of the output; None keeps the input's size.

    Returns
    -------
    array (N, C, out_h, out_w), or without N as x came
    """
    what = "adaptive_avg_pool2d"
    images, unbatched = _check.images(x, "x", what)
    out_hw = adaptive_size(output_size, images.shape[2:], what)
    y = _output(images, out_hw, what)
    kernels.adaptive_avg_pool2d(y.reshape(-1, *out_hw), _planes(images, what))
    return y[0] if unbatched else y


def adaptive_avg_pool2d_backward(dy: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
    """Gradient of `adaptive_avg_pool2d` with respect to x of input_shape."""
    what = "adaptive_avg_pool2d_backward"
    shape, unbatched = image_shape(input_shape, what)
    checked = _check.array(dy, "dy", what, (3,) if unbatched else (4,))
    if 0 in checked.shape[-2:]:
        raise ShapeError(f"{what}: dy has no pixels (shape {checked.shape})")
    grad = _check.gradient(dy, (*shape[:2], *checked.shape[-2:]), unbatched, "dy", what)
    dx = allocate(shape, grad.dtype, f"{what}: dx")
    kernels.adaptive_avg_pool2d_backward(dx.reshape(-1, *shape[2:]), grad.reshape(-1, *grad.shape[2:]))
    return dx[0] if unbatched else dx
