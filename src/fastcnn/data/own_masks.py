"""Data sets of one's own in folders: pictures, and beside them masks of the same names."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .._shapes import integer
from ..errors import ArgumentError, DataError, DTypeError
from .dividing import Divided, complete, divided, new_dataset
from .folders import PARTS, find_parts, nested, pictures_in, subfolders
from .masks import ENDINGS, meaning_of, read_masks
from .own_pictures import read_parts
from .resizing import Resize
from .targets import SEGMENTATION
from .values import BYTES

_LOGGER = logging.getLogger(__name__)
# Names of the folders of pictures and of masks, in any case.
_PICTURES = ("images", "image", "imgs", "img", "jpegimages", "pictures", "photos")
_MASKS = ("masks", "mask")
# A line for the name of each class, beside the folders.
CLASSES = "classes.txt"
_MOST_BYTES = 1 << 20
# Values that stand for no class may be below 0.
_SMALLEST = -(2**24)


class Pairs(NamedTuple):
    """Where pictures and their masks are.

    Attributes
    ----------
    root : str
        The folder that has all of it.
    folders : dict of str -> (str, str)
        Part, "" where there is no division -> the folder of its pictures and that of its masks.
    """

    root: str
    folders: dict[str, tuple[str, str]]


@dataclass(frozen=True)
class Masks:
    """What was said of the masks of a folder; None: nothing.

    Attributes
    ----------
    name : str or None
        What their folder is called.
    classes : tuple of str or None
    ignore_index : int or None
        The value of pixels that do not count.
    """

    name: str | None = None
    classes: tuple[str, ...] | None = None
    ignore_index: int | None = None

    @property
    def given(self) -> str:
        """What was said first, as an argument is called."""
        said = {"masks": self.name, "classes": self.classes, "ignore_index": self.ignore_index}
        return next(key for key, value in said.items() if value is not None)


def check_masks(masks: object, classes: object, ignore_index: object, what: str) -> Masks | None:
    """Return what is said of masks, None if nothing is; `what` opens the error.

    Raises
    ------
    ArgumentError, DTypeError
        If it is of another kind.
    """
    if masks is None and classes is None and ignore_index is None:
        return None
    if masks is not None and (not isinstance(masks, str) or not masks or os.path.basename(masks) != masks):
        raise ArgumentError(f"{what}: masks must be the name of a folder, got {masks!r}")
    index = None if ignore_index is None else integer(ignore_index, f"{what}: ignore_index", _SMALLEST)
    return Masks(masks, None if classes is None else check_names(classes, f"{what}: classes"), index)


def check_names(classes: object, what: str) -> tuple[str, ...]:
    """Return names of classes; `what` opens the error."""
    if (
        not isinstance(classes, Sequence)
        or isinstance(classes, str)
        or not classes
        or not all(isinstance(each, str) for each in classes)
    ):
        raise DTypeError(f"{what} must be a sequence of str, got {classes!r}")
    return tuple(classes)


def find_pairs(path: str, masks: str | None) -> Pairs | None:
    """Return where pictures and their masks are; None if the folder is not of that kind.

    It is if there is a folder ``masks`` beside one ``images``: in it, in each of its parts (``train``,
    ``val``, ``test``), or further down where an archive has packed it into others. There may be parts in both
    of them instead.

    Parameters
    ----------
    path : str
    masks : str, optional
        What the folder of masks is called. That of the pictures may then have any name if it is the only
        other one.

    Raises
    ------
    DataError
        If parts are of several kinds, or there is no folder of that name.
    """
    for here in nested(path):
        pair = _pair_in(here, masks)
        if pair is not None:
            return Pairs(here, _with_parts(*pair))
        parts = find_parts(here)
        found = {part: _pair_in(folder, masks) for part, folder in parts.items()}
        pairs = {part: each for part, each in found.items() if each is not None}
        if pairs:
            for part, folder in parts.items():
                if part not in pairs:
                    known = ", ".join(os.path.basename(each) for each in next(iter(pairs.values())))
                    raise DataError(
                        f"{folder}: has no pictures with masks in two folders, as others: {known}"
                    )
            return Pairs(here, pairs)
        for folder in (here, *parts.values()) if masks is None else ():
            _warn_of_pictures_alone(folder)
        if parts:
            break
    if masks is not None:
        raise DataError(f"{path}: there is no folder {masks} beside one with pictures (images)")
    return None


def _warn_of_pictures_alone(folder: str) -> None:
    """Tell of pictures that would have masks beside them: without these they are one class."""
    names = subfolders(folder)
    if len(names) == 1 and names[0].lower() in _PICTURES and not subfolders(os.path.join(folder, names[0])):
        _LOGGER.warning(
            "%s: there is no folder %s beside %s: its pictures are taken for those of one class",
            folder,
            _MASKS[0],
            names[0],
        )


def _pair_in(folder: str, masks: str | None) -> tuple[str, str] | None:
    """Return the folder of pictures and that of masks in a folder."""
    names = subfolders(folder)
    wanted = _MASKS if masks is None else (masks.lower(),)
    of_masks = [name for name in names if name.lower() in wanted]
    others = [name for name in names if name not in of_masks]
    pictures = [name for name in others if name.lower() in _PICTURES]
    if masks is not None and not pictures:
        pictures = others
    if len(of_masks) != 1 or len(pictures) != 1:
        return None
    return os.path.join(folder, pictures[0]), os.path.join(folder, of_masks[0])


def _with_parts(pictures: str, masks: str) -> dict[str, tuple[str, str]]:
    """Return the parts in two folders, if there are any in that of the pictures."""
    parts = find_parts(pictures)
    if not parts:
        return {"": (pictures, masks)}
    names = {PARTS[name.lower()]: name for name in subfolders(masks) if name.lower() in PARTS}
    theirs = {part: os.path.join(masks, name) for part, name in names.items()}
    for part, folder in parts.items():
        if part not in theirs:
            raise DataError(f"{masks}: there is no part {os.path.basename(folder)}, as in {pictures}")
    return {part: (folder, theirs[part]) for part, folder in parts.items()}


def list_pairs(pictures: str, masks: str) -> tuple[list[str], list[str]]:
    """Return the pictures in a folder and, in the same order, their masks, however deep.

    A mask has its picture's name, but for the ending.

    Raises
    ------
    DataError
        If there is no picture, or one of them has no mask, or a mask no picture.
    """
    found = _by_name(pictures_in(pictures), pictures)
    theirs = _by_name(pictures_in(masks), masks)
    if not found:
        raise DataError(f"{pictures}: has no picture")
    missing = [name for name in found if name not in theirs]
    if missing:
        more = f" ({len(missing)} of {len(found)} pictures have none)"
        raise DataError(f"{found[missing[0]]}: has no mask: there is no {missing[0]}.png in {masks}{more}")
    extra = [name for name in theirs if name not in found]
    if extra:
        raise DataError(
            f"{theirs[extra[0]]}: is the mask of no picture: there is no {extra[0]} in {pictures}"
        )
    for path in theirs.values():
        if not path.lower().endswith(ENDINGS):
            raise DataError(f"{path}: masks are not kept to the value in such a file; expected PNG")
    return list(found.values()), [theirs[name] for name in found]


def _by_name(paths: Iterable[str], folder: str) -> dict[str, str]:
    """Return the files by their place in a folder, without the ending."""
    found: dict[str, str] = {}
    for path in paths:
        name = os.path.splitext(os.path.relpath(path, folder))[0]
        if name in found:
            raise DataError(f"{path}: has the name of {found[name]}; a picture and its mask share one name")
        found[name] = path
    return found


def read_pictures_with_masks(
    path: str, pairs: Pairs, white: float | None, resize: Resize | None, said: Masks
) -> Divided:
    """Read what `find_pairs` has found; see `fastcnn.data.load_parts`.

    Raises
    ------
    DataError, ImportError
        As there.
    """
    lists = {part: list_pairs(*folders) for part, folders in pairs.folders.items()}
    classes = said.classes
    for folder in (path, pairs.root):
        if classes is None and os.path.isfile(os.path.join(folder, CLASSES)):
            classes = read_names(os.path.join(folder, CLASSES))
    images = read_parts(path, {part: pictures for part, (pictures, _) in lists.items()}, white, resize)
    seen: dict[int, str] = {}
    masks = {part: read_masks(theirs, pictures, resize, seen) for part, (pictures, theirs) in lists.items()}
    meaning = meaning_of(seen, classes, said.ignore_index, path)
    parts = {
        part: new_dataset(
            path,
            images[part],
            meaning.applied(masks[part]),
            meaning.classes,
            BYTES,
            part,
            task=SEGMENTATION,
            ignore_index=meaning.ignore_index,
        )
        for part in lists
    }
    return divided(parts[""], path) if "" in parts else complete(parts, path)


def read_names(file: str) -> tuple[str, ...]:
    """Return the lines of a file of names.

    Raises
    ------
    DataError
        If it cannot be read, or is none.
    """
    try:
        with open(file, "rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not a text file (UTF-8): {error.reason} at byte {error.start}") from error
    names = tuple(line.strip() for line in text.rstrip().splitlines())
    if len(content) > _MOST_BYTES or not all(names) or not names:
        raise DataError(f"{file}: expected the name of a class on each line")
    return names
