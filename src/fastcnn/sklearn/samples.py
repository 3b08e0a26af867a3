"""What X becomes: rows, which scikit-learn checks, and of these the images or rows that a network takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._shapes import integer
from ..data.layout import looks_channels_last
from ..errors import ShapeError
from ..training.checks import to_unit_range

Shape = tuple[int, ...]
# What scikit-learn leaves as it is when it checks rows; all else becomes the first of them.
DTYPES = (np.float32, np.uint8)


def as_rows(X: Any) -> tuple[Any, Shape | None]:
    """Return X with a row for each sample, and the shape (C, H, W) of a sample if X has images.

    Those are arrays (N, C, H, W), and grey ones (N, H, W). What has two axes, and what is no array, is
    returned as it is.
    """
    given = np.asarray(X) if isinstance(X, list | tuple) else X
    axes = len(getattr(given, "shape", ()))
    if axes not in (3, 4):
        return X, None
    images = np.asarray(given)
    shape = images.shape[1:] if axes == 4 else (1, *images.shape[1:])
    return images.reshape(len(images), math.prod(shape)), shape


def precision_of(X: Any) -> np.dtype:
    """Return float32 for arrays of it, of shorter floats and of bytes, and float64 for others."""
    short = getattr(X, "dtype", None) in (np.float32, np.float16, np.uint8)
    return np.dtype(np.float32 if short else np.float64)


def checked_shape(shape: Any, what: str) -> Shape | None:
    """Return an `input_shape` that was given; `what` opens the error."""
    if shape is None:
        return None
    if not isinstance(shape, tuple | list) or len(shape) != 3:
        raise ShapeError(f"{what}: input_shape must be (C, H, W), got {shape!r}")
    return tuple(integer(size, f"{what}: input_shape", 1) for size in shape)


def sample_shape(given: Shape | None, found: Shape | None, features: int, what: str) -> Shape:
    """Return the shape of a sample: (C, H, W) of images, (F,) of rows that are none.

    Parameters
    ----------
    given, found : (C, H, W), optional
        What `input_shape` says, and that of the images.
    features : int
        Numbers of a sample.
    what : str
        Opens the message of an error.
    """
    if given is not None and found is not None and given != found:
        raise ShapeError(f"{what}: X has images of {found}, but input_shape is {given}")
    if given is not None and math.prod(given) != features:
        raise ShapeError(
            f"{what}: input_shape is {given}, {math.prod(given)} numbers, but X has {features} features"
        )
    return given or found or (features,)


class Prepare:
    """What makes of checked rows the images of a data set, and of these what a network takes.

    What is done to numbers is settled by those that fit was given, not by their type in each call.

    Parameters
    ----------
    shape : (C, H, W) or (F,)
        Of a sample.
    dtype : dtype
        Of the rows in fit. Of bytes, images are bytes too; in rows of one axis they are numbers like others.
    """

    def __init__(self, shape: Shape, dtype: np.dtype) -> None:
        self.shape = shape
        self.bytes = dtype == np.uint8 and len(shape) == 3
        self.transform: Callable[[Any], Any] = to_unit_range

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Return rows as a data set takes them, (N, C, H, W)."""
        if self.bytes and rows.dtype != np.uint8:
            rows = rows / np.float32(255)
        elif not self.bytes:
            rows = rows.astype(np.float32, copy=False)
        return rows.reshape(len(rows), *(self.shape if len(self.shape) == 3 else (*self.shape, 1, 1)))

    def __call__(self, images: Any) -> Any:
        """Return images, or rows where samples have one axis, as the network takes them."""
        made = self.transform(images)
        return made.reshape(len(made), -1) if len(self.shape) == 1 else made


def check_channels(shape: Shape, what: str) -> None:
    """Refuse images that look as if their channels came last."""
    if looks_channels_last((1, *shape)):
        raise ShapeError(
            f"{what}: images of {shape} look like (H, W, C), but must be (C, H, W): turn them with "
            f"X.transpose(0, 3, 1, 2), or give input_shape={shape} if they do have {shape[0]} channels"
        )
