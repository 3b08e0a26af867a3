"""Data sets of one's own, by path: an .npz file, a folder of .npy files or of pictures."""

from __future__ import annotations

import logging
import os
from typing import Any

import numpy as np

from ..errors import DataError, FastcnnError
from .dataset import Dataset
from .dividing import Divided, complete, divided, new_dataset
from .own_masks import Masks, find_pairs, read_pictures_with_masks
from .own_pictures import read_pictures_of_classes
from .resizing import Resize
from .stores import NpyFolder, NpzFile, is_npy_folder
from .targets import CLASSIFICATION, check_task, task_of

_LOGGER = logging.getLogger(__name__)
# Parts whose values spread so many times as far as another's are hardly images of one kind.
_APART = 8
# What stands before the names of the arrays of a part.
_PREFIXES = {
    "train": ("train_",),
    "validation": ("val_", "valid_", "validation_"),
    "test": ("test_",),
}


def is_path(name: str) -> bool:
    """Tell whether a name that is no data set's is meant as a path."""
    return name.endswith(".npz") or os.sep in name or os.path.exists(name)


def read(
    path: str,
    layout: str | None = None,
    value_range: tuple[float, float] | None = None,
    white: float | None = None,
    resize: Resize | None = None,
    masks: Masks | None = None,
) -> Divided:
    """Read a data set from a file or a folder, see `fastcnn.data.load_parts`.

    Parameters
    ----------
    path, layout, value_range, white, resize
    masks : Masks, optional
        What was said of the masks; None: nothing.

    Raises
    ------
    DataError
        If it is missing, malformed or cannot be divided.
    """
    if not os.path.exists(path):
        raise DataError(f"{path}: there is no such file or folder")
    arrays = is_npy_folder(path)
    if os.path.isdir(path) and not arrays:
        if layout is not None or value_range is not None:
            raise DataError(
                f"{path}: layout and value_range are for .npz and .npy files, but it is a folder of pictures"
            )
        pairs = find_pairs(path, None if masks is None else masks.name)
        if pairs is not None:
            return read_pictures_with_masks(path, pairs, white, resize, masks or Masks())
        if masks is not None:
            raise DataError(
                f"{path}: {masks.given} is for pictures with masks, but there is no folder of masks (masks) "
                "beside one of pictures (images)"
            )
        return read_pictures_of_classes(path, white, resize)
    what = "a folder of .npy files" if arrays else "a file"
    if white is not None:
        raise DataError(f"{path}: white is for folders of pictures, but it is {what}; give value_range")
    if resize is not None:
        raise DataError(f"{path}: resize is for folders of pictures, but it is {what}")
    if masks is not None:
        raise DataError(f"{path}: {masks.given} is for folders of pictures with masks, but it is {what}")
    return _read_arrays(NpyFolder(path) if arrays else NpzFile(path), layout, value_range)


def _read_arrays(
    store: NpzFile | NpyFolder, layout: str | None, value_range: tuple[float, float] | None
) -> Divided:
    path, names, classes = store.path, store.names, store.classes
    notes = _notes(store)
    prefixes = {
        part: prefix
        for part, known in _PREFIXES.items()
        for prefix in known
        if any(name in (f"{prefix}images", f"{prefix}labels", f"{prefix}targets") for name in names)
    }

    def read_part(prefix: str) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        images, labels = store.images_and_labels(prefix, layout, notes.get("task"))
        if (task := task_of(labels, classes is not None)) != CLASSIFICATION:
            notes.setdefault("task", task)  # the first part says what the others are
        own = dict(notes)
        if f"{prefix}weights" in names:
            own["weights"] = store.array(f"{prefix}weights", "iufb")
        return images, labels, own

    if not prefixes:
        images, labels, own = read_part("")
        return divided(new_dataset(path, images, labels, classes, value_range, **own), path)
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
        part: new_dataset(path, images, labels, classes, value_range, part, **own)
        for part, (images, labels, own) in arrays.items()
    }
    if classes is None and parts["train"].classes:
        # Those of all parts: one of them may lack the last class.
        classes = max((each.classes for each in parts.values()), key=len)
        parts = {
            part: new_dataset(path, images, labels, classes, value_range, part, **own)
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
    return complete(parts, path)


def _row(dataset: Dataset) -> tuple[int, ...]:
    """Return the shape of one target."""
    return dataset.labels.shape[1:]


def _notes(store: NpzFile | NpyFolder) -> dict[str, Any]:
    """Return what arrays say of the labels: `task` (text) and `ignore_index` (a whole number)."""
    path, found = store.path, dict[str, Any]()
    for name, kinds, what in (("task", "U", "text"), ("ignore_index", "iu", "a whole number")):
        if name in store.names:
            array = store.array(name, kinds, what)
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
