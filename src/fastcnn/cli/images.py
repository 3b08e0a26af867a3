"""Images of any kind, brought to what a network takes; every step is noted, so that it can be reported."""

from __future__ import annotations

import os

import numpy as np

from .. import data
from ..data.npy import read_npy
from ..data.pictures import fitted
from ..data.resizing import Resize
from ..data.values import BYTES, UNIT, Range, to_unit
from ..errors import DataError
from ..recipes.classifier import border_level
from ..recipes.images import ImageFacts
from .places import Place

# Shares of red, green and blue in grey (ITU-R BT.601).
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# A border that differs from the training images' by more than this is a background turned round.
_TURNED = 0.5


def read_images(
    path: str,
    shape: tuple[int, int, int],
    invert: str,
    background: float,
    facts: ImageFacts | None = None,
    white: float | None = None,
    resize: Resize | None = None,
) -> tuple[np.ndarray, list[str], Place]:
    """Read the images of a file for a network.

    Parameters
    ----------
    path : str
        A ``.npy`` file with an array (H, W), (C, H, W), (H, W, C) or (N, C, H, W), of uint8, of
        numbers from 0 to 1, or with the values of the training images; or a picture that pillow reads.
    shape : (C, H, W)
        What the network takes.
    invert : {"auto", "yes", "no"}
        Whether black and white are swapped; "auto": if the border is far from `background`.
    background : float
        How light the border of the training images is, from 0 to 1.
    facts : ImageFacts, optional
        What the training images were like. Default: bytes from 0 to 255.
    white : float, optional
        The value of white in pictures with more than 8 bits.
    resize : Resize, optional
        What brought the training pictures to one size.

    Returns
    -------
    images : float32 (N, C, H, W)
        From 0 to 1.
    notes : list of str
        What was done to them.
    place : Place
        Where the pixels of the file's images are in these.

    Raises
    ------
    DataError
        If the file is missing or holds no image; the message starts with its path.
    ImportError
        If pillow is needed and not installed.
    """
    if os.path.isdir(path) or not os.path.exists(path):
        raise DataError(f"{path}: {'is a folder, not an image' if os.path.isdir(path) else 'no such file'}")
    if path.endswith(".npy"):
        images, notes = _read_array(path, facts)
        place = Place.of(*images.shape[2:])
    else:
        images, notes, place = _read_picture(path, white, resize)
    images, channel_notes = _to_channels(images, shape[0], path)
    images, size_notes, place = _to_size(images, shape[1:], place)
    notes += channel_notes + size_notes
    turned = abs(border_level(images) - background) > _TURNED if len(images) else False
    if invert == "yes" or (invert == "auto" and turned):
        images = 1 - images
        notes.append("inverted")
    return images, notes, place


def _read_array(path: str, facts: ImageFacts | None) -> tuple[np.ndarray, list[str]]:
    array = read_npy(path)
    if array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise DataError(f"{path}: must be (H, W), (C, H, W), (H, W, C) or (N, C, H, W), got {array.shape}")
    notes = []
    if array.ndim == 2:
        array = array[None, None]
    elif array.ndim == 3:
        if array.shape[0] not in (1, 3, 4) and array.shape[2] in (1, 3, 4):
            array = np.moveaxis(array, 2, 0)
            notes.append("channels last")
        array = array[None]
    if array.dtype == bool:
        return array.astype(np.float32), notes
    black, white = _range_of(array, facts, path)
    if (black, white) not in (BYTES, UNIT):
        notes.append(f"black {black:g}, white {white:g}")
    return to_unit(array.astype(np.float32), (black, white)), notes


