"""Arrays, tensors and pictures of other libraries as NumPy arrays; none of those libraries is imported."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from .layout import IMAGE_DTYPES, LINES, dtype_cure, looks_channels_last, to_nchw
from .pictures import on_white


def is_picture(value: object) -> bool:
    """Tell whether something is a picture of Pillow's."""
    return callable(getattr(value, "getbands", None)) and callable(getattr(value, "convert", None))


def is_array(value: object) -> bool:
    """Tell whether something is an array or a tensor, of whatever library."""
    if isinstance(value, np.ndarray):
        return True
    return (hasattr(value, "__array__") or hasattr(value, "numpy")) and not is_picture(value)


def array_of(value: Any, what: str) -> np.ndarray:
    """Return what a number, a list, an array, a tensor or a picture holds; memory is shared where it can be.

    Raises
    ------
    DTypeError
        If it is none of these, a tensor that is recorded for a gradient or lies on another device.
    """
    if isinstance(value, np.ndarray):
        return value
    if value is None or isinstance(value, str | bytes | dict):
        raise DTypeError(f"{what} must be numbers, got {_described(value)}")
    if getattr(value, "requires_grad", False) is True:
        raise DTypeError(f"{what} is a tensor that requires a gradient: give its detach()")
    device = getattr(getattr(value, "device", None), "type", "cpu")
    if device != "cpu":
        raise DTypeError(f"{what} is a tensor on the device {device!r}: give its cpu()")
    try:
        tensor = hasattr(value, "numpy") and not hasattr(value, "__array__")
        array = np.asarray(value.numpy() if tensor else value)
    except Exception as error:  # it meets whatever another library raises
        raise DTypeError(f"{what}, {_described(value)}, cannot be made an array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{what} must be numbers, got {_described(value)}")
    return array


def picture_of(picture: Any, what: str) -> np.ndarray:
    """Return the pixels of a picture of Pillow's: uint8 (1, H, W) or (3, H, W).

    Transparency is laid on white, as of files; palettes and other colours become RGB.

    Raises
    ------
    DTypeError
        If it has more than 8 bits a value, of which nobody knows what is white.
    """
    if picture.mode.startswith(("I", "F")):
        raise DTypeError(
            f"{what} is a picture of the mode {picture.mode!r}, which does not tell what is white: make it "
            "an array of bytes, or of float32, where the data set is made"
        )
    if picture.mode in ("L", "RGB") and "transparency" not in picture.info:
        pixels = np.asarray(picture)
        return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)
    return on_white(picture)


def image_of(value: Any, layout: str | None, what: str) -> np.ndarray:
    """Return one image as (C, H, W), or a sample of lines as (C, L).

    Parameters
    ----------
    value : picture, array or tensor
    layout : str or None
        As of a data set, see `fastcnn.data.Dataset`. None: channels are where they look to be, and two axes
        are a grey image.
    what : str
        Opens the message of an error.

    Raises
    ------
    DTypeError, ShapeError
        If it is no image.
    """
    if is_picture(value):
        return picture_of(value, what)
    if not is_array(value):
        raise DTypeError(
            f"{what} must be a picture of Pillow's, an array or a tensor, got {_described(value)}"
        )
    array = _typed(array_of(value, what), what)
    known = "NHW" if layout is None and array.ndim == 2 else layout
    return images_of(array[None], known, what)[0]


def images_of(value: Any, layout: str | None, what: str) -> np.ndarray:
    """Return a batch of images as (N, C, H, W), or of lines as (N, C, L); see `image_of`."""
    array = _typed(array_of(value, what), what)
    if layout == LINES:
        if array.ndim != 3:
            raise ShapeError(f"{what} must have the axes of {LINES}, got {array.shape}")
        return array
    if layout is None:
        layout = "NHWC" if looks_channels_last(array.shape) else "NHW" if array.ndim == 3 else "NCHW"
    images = to_nchw(array, layout, what)
    if 0 in images.shape[1:]:
        raise ShapeError(f"{what} must have at least one channel, row and column, got {array.shape}")
    return images


def _typed(array: np.ndarray, what: str) -> np.ndarray:
    """Return images as uint8 or float32."""
    if array.dtype.kind == "f" and array.dtype != np.float32:
        array = array.astype(np.float32)
    if array.dtype not in IMAGE_DTYPES:
        raise DTypeError(f"{what} must be uint8 or floats, got {array.dtype}{dtype_cure(array.dtype)}")
    return array


def _described(value: object) -> str:
    if isinstance(value, str | bytes):
        return f"{type(value).__name__} {value[:40]!r}"
    return "None" if value is None else type(value).__name__
