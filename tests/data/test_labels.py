"""Labels: integers, and what helps if something else comes."""

import re

import numpy as np
import pytest

from fastcnn.data import Dataset, load
from fastcnn.errors import DataError, DTypeError, ShapeError

IMAGES = np.zeros((4, 1, 2, 2), np.uint8)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (
            [0.0, 1, 2, 0],
            DTypeError,
            "must be integers, got float64; they are whole numbers: use labels.astype(np.int64)",
        ),
        ([0, np.nan, 1, 0], DTypeError, "must be integers, got float64, such as nan"),
        ([0, np.inf, 1, 0], DTypeError, "must be integers, got float64, such as inf"),
        ([True, False] * 2, DTypeError, "must be integers, got bool; use labels.astype(np.int64)"),
        (
            ["cat", "dog"] * 2,
            DTypeError,
            "must be integers, got <U3, such as 'cat'; use classes, labels = np.unique(labels, ",
        ),
        (
            np.eye(4, dtype=int),
            ShapeError,
            "one dimension, got the shape (4, 4); one-hot? use labels.argmax(",
        ),
        (np.eye(4), DTypeError, "must be integers, got float64; one-hot? use labels.argmax(axis=1)"),
        (np.zeros((4, 1), int), ShapeError, "got the shape (4, 1); use labels.ravel()"),
        ([[0], [0, 1]], ShapeError, "must have one dimension: "),
    ],
)
def test_what_helps(labels, error, message):
    with pytest.raises(error) as caught:
        Dataset(IMAGES, labels)
    assert str(caught.value).startswith("Dataset: labels must")
    assert message in str(caught.value)


def test_fractions_are_no_classes_with_names():
    with pytest.raises(
        DTypeError, match=r"labels must be integers, got float64, such as 0\.5; real targets\?"
    ):
        Dataset(IMAGES, [0, 0.5, 1, 0], classes=("a", "b"))


def test_in_files(tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, images=IMAGES, labels=np.zeros(4))
    expected = (
        f"{path}: labels must be integers (4,), got float64 (4,); they are whole numbers: use "
        "labels.astype(np.int64)"
    )
    with pytest.raises(DataError, match=re.escape(expected)):
        load(str(path))


@pytest.mark.parametrize(
    ("dtype", "cure"),
    [
        (np.float64, "use images.astype(np.float32)"),
        (np.int64, "use images.astype(np.uint8) for values from 0 to 255, or astype(np.float32)"),
    ],
)
def test_images_of_another_type(tmp_path, dtype, cure):
    with pytest.raises(DTypeError) as caught:
        Dataset(IMAGES.astype(dtype), [0] * 4)
    assert str(caught.value).endswith(f"got {np.dtype(dtype)}: {cure}")
    np.savez(tmp_path / "own.npz", images=IMAGES.astype(dtype), labels=[0] * 4)
    with pytest.raises(DataError, match=re.escape(cure)):
        load(str(tmp_path / "own.npz"))
