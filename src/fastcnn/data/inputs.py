"""The arrays of a data set: images, and for networks of several inputs a tuple of images and other arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _samples
from .._samples import Samples
from ..errors import ArgumentError, DTypeError, ShapeError
from .layout import IMAGE_DTYPES, LINES, check_layout, dtype_cure, to_nchw


def check_array(images: object, what: str) -> np.ndarray:
    """Return `images` if it is an array of uint8 or float32; `what` opens the error."""
    if isinstance(images, tuple) and any(isinstance(each, np.ndarray) for each in images):
        raise DTypeError(
            f"{what} must be a NumPy array, got a tuple of {len(images)}: for several inputs give what to do "
            "with each, see fastcnn.data.transforms.PerInput"
        )
    if not isinstance(images, np.ndarray):
        raise DTypeError(f"{what} must be a NumPy array, got {type(images).__name__}")
    if images.dtype not in IMAGE_DTYPES:
        raise DTypeError(f"{what} must be uint8 or float32, got {images.dtype}{dtype_cure(images.dtype)}")
    return images


def check_images(images: object, what: str) -> np.ndarray:
    """Return `images` if it is a (N, C, H, W) array of uint8 or float32; `what` opens the error."""
    images = check_array(images, what)
    if images.ndim != 4:
        raise ShapeError(f"{what} must have the shape (N, C, H, W), got {images.shape}")
    if 0 in images.shape[1:]:
        raise ShapeError(f"{what} must have at least one channel, row and column, got {images.shape}")
    return images


def check_inputs(images: object, layout: Any, what: str, owner: str) -> Samples:
    """Return the arrays of a data set after a look at each.

    Parameters
    ----------
    images : ndarray (N, C, H, W), or tuple or list of ndarrays for several inputs
        Of several, those with four axes, and those with a layout, are images; others are numbers of any kind.
    layout : str, or sequence of one for each of several inputs, optional
        See `to_nchw`.
    what, owner : str
        Name of the images in the message of an error, and who takes them.
    """
    if not isinstance(images, tuple | list):
        return _check_images(images, check_layout(layout, owner, lines=True), what)
    given = _samples.check(images, what, "a NumPy array")
    if not isinstance(given, tuple):
        return _check_images(given, check_layout(layout, owner, lines=True), what)
    layouts = [
        check_layout(each, owner, lines=True)
        for each in per_input(layout, len(given), f"{owner}: layout", '"NHWC"')
    ]
    return tuple(
        _check_input(array, each, f"{what}[{i}]")
        for i, (array, each) in enumerate(zip(given, layouts, strict=True))
    )


def per_input(value: Any, count: int, what: str, example: str) -> Sequence[Any]:
    """Return what is given for each of several inputs: one thing for each, or None for none."""
    if value is None:
        return [None] * count
    if not isinstance(value, tuple | list) or len(value) != count:
        raise ArgumentError(
            f"{what} must have one entry for each of {count} inputs, such as ({example}, None), got {value!r}"
        )
    return value


def _check_images(images: object, layout: str | None, what: str) -> np.ndarray:
    if layout == LINES:
        lines = check_array(images, what)
        if lines.ndim != 3 or 0 in lines.shape[1:]:
            raise ShapeError(
                f"{what} must have the shape (N, C, L), and no lines without numbers, got {lines.shape}"
            )
        return lines
    return check_images(to_nchw(check_array(images, what), layout, what), what)


def _check_input(array: np.ndarray, layout: str | None, what: str) -> np.ndarray:
    """Return one of several inputs."""
    if layout is not None or array.ndim == 4:
        return _check_images(array, layout, what)
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{what} must be numbers, got {array.dtype}")
    return array
