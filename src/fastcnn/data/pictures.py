"""Pictures in files, read with Pillow, and folders of them with a subfolder for each class."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .._shapes import allocate
from ..errors import DataError

# What counts as a picture in a folder; anything else there is left alone.
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def read_picture(path: str) -> tuple[np.ndarray, bool]:
    """Read a picture; transparency is laid on white, and the orientation that a camera notes is applied.

    Parameters
    ----------
    path : str

    Returns
    -------
    pixels : float32 (C, H, W)
        From 0 to 1; one channel for a grey picture, three for a coloured one.
    transparent : bool
        Whether the file has transparency.

    Raises
    ------
    DataError
        If the file is missing or holds no picture.
    ImportError
        If Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise ImportError(f'{path}: pictures need pillow: pip install "fastcnn[images]" (or .npy)') from error
    try:
        with Image.open(path) as file:
            picture: Any = ImageOps.exif_transpose(file)
            mode = picture.mode
            if mode.startswith(("I", "F")):
                # 16 bits or more a pixel, or floats, which pillow cuts off instead of scaling.
                grey = np.maximum(np.asarray(picture, np.float32), 0)
                white = 65535.0 if mode.startswith("I") else 1.0
                pixels = (grey / max(white, float(grey.max())))[None]
            else:
                flat = Image.new("RGBA", picture.size, "white")
                flat.alpha_composite(picture.convert("RGBA"))
                pixels = np.moveaxis(np.asarray(flat, np.float32)[..., :3] / 255, 2, 0)
                # A grey picture stays one: converting it back must not change it.
                pixels = pixels[:1] if mode in ("1", "L", "LA") else pixels
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: not a picture that can be read: {error}") from error
    transparent = mode.endswith("A") or "transparency" in picture.info
    return np.ascontiguousarray(pixels, np.float32), transparent


def read_image_folder(folder: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Read the pictures in the subfolders of a folder; a subfolder's name is the class of its pictures.

    Names are taken in alphabetical order, those that start with a dot are left out. If any picture is
    coloured, all get three channels.

    Returns
    -------
    images : uint8 (N, C, H, W)
    labels : int64 (N,)
    classes : tuple of str

    Raises
    ------
    DataError
        If there is no subfolder, or one without a picture, or a picture is damaged or of another size.
    ImportError
        If Pillow is not installed.
    """
    classes = subfolders(folder)
    if not classes:
        raise DataError(f"{folder}: has no subfolders, which would be the classes of the pictures in them")
    paths, labels = [], []
    for label, name in enumerate(classes):
        found = [each for each in _listed(os.path.join(folder, name)) if each.lower().endswith(ENDINGS)]
        if not found:
            raise DataError(f"{os.path.join(folder, name)}: has no picture ({', '.join(ENDINGS)})")
        paths += [os.path.join(folder, name, each) for each in found]
        labels += [label] * len(found)
    images: Any = None
    for index, path in enumerate(paths):
        pixels = np.rint(read_picture(path)[0] * 255).astype(np.uint8)
        if images is None:
            images = allocate((len(paths), *pixels.shape), np.uint8, f"{folder}: the images")
        if pixels.shape[1:] != images.shape[2:]:
            sizes = [f"{each.shape[-1]}x{each.shape[-2]}" for each in (pixels, images)]
            raise DataError(
                f"{path}: is {sizes[0]}, but {paths[0]} is {sizes[1]}; all pictures must have one size"
            )
        if len(pixels) > images.shape[1]:
            coloured = allocate((len(paths), *pixels.shape), np.uint8, f"{folder}: the images")
            coloured[:index] = images[:index]
            images = coloured
        images[index] = pixels
    return images, np.array(labels, np.int64), classes


def subfolders(folder: str) -> tuple[str, ...]:
    """Return the names of the folders in a folder, in order, without those that start with a dot."""
    return tuple(name for name in _listed(folder) if os.path.isdir(os.path.join(folder, name)))


def _listed(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from error
