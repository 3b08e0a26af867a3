"""Data sets written as .npz files, and read again."""

import re

import numpy as np
import pytest

from fastcnn.data import Dataset, load, load_parts, save
from fastcnn.errors import ArgumentError, DataError, DTypeError

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (10, 1, 3, 4), dtype=np.uint8)
IMAGES[0, 0, 0, 0] = 255
TARGETS = {
    "classification": np.arange(10) % 2,
    "multilabel": rng.random((10, 3)) < 0.5,
    "segmentation": rng.integers(0, 2, (10, 3, 4)).astype(np.uint8),
    "regression": np.arange(10.0),
}


def made(task, rows=slice(None), **options):
    if task == "segmentation":
        options["ignore_index"] = 255
    return Dataset(IMAGES[rows], TARGETS[task][rows], task=task, weights=1.0 + np.arange(10)[rows], **options)


def assert_same(one, other):
    assert (one.task, one.classes, one.ignore_index) == (other.task, other.classes, other.ignore_index)
    for name in ("images", "labels", "weights"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("task", TARGETS)
def test_what_is_written_is_read(tmp_path, task):
    path = tmp_path / "own.npz"
    parts = made(task, slice(6)), made(task, slice(6, 8)), made(task, slice(8, 10))
    if parts[0].classes:
        parts = tuple(
            made(task, rows, classes=parts[0].classes) for rows in (slice(6), slice(6, 8), slice(8, 10))
        )
    save(path, *parts)
    train, validation, test = load_parts(str(path))
    for one, other in zip((train, test, validation), parts, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("task", TARGETS)
def test_one_part_is_divided(tmp_path, task):
    path = tmp_path / "own.npz"
    save(path, made(task))
    train, test = load(str(path))
    assert (len(train), len(test)) == (8, 2)
    assert train.task == test.task == task
    both = train + test
    order = np.argsort(both.weights)
    np.testing.assert_array_equal(both.labels[order], TARGETS[task])


def test_the_first_part_says_what_the_others_are(tmp_path):
    """Among the targets of a small part all may be whole numbers."""
    path = tmp_path / "own.npz"
    np.savez(
        path,
        train_images=IMAGES,
        train_targets=np.arange(10) / 4,
        test_images=IMAGES[:2],
        test_targets=np.zeros(2),
    )
    train, test = load(str(path))
    assert (train.task, test.task) == ("regression", "regression")
    np.testing.assert_array_equal(train.targets, np.arange(10) / 4)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"task": np.array("ranking")}, "task must be one of classification, multilabel"),
        ({"task": np.array(3)}, "must hold text"),
        ({"task": np.array(["regression"] * 2)}, "task must be text, got an array of the shape (2,)"),
        (
            {"ignore_index": np.array([1, 2])},
            "ignore_index must be a whole number, got an array of the shape",
        ),
        ({"ignore_index": np.array(0)}, "ignore_index is for masks (N, H, W)"),
        ({"weights": np.ones(3)}, "weights must have the shape (10,)"),
        ({"labels": np.ones((10, 2, 2, 2), int)}, "labels must be integers (10,), got int64 (10, 2, 2, 2)"),
        ({"labels": np.ones((9, 3, 4), int)}, "labels must be integers (10,), got int64 (9, 3, 4)"),
        (
            {"labels": np.ones(10) / 2, "classes": np.array(["a"])},
            "must be integers, got float64, such as 0.5",
        ),
    ],
)
def test_damaged(tmp_path, arrays, message):
    path = tmp_path / "own.npz"
    np.savez(path, **{"images": IMAGES, "labels": TARGETS["classification"], **arrays})
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        load(str(path))
    assert str(caught.value).startswith(str(path))


def test_parts_of_two_kinds(tmp_path):
    path = tmp_path / "own.npz"
    parts = {"train_images": IMAGES, "test_images": IMAGES, "train_labels": np.arange(10) / 4}
    np.savez(path, **parts, test_labels=np.ones((10, 2)))
    with pytest.raises(
        DataError, match=r"targets are for regression \(\), those of test for regression \(2,\)"
    ):
        load(str(path))


def test_refuses(tmp_path):
    data = made("regression")
    with pytest.raises(ArgumentError, match=r"save: path must end in \.npz"):
        save(tmp_path / "own.zip", data)
    with pytest.raises(DTypeError, match="save: parts must be Datasets, got ndarray"):
        save(tmp_path / "own.npz", data, IMAGES)
    with pytest.raises(ArgumentError, match="save: parts must have one task and the same classes"):
        save(tmp_path / "own.npz", data, made("classification"))
    pair = Dataset((IMAGES, IMAGES), np.arange(10))
    with pytest.raises(ArgumentError, match="save: data sets of several inputs have no file"):
        save(tmp_path / "own.npz", pair)
