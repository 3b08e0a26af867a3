"""Data sets written as .npz files, which `fastcnn.data.load` reads."""

from __future__ import annotations

import io
import os

import numpy as np

from .._files import write_atomic
from ..errors import ArgumentError, DTypeError
from .dataset import Dataset
from .targets import SEGMENTATION


def save(
    path: str | os.PathLike, train: Dataset, test: Dataset | None = None, validation: Dataset | None = None
) -> None:
    """Write a data set as an .npz file, which `load` and `load_parts` read.

    Images, targets and weights of each part are in it as they are, and once the task, the names of classes
    and `ignore_index`. What else the parts know, names and values of black and white, is not.

    Parameters
    ----------
    path : path
        Ends in ".npz"; an older file is replaced.
    train, test, validation : Dataset
        Of one task. Without `test`, a fifth of the images of `train` is the test set when it is read.

    Raises
    ------
    ArgumentError, DTypeError
        If a part is no data set of one input, or they differ in task, classes or `ignore_index`.
    OSError
        If it cannot be written.
    """
    name = os.fspath(path)
    if not name.endswith(".npz"):
        raise ArgumentError(f"save: path must end in .npz, got {name!r}")
    arrays: dict[str, np.ndarray] = {}
    several = test is not None or validation is not None
    for part, prefix in ((train, "train_" if several else ""), (validation, "val_"), (test, "test_")):
        if part is None:
            continue
        if not isinstance(part, Dataset):
            raise DTypeError(f"save: parts must be Datasets, got {type(part).__name__}")
        if isinstance(part.images, tuple):
            raise ArgumentError(f"save: data sets of several inputs have no file, got {part!r}")
        if _kind(part) != _kind(train):
            raise ArgumentError(
                f"save: parts must have one task and the same classes, got {train!r} and {part!r}"
            )
        arrays[f"{prefix}images"], arrays[f"{prefix}labels"] = part.images, part.labels
        if part.weights is not None:
            arrays[f"{prefix}weights"] = part.weights
    arrays["task"] = np.array(train.task)
    if train.classes:
        arrays["classes"] = np.array(train.classes)
    if train.task == SEGMENTATION:
        arrays["ignore_index"] = np.array(train.ignore_index)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    write_atomic(name, content.getvalue())


def _kind(dataset: Dataset) -> tuple[object, ...]:
    return dataset.task, dataset.classes, dataset.ignore_index, dataset.labels.shape[1:]
