"""CIFAR-10 in its official binary layout: a folder of six files, or the archive they come in."""

import os
from collections.abc import Callable

import numpy as np

from .._shapes import allocate
from ..errors import DataError
from .formats import CIFAR10_RECORD, cifar10_labels, is_expanding, read_cifar10, split_cifar10
from .tar import read_members

ARCHIVE = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"
TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = "test_batch.bin"
# Images of a file.
RECORDS = 10_000
# The version for Python, which holds pickles.
_PICKLES = ("cifar-10-python.tar.gz", "cifar-10-batches-py", "data_batch_1")
# Beside the images, in the archive: the names of the classes, and a page of the publisher's.
_IGNORED = {f"{FOLDER}/batches.meta.txt": 2**16, f"{FOLDER}/readme.html": 2**16}

Parts = tuple[np.ndarray, np.ndarray]


def read(root: str) -> tuple[Parts, Parts]:
    """Read CIFAR-10 from a folder with its files or its archive, or from the archive itself.

    Returns
    -------
    train, test : (images, labels)
        uint8 (N, 3, 32, 32) and int64 (N,).

    Raises
    ------
    DataError
        If it is not there, or not as it is published.
    """
    if os.path.isfile(root):
        if os.path.basename(root) in _PICKLES:
            _refuse_pickles(root)
        return _read_archive(root)
    for folder in (root, os.path.join(root, FOLDER)):
        if os.path.isfile(os.path.join(folder, TRAIN[0])):
            return _read_folder(folder)
    archive = os.path.join(root, ARCHIVE)
    if os.path.isfile(archive):
        return _read_archive(archive)
    for name in _PICKLES:
        if os.path.exists(os.path.join(root, name)):
            _refuse_pickles(os.path.join(root, name))
    raise DataError(f"{archive}: there is no such file, nor {TRAIN[0]} or {FOLDER}/{TRAIN[0]} beside it")


def _refuse_pickles(path: str) -> None:
    raise DataError(
        f"{path}: is the Python version of CIFAR-10, made of pickles, which can run any code when they are "
        f"read, so fastcnn does not; use the binary version, {ARCHIVE}, from the same page "
        "(https://www.cs.toronto.edu/~kriz/cifar.html)"
    )


def _read_folder(folder: str) -> tuple[Parts, Parts]:
    train, test, put = _parts()
    for name in (*TRAIN, TEST):
        path = os.path.join(folder, name)
        images, labels = read_cifar10(path)
        if len(labels) != RECORDS:
            raise DataError(f"{path}: has {len(labels)} images, expected {RECORDS}")
        put(name, images, labels)
    return train, test


def _read_archive(path: str) -> tuple[Parts, Parts]:
    train, test, put = _parts()
    sizes = {f"{FOLDER}/{name}": RECORDS * CIFAR10_RECORD for name in (*TRAIN, TEST)}
    if is_expanding(sum(sizes.values()), os.path.getsize(path)):
        for name, content in read_members(path, sizes, _IGNORED):
            cifar10_labels(np.frombuffer(content, np.uint8), f"{path}: {name}")
            del content  # before the next one is unpacked
    for name, content in read_members(path, sizes, _IGNORED):
        put(os.path.basename(name), *split_cifar10(np.frombuffer(content, np.uint8), f"{path}: {name}"))
    return train, test


def _parts() -> tuple[Parts, Parts, Callable[[str, np.ndarray, np.ndarray], None]]:
    """Return memory for both parts, and what puts the images of a file into its place."""
    train, test = (
        (
            allocate((count * RECORDS, 3, 32, 32), np.uint8, "CIFAR-10"),
            allocate((count * RECORDS,), np.int64, "CIFAR-10"),
        )
        for count in (len(TRAIN), 1)
    )

    def put(name: str, images: np.ndarray, labels: np.ndarray) -> None:
        part, start = (test, 0) if name == TEST else (train, TRAIN.index(name) * RECORDS)
        part[0][start : start + RECORDS] = images
        part[1][start : start + RECORDS] = labels

    return train, test, put
