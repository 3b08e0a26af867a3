"""How arrays hold images: their types, and the order of their axes.

fastcnn's order is (N, C, H, W); other programs keep the channels last, or have no axis for grey ones.
"""

from __future__ import annotations

import numpy as np

from .._shapes import allocate
from ..errors import ArgumentError, DTypeError, ShapeError

IMAGE_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32))
LAYOUTS = ("NCHW", "NHWC", "NHW")
# What a data set of samples without rows has: lines of numbers in several channels.
LINES = "NCL"
# How many channels pictures have: grey, colour, colour with opacity.
_CHANNELS = (1, 3, 4)


def dtype_cure(dtype: np.dtype) -> str:
    """Return what makes images of another type uint8 or float32, as the end of a message."""
    if dtype in IMAGE_DTYPES:
        return ""
    if dtype.kind == "f":
        return ": use images.astype(np.float32)"
    if dtype.kind in "iub":
        return ": use images.astype(np.uint8) for values from 0 to 255, or astype(np.float32)"
    return ""


def grey_cure(shape: tuple[int, ...]) -> str:
    """Return what makes grey images (N, H, W) four-dimensional, as the end of a message."""
    return (
        '; for grey images (N, H, W) give layout="NHW" (--layout NHW) or images[:, None]'
        if len(shape) == 3
        else ""
    )


def looks_channels_last(shape: tuple[int, ...]) -> bool:
    """Tell whether a shape (N, ., ., .) makes sense only as (N, H, W, C)."""
    return len(shape) == 4 and shape[3] in _CHANNELS and shape[1] not in _CHANNELS and shape[1] > shape[3]


def check_layout(layout: object, what: str, *, lines: bool = False) -> str | None:
    """Return `layout` if it is None, one of `LAYOUTS` or, with `lines`, theirs; `what` opens the error."""
    if layout is not None and not isinstance(layout, str):
        raise DTypeError(f"{what}: layout must be a str, got {layout!r}")
    known = (*LAYOUTS, LINES) if lines else LAYOUTS
    if layout not in (None, *known):
        raise ArgumentError(f"{what}: layout must be one of {', '.join(known)}, got {layout!r}")
    return layout


def to_nchw(images: np.ndarray, layout: str | None, what: str) -> np.ndarray:
    """Return images in the order (N, C, H, W).

    Parameters
    ----------
    images : ndarray
    layout : {"NCHW", "NHWC", "NHW"} or None
        The order in which they are: "NHW" are grey images without an axis of channels. None: (N, C, H, W),
        unless the sizes say something else.
    what : str
        Opens the message of an error.

    Returns
    -------
    ndarray (N, C, H, W)
        The array itself or a view of it; of "NHWC" a copy, since the channels have to be put in order,
        but of a file that is mapped into memory.

    Raises
    ------
    ShapeError
        If the images do not have the axes of `layout`, or look as if their channels were last and `layout` is
        None.
    """
    if layout is None:
        if looks_channels_last(images.shape):
            raise ShapeError(
                f"{what} have the shape {images.shape}, which looks like (N, H, W, C), but must be "
                f'(N, C, H, W): give layout="NHWC" (--layout NHWC) or turn them with '
                f"images.transpose(0, 3, 1, 2); if they do have {images.shape[1]} channels, give "
                f'layout="NCHW"'
            )
        layout = "NCHW"
    if images.ndim != len(layout):
        cure = grey_cure(images.shape) if layout == "NCHW" else ""
        raise ShapeError(f"{what} must have the shape ({', '.join(layout)}), got {images.shape}{cure}")
    if layout == "NHW":
        return images[:, None]
    if layout == "NCHW":
        return images
    turned = np.moveaxis(images, 3, 1)
    if isinstance(images, np.memmap):
        return turned  # of a file that may be larger than memory
    result = allocate(turned.shape, images.dtype, what)
    result[:] = turned
    return result
