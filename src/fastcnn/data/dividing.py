"""Parts of data sets of one's own, made of arrays: training, validation, test."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError, FastcnnError
from .dataset import Dataset
from .split import split

# The share of the images that becomes the test set where there is no division: a fifth of every class.
TEST_SHARE = 0.2
_SEED = 0

Divided = tuple[Dataset, Dataset | None, Dataset]


def new_dataset(
    path: str,
    images: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...] | None,
    value_range: Any,
    part: str = "",
    **notes: Any,
) -> Dataset:
    """Return the data set of a part; `path` opens messages, `notes` are more arguments of `Dataset`.

    Raises
    ------
    DataError
        If they are none.
    """
    name = f"{path} {part}".rstrip()
    try:
        return Dataset(images, labels, classes, name, layout="NCHW", value_range=value_range, **notes)
    except FastcnnError as error:
        raise DataError(f"{path}: {f'{part}: ' if part else ''}{error}") from error


def divided(dataset: Dataset, path: str) -> Divided:
    """Return training and test images.

    Raises
    ------
    DataError
        If they are too few.
    """
    try:
        train, test = split(dataset, TEST_SHARE, seed=_SEED)
    except FastcnnError as error:
        raise DataError(f"{path}: cannot be divided into training and test images: {error}") from error
    train.name, test.name = f"{path} train", f"{path} test"
    return train, None, test


def complete(parts: dict[str, Dataset], path: str) -> Divided:
    """Return all parts; a test set that is missing is taken of the training images."""
    validation = parts.get("validation")
    if "test" in parts:
        return parts["train"], validation, parts["test"]
    train, _, test = divided(parts["train"], path)
    return train, validation, test
