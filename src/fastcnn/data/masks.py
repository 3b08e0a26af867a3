"""Masks in files: pictures whose values are the classes of pixels."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._shapes import allocate
from ..errors import DataError, FastcnnError
from .pictures import check_pillow, check_pixels, picture_size
from .resizing import Resize
from .targets import IGNORE_INDEX

_LOGGER = logging.getLogger(__name__)
# What keeps the values of pixels as they are.
ENDINGS = (".bmp", ".gif", ".pgm", ".png", ".tif", ".tiff")
# What does not count in masks of Pascal VOC and others; white, where there are two classes.
VOID = 255
_BINARY = ("background", "object")
# Without names so many classes are few enough to be meant.
_FEW = 1000
_LARGEST = 65535


@dataclass(frozen=True)
class Meaning:
    """What the values of masks stand for.

    Attributes
    ----------
    classes : tuple of str
    ignore_index : int
        The value of pixels that do not count.
    white : bool
        Whether 255 stands for the class 1, beside 0 for the class 0.
    """

    classes: tuple[str, ...]
    ignore_index: int
    white: bool = False

    def applied(self, masks: np.ndarray) -> np.ndarray:
        """Return masks whose values are classes; they are changed in place."""
        if self.white:
            masks[masks == VOID] = 1
        return masks


def read_mask(path: str) -> np.ndarray:
    """Read a mask: uint8 (H, W), or uint16 if the file has more than 8 bits.

    Raises
    ------
    DataError
        If the file is missing or holds no picture, or pixels have several values, as those of colours do.
    ImportError
        If Pillow is not installed.
    """
    check_pillow(path)
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            check_pixels(path, *file.size)
            picture: Any = ImageOps.exif_transpose(file)
            values = np.asarray(picture)
            mode = picture.mode
    except FastcnnError:
        raise
    except Exception as error:  # a damaged file meets whatever stumbles over it
        raise DataError(f"{path}: not a picture that can be read: {error}") from error
    if values.ndim != 2 or mode.startswith("F"):
        raise DataError(f"{path}: is no mask: {_reason(values, mode)}; expected grey or palette PNG")
    if values.dtype == bool:
        return values.astype(np.uint8)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > _LARGEST:
        raise DataError(f"{path}: has values from {low} to {high}; classes of pixels are 0 to {_LARGEST}")
    return values.astype(np.uint8 if values.dtype == np.uint8 else np.uint16, copy=False)


def _reason(values: np.ndarray, mode: str) -> str:
    """Return what is wrong with the values of a mask."""
    if mode.startswith("F"):
        return "its values are floats"
    grey = values[..., :3].min(2, initial=255) == values[..., :3].max(2, initial=0)
    grey_ones = mode in ("RGB", "RGBA") and bool(grey.all())
    cure = ", all of them grey: store it with one channel" if grey_ones else ""
    return f"its pixels are colours or have opacity ({mode}), not numbers of classes{cure}"


def read_masks(
    paths: Sequence[str], pictures: Sequence[str], resize: Resize | None, seen: dict[int, str]
) -> np.ndarray:
    """Read the masks of pictures, which have their sizes, or that which `resize` brings both to.

    Parameters
    ----------
    paths, pictures : sequence of str
        At least one.
    resize : Resize, optional
        As for the pictures; of masks it takes the nearest pixel.
    seen : dict of int -> str
        Gets the values that occur, each with the first file that has it.

    Returns
    -------
    uint8 or uint16 (N, H, W)

    Raises
    ------
    DataError, ImportError
        As `read_mask`; and if a mask is not of its picture's size.
    """
    masks: Any = None
    for index, (path, picture) in enumerate(zip(paths, pictures, strict=True)):
        mask = read_mask(path)
        size = picture_size(picture)
        if mask.shape != size:
            raise DataError(
                f"{path}: is {mask.shape[1]}x{mask.shape[0]}, but its picture {picture} is "
                f"{size[1]}x{size[0]}; a mask must have the size of its picture"
            )
        for value in np.flatnonzero(np.bincount(mask.ravel())).tolist():
            seen.setdefault(value, path)
        if resize is not None:
            mask = resize.cropped_maps(mask[None, None].astype(np.float32))[0, 0].astype(mask.dtype)
        if masks is None:
            masks = allocate((len(paths), *mask.shape), mask.dtype, "the masks")
        if mask.dtype.itemsize > masks.dtype.itemsize:
            masks = masks.astype(mask.dtype)
        masks[index] = mask
    return masks


def meaning_of(
    seen: Mapping[int, str], classes: tuple[str, ...] | None, ignore_index: int | None, folder: str
) -> Meaning:
    """Return what the values of masks stand for.

    255 does not count where it stands beside numbers far below it, unless something else was said; where
    there are 0 and 255 alone, they are two classes.

    Parameters
    ----------
    seen : mapping of int -> str
        The values that occur, each with a file that has it.
    classes : tuple of str, optional
        Their names. Default: numbers up to the largest value.
    ignore_index : int, optional
    folder : str
        Opens messages.

    Raises
    ------
    DataError
        If a value is that of no class.
    """
    values = set(seen)
    if (
        ignore_index != VOID
        and VOID in values <= {0, VOID}
        and (classes is None or len(classes) == len(_BINARY))
    ):
        return Meaning(classes or _BINARY, IGNORE_INDEX if ignore_index is None else ignore_index, True)
    if ignore_index is None:
        others = max(values - {VOID}, default=-1)
        ignored = VOID in values and others < VOID - 1 and (classes is None or len(classes) <= VOID)
        ignore_index = VOID if ignored else IGNORE_INDEX
    counted = sorted(values - {ignore_index})
    if not counted:
        raise DataError(f"{folder}: no pixel of the masks counts: all are {ignore_index}")
    highest = counted[-1]
    if classes is None:
        if highest >= _FEW:
            raise DataError(f"{seen[highest]}: has the value {highest}: if that is a class, name the classes")
        classes = tuple(str(number) for number in range(highest + 1))
        if 2 * len(counted) < len(classes):
            _LOGGER.warning(
                "%s: the masks have %d values alone, but the largest is %d, which makes %d classes: values "
                "are taken for numbers of classes",
                folder,
                len(counted),
                highest,
                len(classes),
            )
    if highest >= len(classes):
        raise DataError(
            f"{seen[highest]}: has the value {highest}, but there are {len(classes)} classes (0 to "
            f"{len(classes) - 1}); pixels that do not count are named by ignore_index"
        )
    return Meaning(classes, ignore_index)
