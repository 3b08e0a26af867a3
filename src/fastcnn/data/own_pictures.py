"""Data sets of one's own in folders of pictures, with a subfolder for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .._shapes import allocate
from ..errors import DataError
from .dividing import Divided, complete, divided, new_dataset
from .folders import find_parts, list_pictures, unwrap
from .pictures import read_pictures
from .resizing import Resize
from .values import BYTES


def read_pictures_of_classes(path: str, white: float | None, resize: Resize | None) -> Divided:
    """Read a folder with a subfolder for each class, perhaps in parts; see `fastcnn.data.load_parts`.

    Raises
    ------
    DataError, ImportError
        As there.
    """
    folders = find_parts(unwrap(path))
    if not folders:
        listing = list_pictures(path)
        images = read_parts(path, {"": listing.paths}, white, resize)
        labels = listing.labels(listing.classes)
        return divided(new_dataset(path, images[""], labels, listing.classes, BYTES), path)
    listings = {part: list_pictures(folder) for part, folder in folders.items()}
    classes = listings["train"].classes
    for part, listing in listings.items():
        # A class may be missing among the few images for validation.
        different = set(listing.classes) - set(classes)
        different |= set(classes) - set(listing.classes) if part == "test" else set()
        if different:
            raise DataError(f"{path}: the class {min(different)!r} is only in one of train and {part}")
    images = read_parts(path, {part: listing.paths for part, listing in listings.items()}, white, resize)
    parts = {
        part: new_dataset(path, images[part], listing.labels(classes), classes, BYTES, part)
        for part, listing in listings.items()
    }
    return complete(parts, path)


def read_parts(
    path: str, files: Mapping[str, Sequence[str]], white: float | None, resize: Resize | None
) -> dict[str, np.ndarray]:
    """Return the pictures of all parts, uint8 (N, C, H, W), with the same channels and size.

    Parameters
    ----------
    path : str
        Opens messages.
    files : mapping of part -> paths
    white : float, optional
    resize : Resize, optional

    Raises
    ------
    DataError, ImportError
        As of `read_pictures`; and if the parts differ in size.
    """
    every = [each for paths in files.values() for each in paths]
    images = {part: read_pictures(paths, white, every, resize) for part, paths in files.items()}
    first = next(iter(images))
    for part, each in images.items():
        if each.shape[2:] != images[first].shape[2:]:
            raise DataError(
                f"{path}: the images in {first} are {images[first].shape[1:]}, those in {part} "
                f"{each.shape[1:]}: resize=... or --resize brings them to one size"
            )
    channels = max(each.shape[1] for each in images.values())
    for part, each in images.items():
        if each.shape[1] < channels:
            coloured = allocate((len(each), channels, *each.shape[2:]), np.uint8, "the images")
            coloured[:] = each
            images[part] = coloured
    return images
