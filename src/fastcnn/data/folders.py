"""Folders of pictures: a subfolder for each class, perhaps in parts for training, validation and test."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DataError

_LOGGER = logging.getLogger(__name__)
# What counts as a picture in a folder; anything else there is left alone.
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
# Names of the parts, in any case.
PARTS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
# What packing on a Mac leaves beside the files.
_IGNORED = ("__macosx",)


@dataclass(frozen=True)
class Listing:
    """The pictures of a part: where they are, and of which class.

    Attributes
    ----------
    folder : str
    paths : tuple of str
    names : tuple of str
        The class of each picture.
    classes : tuple of str
        In alphabetical order.
    """

    folder: str
    paths: tuple[str, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]

    def labels(self, classes: Sequence[str]) -> np.ndarray:
        """Return the place of each picture's class among `classes`, int64 (N,)."""
        place = {name: label for label, name in enumerate(classes)}
        return np.array([place[name] for name in self.names], np.int64)


def find_parts(folder: str) -> dict[str, str]:
    """Return part -> subfolder, parts being "train", "validation" and "test"; empty: there are only classes.

    Raises
    ------
    DataError
        If two subfolders stand for one part, or there are other subfolders beside the parts.
    """
    found: dict[str, str] = {}
    names = subfolders(folder)
    parts = {name: PARTS[name.lower()] for name in names if name.lower() in PARTS}
    only = len(parts) == len(names)
    if "train" not in parts.values():
        return {}
    if len(set(parts.values())) == 1 and not (
        only and len(names) == 1 and subfolders(os.path.join(folder, names[0]))
    ):
        # A class may be called train.
        return {}
    for name, part in parts.items():
        if part in found:
            raise DataError(f"{folder}: both {found[part]} and {name} would be the {part} part")
        found[part] = name
    if not only:
        other = next(name for name in names if name not in parts)
        raise DataError(
            f"{folder}: has {' and '.join(parts)}, but also {other}, which is no part (train, validation, "
            f"test); move it away"
        )
    return {
        part: os.path.join(folder, found[part]) for part in dict.fromkeys(PARTS.values()) if part in found
    }


def unwrap(folder: str) -> str:
    """Return the folder with the parts where an archive has packed it into others, else `folder` itself.

    Raises
    ------
    DataError
        As for `find_parts`.
    """
    for here in nested(folder):
        parts = find_parts(here)
        if parts:
            # Pictures right in a folder called train, somewhere in that of a class, are no part.
            return here if here == folder or subfolders(parts["train"]) else folder
    return folder


def nested(folder: str) -> Iterator[str]:
    """Yield a folder, and while it has a single subfolder that one."""
    seen = set()
    # A link may lead back to where it is.
    while (real := os.path.realpath(folder)) not in seen:
        seen.add(real)
        yield folder
        names = subfolders(folder)
        if len(names) != 1:
            return
        folder = os.path.join(folder, names[0])


def list_pictures(folder: str) -> Listing:
    """Find the pictures in the subfolders of a folder, however deep; a subfolder's name is their class.

    Names that start with a dot are left out. Pictures right in the folder belong to no class: a warning in
    the log counts them.

    Raises
    ------
    DataError
        If there is no subfolder, or one without a picture.
    """
    classes = subfolders(folder)
    if not classes:
        raise DataError(f"{folder}: has no subfolders, which would be the classes of the pictures in them")
    paths: list[str] = []
    names: list[str] = []
    for name in classes:
        found = list(pictures_in(os.path.join(folder, name)))
        if not found:
            raise DataError(f"{os.path.join(folder, name)}: has no picture ({', '.join(ENDINGS)})")
        paths += found
        names += [name] * len(found)
    if len(classes) == 1:
        inner = os.path.join(folder, classes[0])
        if len(subfolders(inner)) > 1 and not any(_is_picture(inner, name) for name in _listed(inner)):
            _LOGGER.warning(
                "%s: has one class, %s; if the folders in it are the classes, give %s",
                folder,
                classes[0],
                inner,
            )
    loose = [name for name in _listed(folder) if _is_picture(folder, name)]
    if loose:
        _LOGGER.warning(
            "%s: %d %s not in the folder of a class and left out, such as %s",
            folder,
            len(loose),
            "picture is" if len(loose) == 1 else "pictures are",
            loose[0],
        )
    return Listing(folder, tuple(paths), tuple(names), classes)


def pictures_in(folder: str) -> Iterator[str]:
    """Yield the pictures of a folder: those in the folder in order, then those in its subfolders."""
    seen: set[str] = set()
    pending = [folder]
    while pending:
        here = pending.pop(0)
        # A link may lead back to where it is.
        real = os.path.realpath(here)
        if real in seen:
            continue
        seen.add(real)
        for name in _listed(here):
            if _is_picture(here, name):
                yield os.path.join(here, name)
        pending += [os.path.join(here, name) for name in subfolders(here)]


def _is_picture(folder: str, name: str) -> bool:
    return name.lower().endswith(ENDINGS) and not os.path.isdir(os.path.join(folder, name))


def subfolders(folder: str) -> tuple[str, ...]:
    """Return the names of the folders in a folder, in order, without those that are no one's own."""
    return tuple(
        name
        for name in _listed(folder)
        if name.lower() not in _IGNORED and os.path.isdir(os.path.join(folder, name))
    )


def _listed(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from error
