"""Data sets of one's own, by path: an .npz file or a folder of pictures."""

from __future__ import annotations

import logging
import os
from typing import Any

import numpy as np

from .._shapes import allocate
from ..errors import DataError, FastcnnError
from .dataset import Dataset
from .folders import Listing, find_parts, list_pictures, unwrap
from .npz import read_npz, read_npz_array, read_npz_classes
from .pictures import read_pictures
from .resizing import Resize
from .split import split
from .targets import CLASSIFICATION, check_task, task_of
from .values import BYTES

_LOGGER = logging.getLogger(__name__)
# Parts whose values spread so many times as far as another's are hardly images of one kind.
_APART = 8
# The share of the images that becomes the test set where there is no division: a fifth of every class.
TEST_SHARE = 0.2
_SEED = 0
# What stands before the names of the arrays of a part.
_PREFIXES = {
    "train": ("train_",),
    "validation": ("val_", "valid_", "validation_"),
    "test": ("test_",),
}

Divided = tuple[Dataset, Dataset | None, Dataset]


def is_path(name: str) -> bool:
    """Tell whether a name that is no data set's is meant as a path."""
    return name.endswith(".npz") or os.sep in name or os.path.exists(name)


def read(
    path: str,
    layout: str | None = None,
    value_range: tuple[float, float] | None = None,
    white: float | None = None,
    resize: Resize | None = None,
) -> Divided:
    """Read a data set from an .npz file or a folder of pictures, see `fastcnn.data.load_parts`.

    Raises
    ------
    DataError
        If it is missing, malformed or cannot be divided.
    """
    if not os.path.exists(path):
        raise DataError(f"{path}: there is no such file or folder")
    if os.path.isdir(path):
        if layout is not None or value_range is not None:
            raise DataError(
                f"{path}: layout and value_range are for .npz files, but it is a folder of pictures"
            )
        return _read_folder(path, white, resize)
    if white is not None:
        raise DataError(f"{path}: white is for folders of pictures, but it is a file; give value_range")
    if resize is not None:
        raise DataError(f"{path}: resize is for folders of pictures, but it is a file")
    return _read_npz(path, layout, value_range)


def _read_folder(path: str, white: float | None, resize: Resize | None) -> Divided:
    folders = find_parts(unwrap(path))
    if not folders:
        listing = list_pictures(path)
        images = _images([listing], white, resize)
        return _divided(
            _dataset(path, images[0], listing.labels(listing.classes), listing.classes, BYTES), path
        )
    listings = {part: list_pictures(folder) for part, folder in folders.items()}
    classes = listings["train"].classes
    for part, listing in listings.items():
        # A class may be missing among the few images for validation.
        different = set(listing.classes) - set(classes)
        different |= set(classes) - set(listing.classes) if part == "test" else set()
        if different:
            raise DataError(f"{path}: the class {min(different)!r} is only in one of train and {part}")
    images = _images(list(listings.values()), white, resize)
    for listing, each in zip(listings.values(), images, strict=True):
        if each.shape[2:] != images[0].shape[2:]:
            raise DataError(
                f"{path}: the images in {os.path.basename(listings['train'].folder)} are "
                f"{images[0].shape[1:]}, those in {os.path.basename(listing.folder)} {each.shape[1:]}: "
                "resize=... or --resize brings them to one size"
            )
    parts = {
        part: _dataset(path, each, listing.labels(classes), classes, BYTES, part)
        for (part, listing), each in zip(listings.items(), images, strict=True)
    }
    return _complete(parts, path)


def _images(listings: list[Listing], white: float | None, resize: Resize | None) -> list[np.ndarray]:
    """Return the images of all parts, with the same channels."""
    every = [path for listing in listings for path in listing.paths]
    images = [read_pictures(listing.paths, white, every, resize) for listing in listings]
    channels = max(each.shape[1] for each in images)
    for number, each in enumerate(images):
        if each.shape[1] < channels:
            coloured = allocate((len(each), channels, *each.shape[2:]), np.uint8, "the images")
            coloured[:] = each
            images[number] = coloured
    return images


