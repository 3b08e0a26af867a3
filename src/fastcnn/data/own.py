"""Data sets of one's own, by path: an .npz file or a folder of pictures."""

import os

import numpy as np

from ..errors import DataError, FastcnnError
from .dataset import Dataset
from .formats import read_npz, read_npz_classes
from .pictures import read_image_folder, subfolders
from .split import split

# The share of the images that becomes the test set where there is no division: a fifth of every class.
TEST_SHARE = 0.2
_SEED = 0


def is_path(name: str) -> bool:
    """Tell whether a name that is no data set's is meant as a path."""
    return name.endswith(".npz") or os.sep in name or os.path.exists(name)


def read(path: str) -> tuple[Dataset, Dataset]:
    """Read a data set from an .npz file or a folder of pictures, see `fastcnn.data.load`.

    Raises
    ------
    DataError
        If it is missing, malformed or cannot be divided.
    """
    if not os.path.exists(path):
        raise DataError(f"{path}: there is no such file or folder")
    if not os.path.isdir(path):
        return _read_npz(path)
    names = subfolders(path)
    if set(names) != {"train", "test"}:
        return _divided(_dataset(path, *read_image_folder(path)), path)
    train, test = (read_image_folder(os.path.join(path, part)) for part in ("train", "test"))
    if train[2] != test[2]:
        different = min(set(train[2]) ^ set(test[2]))
        raise DataError(f"{path}: the class {different!r} is only in one of train and test")
    if train[0].shape[1:] != test[0].shape[1:]:
        raise DataError(
            f"{path}: the images in train are {train[0].shape[1:]}, those in test {test[0].shape[1:]}"
        )
    return _dataset(path, *train, "train"), _dataset(path, *test, "test")


def _read_npz(path: str) -> tuple[Dataset, Dataset]:
    names, classes = read_npz_classes(path)
    if not any(name.startswith(("train_", "test_")) for name in names):
        return _divided(_dataset(path, *read_npz(path), classes), path)
    train, test = read_npz(path, "train_"), read_npz(path, "test_")
    if train[0].shape[1:] != test[0].shape[1:] or train[0].dtype != test[0].dtype:
        raise DataError(
            f"{path}: train_images are {train[0].dtype} {train[0].shape[1:]}, "
            f"test_images {test[0].dtype} {test[0].shape[1:]}"
        )
    if classes is None:
        # Those of both parts: one of them may lack the last class.
        classes = max((_dataset(path, *part, None).classes for part in (train, test)), key=len)
    return _dataset(path, *train, classes, "train"), _dataset(path, *test, classes, "test")


def _dataset(
    path: str, images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...] | None, part: str = ""
) -> Dataset:
    try:
        return Dataset(images, labels, classes, f"{path} {part}".rstrip())
    except FastcnnError as error:
        raise DataError(f"{path}: {error}") from error


def _divided(dataset: Dataset, path: str) -> tuple[Dataset, Dataset]:
    try:
        train, test = split(dataset, TEST_SHARE, seed=_SEED)
    except FastcnnError as error:
        raise DataError(f"{path}: cannot be divided into training and test images: {error}") from error
    train.name, test.name = f"{path} train", f"{path} test"
    return train, test
