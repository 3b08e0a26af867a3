"""Data sets with a name, read from the package, the cache or a folder; the last one is kept in memory."""

import functools
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ArgumentError, DataError
from . import cifar10
from .cache import fetch, folder_of, is_cached
from .catalog import SOURCES, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Source, find
from .dataset import Dataset
from .formats import read_idx
from .scenes import compose_scenes
from .values import BYTES

Parts = tuple[np.ndarray, np.ndarray]
_PACKAGED = os.path.join(os.path.dirname(__file__), "mnist")
_IDX_FILES = ((TRAIN_IMAGES, TRAIN_LABELS), (TEST_IMAGES, TEST_LABELS))


def read_named(
    name: str, root: str | os.PathLike | None, own_only: Mapping[str, Any]
) -> tuple[Dataset, None, Dataset]:
    """Return the parts of a data set with a name; what is for files of one's own must be None.

    Raises
    ------
    ArgumentError, DataError
        As for `fastcnn.data.load`.
    """
    source = find(name, "load")
    for key, value in own_only.items():
        if value is not None:
            raise ArgumentError(
                f"load: {key} is for files of your own, but {name!r} is a data set with a name"
            )
    folder = None if root is None else os.fspath(root)
    if source.files and folder is None and not is_cached(source):
        fetch(name)
    where = folder_of(source, folder) if source.files or folder is not None else _PACKAGED
    parts = _read(source.name, where, folder is None, _stamp(where))
    train, test = (
        Dataset(images, labels, source.classes, f"{name} {part}", layout="NCHW", value_range=BYTES)
        for (images, labels), part in zip(parts, ("train", "test"), strict=True)
    )
    return train, None, test


@functools.lru_cache(maxsize=1)
def _read(name: str, where: str, official: bool, stamp: tuple) -> tuple[Parts, Parts]:
    """Return read-only arrays; `stamp` changes with the files: those read once need no second look."""
    source = SOURCES[name]
    if official:
        # Here the SHA-256 is compared; a damaged file is downloaded anew.
        fetch(name)
    if name == "cifar10":
        train, test = cifar10.read(where)
    else:
        own_files = SOURCES[source.scenes_of or name]
        train, test = (_read_idx_part(own_files, where, *files) for files in _IDX_FILES)
    if source.scenes_of:
        train, test = (
            _scenes(source, part, count, seed)
            for part, count, seed in ((train, source.train, 0), (test, source.test, 1))
        )
    (train_images, train_labels), (test_images, test_labels) = train, test
    return (_frozen(train_images), _frozen(train_labels)), (_frozen(test_images), _frozen(test_labels))


def _scenes(source: Source, digits: Parts, count: int, seed: int) -> Parts:
    """Return scenes of the images of a part."""
    made = compose_scenes(Dataset(*digits, source.classes[1:]), count, size=source.image_shape[1:], seed=seed)
    return made.images, made.labels


def _frozen(array: np.ndarray) -> np.ndarray:
    """Return a read-only view, of which not even the flag can be changed: its memory's owner is read-only."""
    array.setflags(write=False)
    if array.base is not None:
        array.base.setflags(write=False)
    return array.view()


def _stamp(where: str) -> tuple:
    """Return what changes with a file, or with those in a folder or in CIFAR-10's folder below it."""
    paths = [where]
    for folder in (where, os.path.join(where, cifar10.FOLDER)):
        if os.path.isdir(folder):
            paths += [entry.path for entry in os.scandir(folder) if entry.is_file()]
    return tuple(
        (path, found.st_size, found.st_mtime_ns, found.st_ino)
        for path in sorted(paths)
        if (found := _stat(path)) is not None
    )


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _read_idx_part(source: Source, folder: str, images_name: str, labels_name: str) -> Parts:
    images, labels = (
        read_idx(_find(folder, name), sha256=source.content.get(name)) for name in (images_name, labels_name)
    )
    count = source.train if images_name == TRAIN_IMAGES else source.test
    for name, array, shape in (
        (images_name, images, (count, *source.image_shape[1:])),
        (labels_name, labels, (count,)),
    ):
        if array.shape != shape or array.dtype != np.uint8:
            raise DataError(
                f"{_find(folder, name)}: has {array.dtype} {array.shape}, but {source.name} has uint8 {shape}"
            )
    if labels.max() >= len(source.classes):
        raise DataError(
            f"{_find(folder, labels_name)}: has the label {labels.max()}, "
            f"expected 0 to {len(source.classes) - 1}"
        )
    return images[:, None], labels.astype(np.int64)


def _find(folder: str, name: str) -> str:
    """Return the path of an IDX file in `folder`, plain or with .gz; some have a dot in its name."""
    for each in (name, name.replace("-idx", ".idx")):
        for path in (os.path.join(folder, each), os.path.join(folder, f"{each}.gz")):
            if os.path.isfile(path):
                return path
    raise DataError(f"{os.path.join(folder, name)}: there is no such file, nor {name}.gz beside it")
