"""Zero padding of images."""

import numpy as np

from .._outputs import padded
from .._shapes import allocate, check_size, padding4
from ..errors import ShapeError
from . import _check


def _margins(padding: object, what: str) -> tuple[int, int, int, int]:
    return padding4(padding, f"{what}: padding")


def zero_pad2d(x: np.ndarray, padding: int | tuple[int, ...]) -> np.ndarray:
    """Put zeros around images.

    Parameters
    ----------
    x : array (N, C, H, W) or (C, H, W)
        Images.
    padding : int or (left, right, top, bottom)
        Rows and columns of zeros on each side.

    Returns
    -------
    array (N, C, top + H + bottom, left + W + right), or without N as x came
    """
    what = "zero_pad2d"
    values = _check.array(x, "x", what, (3, 4))
    left, _, top, _ = margins = _margins(padding, what)
    height, width = values.shape[-2:]
    y = allocate(padded(values.shape, margins), values.dtype.newbyteorder("="), f"{what}: the output")
    y[..., :top, :] = 0
    y[..., top + height :, :] = 0
    y[..., :left] = 0
    y[..., left + width :] = 0
    y[..., top : top + height, left : left + width] = values
    return y


def zero_pad2d_backward(dy: np.ndarray, padding: int | tuple[int, ...]) -> np.ndarray:
    """Gradient of `zero_pad2d`: dy without its margins."""
    what = "zero_pad2d_backward"
    grad = _check.array(dy, "dy", what, (3, 4))
    left, right, top, bottom = _margins(padding, what)
    height, width = grad.shape[-2] - top - bottom, grad.shape[-1] - left - right
    if height < 0 or width < 0:
        raise ShapeError(f"{what}: dy of the shape {grad.shape} is smaller than its padding {padding!r}")
    check_size((*grad.shape[:-2], height, width), grad.itemsize, f"{what}: dx")
    return np.ascontiguousarray(grad[..., top : top + height, left : left + width])