def _range_of(array: np.ndarray, facts: ImageFacts | None, path: str) -> Range:
    """Return the values of black and white in an array: of its type or of the training images."""
    low, high = float(array.min()), float(array.max())
    is_float = array.dtype.kind == "f"
    usual, trained = (UNIT if is_float else BYTES), facts and facts.value_range
    same_kind = facts is not None and (facts.dtype == "float32") == is_float
    ranges = [usual]
    if trained and same_kind and trained != usual:
        # Integers from 0 to 16, say, are more likely those that the network knows than almost black.
        ranges = [usual, trained] if is_float else [trained, usual]
    for black, white in ranges:
        if low >= black and high <= white:  # NaN is refused too
            return black, white
    kind = "numbers" if is_float else "integers"
    expected = " or ".join(f"from {black:g} to {white:g}" for black, white in ranges)
    raise DataError(f"{path}: {kind} must be {expected}, got {low:g} to {high:g}")


def _read_picture(
    path: str, white: float | None, resize: Resize | None
) -> tuple[np.ndarray, list[str], Place]:
    pixels, transparent = data.read_picture(path, white)
    notes = ["on white"] if transparent else []
    place = Place.of(*pixels.shape[1:])
    if resize is not None:
        before, pixels = pixels.shape, fitted(pixels, resize, path)
        if pixels.shape != before:
            cut = " and cut" if isinstance(resize.size, int) else ""
            notes.append(f"{before[2]}x{before[1]} resized{cut} to {pixels.shape[2]}x{pixels.shape[1]}")
        height, width = resize.output_size(*before[1:])
        top, left = resize.corner(height, width)
        place = place.resized(before[1:], (height, width), (-top, -left), pixels.shape[1:])
    return pixels[None], notes, place


def _to_channels(images: np.ndarray, channels: int, path: str) -> tuple[np.ndarray, list[str]]:
    """Return images (N, channels, H, W)."""
    given = images.shape[1]
    if given == channels:
        return images, []
    if given == 4:  # the fourth is opacity: on white
        opacity = images[:, 3:]
        flat, notes = _to_channels(images[:, :3] * opacity + (1 - opacity), channels, path)
        return flat, ["on white", *notes]
    if given == 3 and channels == 1:
        return np.einsum("nchw,c->nhw", images, _LUMA)[:, None], ["colour to grey"]
    if given == 1:
        return np.repeat(images, channels, axis=1), [f"grey to {channels} channels"]
    raise DataError(f"{path}: has {given} channels, but the network takes {channels}")


def _to_size(images: np.ndarray, size: tuple[int, int], place: Place) -> tuple[np.ndarray, list[str], Place]:
    """Return images of that size: scaled to fit, with margins in the colour of the border."""
    height, width = images.shape[2:]
    if (height, width) == tuple(size):
        return images, [], place
    scale = min(size[0] / height, size[1] / width)
    inner = min(size[0], max(1, round(scale * height))), min(size[1], max(1, round(scale * width)))
    rows, columns = _resampling(height, inner[0]), _resampling(width, inner[1])
    scaled = rows @ images @ columns.T
    result = np.empty((*images.shape[:2], *size), np.float32)
    for number, image in enumerate(images):
        for channel, plane in enumerate(image):
            result[number, channel] = border_level(plane[None, None])
    top, left = ((limit - each) // 2 for limit, each in zip(size, inner, strict=True))
    result[:, :, top : top + inner[0], left : left + inner[1]] = scaled
    # Width first, as people say it.
    notes = [f"{width}x{height} scaled to {inner[1]}x{inner[0]}"]
    if inner != tuple(size):
        notes.append(f"margins to {size[1]}x{size[0]}")
    return np.clip(result, 0, 1), notes, place.resized((height, width), inner, (top, left), size)


def _resampling(source: int, target: int) -> np.ndarray:
    """Return the matrix (target, source) that resamples a line with a triangle as wide as a pixel.

    The pixel is the larger of the two sides', so that all of the source counts when it shrinks.
    """
    pixel = source / target
    centres = (np.arange(target) + 0.5) * pixel - 0.5
    distance = np.abs(np.arange(source) - centres[:, None]) / max(pixel, 1.0)
    weights = np.maximum(1 - distance, 0)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