def _read_npz(path: str, layout: str | None, value_range: tuple[float, float] | None) -> Divided:
    names, classes = read_npz_classes(path)
    notes = _notes(path, names)
    prefixes = {
        part: prefix
        for part, known in _PREFIXES.items()
        for prefix in known
        if any(name in (f"{prefix}images", f"{prefix}labels", f"{prefix}targets") for name in names)
    }

    def read_part(prefix: str) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        images, labels = read_npz(path, prefix, layout, notes.get("task"))
        if (task := task_of(labels, classes is not None)) != CLASSIFICATION:
            notes.setdefault("task", task)  # the first part says what the others are
        own = dict(notes)
        if f"{prefix}weights" in names:
            own["weights"] = read_npz_array(path, f"{prefix}weights", "iufb")
        return images, labels, own

    if not prefixes:
        images, labels, own = read_part("")
        return _divided(_dataset(path, images, labels, classes, value_range, **own), path)
    if "validation" not in prefixes:
        # Without validation images both must be there; a message names the one that is not.
        prefixes = {"train": "train_", "test": "test_"}
    arrays = {part: read_part(prefix) for part, prefix in {"train": "train_", **prefixes}.items()}
    train = arrays["train"]
    for part, each in arrays.items():
        if each[0].shape[1:] != train[0].shape[1:] or each[0].dtype != train[0].dtype:
            raise DataError(
                f"{path}: train_images are {train[0].dtype} {train[0].shape[1:]}, "
                f"{prefixes[part]}images {each[0].dtype} {each[0].shape[1:]}"
            )
    parts = {
        part: _dataset(path, images, labels, classes, value_range, part, **own)
        for part, (images, labels, own) in arrays.items()
    }
    if classes is None and parts["train"].classes:
        # Those of all parts: one of them may lack the last class.
        classes = max((each.classes for each in parts.values()), key=len)
        parts = {
            part: _dataset(path, images, labels, classes, value_range, part, **own)
            for part, (images, labels, own) in arrays.items()
        }
    first = parts["train"]
    for part, found in parts.items():
        if found.task != first.task or _row(found) != _row(first):
            raise DataError(
                f"{path}: train: targets are for {first.task} {_row(first)}, those of {part} for "
                f"{found.task} {_row(found)}; say which in an array task"
            )
        _compare_values(first, found, path, f"{prefixes[part]}images")
    return _complete(parts, path)


def _row(dataset: Dataset) -> tuple[int, ...]:
    """Return the shape of one target."""
    return dataset.labels.shape[1:]


def _notes(path: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what an .npz file says of its labels: `task` (text) and `ignore_index` (a whole number)."""
    found: dict[str, Any] = {}
    for name, kinds, what in (("task", "U", "text"), ("ignore_index", "iu", "a whole number")):
        if name in names:
            array = read_npz_array(path, name, kinds, what)
            if array.size != 1:
                raise DataError(f"{path}: {name} must be {what}, got an array of the shape {array.shape}")
            found[name] = array.item()
    try:
        check_task(found.get("task"), path)
    except FastcnnError as error:
        raise DataError(str(error)) from error
    return found


def _compare_values(train: Dataset, other: Dataset, path: str, name: str) -> None:
    """Warn if the images of a part seem to have other values of black and white than those for training."""
    if not len(train) or not len(other):
        return
    limits = [(float(each.images.min()), float(each.images.max())) for each in (train, other)]
    narrow, wide = sorted(high - low for low, high in limits)
    ranges = {train.value_range, other.value_range}
    if (None not in ranges and len(ranges) > 1) or 0 < _APART * narrow < wide:
        _LOGGER.warning(
            "%s: train_images have values from %g to %g, but %s from %g to %g: are both of one scale?",
            path,
            *limits[0],
            name,
            *limits[1],
        )


def _complete(parts: dict[str, Dataset], path: str) -> Divided:
    """Return all parts; a test set that is missing is taken of the training images."""
    validation = parts.get("validation")
    if "test" in parts:
        return parts["train"], validation, parts["test"]
    train, _, test = _divided(parts["train"], path)
    return train, validation, test


def _dataset(
    path: str,
    images: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...] | None,
    value_range: Any,
    part: str = "",
    **notes: Any,
) -> Dataset:
    name = f"{path} {part}".rstrip()
    try:
        return Dataset(images, labels, classes, name, layout="NCHW", value_range=value_range, **notes)
    except FastcnnError as error:
        raise DataError(f"{path}: {f'{part}: ' if part else ''}{error}") from error


def _divided(dataset: Dataset, path: str) -> Divided:
    try:
        train, test = split(dataset, TEST_SHARE, seed=_SEED)
    except FastcnnError as error:
        raise DataError(f"{path}: cannot be divided into training and test images: {error}") from error
    train.name, test.name = f"{path} train", f"{path} test"
    return train, None, test
