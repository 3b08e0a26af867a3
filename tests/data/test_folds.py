"""Parts of a data set by index, several as one, and folds."""

import logging

import numpy as np
import pytest

from fastcnn import data
from fastcnn.data import Dataset
from fastcnn.errors import FastcnnError

IMAGES = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((10, 1, 2, 2), np.uint8)


def dataset(count=10, classes=("a", "b", "c"), **options):
    return Dataset(IMAGES[:count], np.arange(count) % 3, classes, "small", **options)


def values(part):
    return part.images[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (slice(3), [0, 1, 2]),
        (slice(None, None, -3), [9, 6, 3, 0]),
        (slice(20, 30), []),
        ([2, -1, 2], [2, 9, 2]),
        (np.array([1, 0]), [1, 0]),
        (np.arange(10) > 7, [8, 9]),
        ([True] * 2 + [False] * 8, [0, 1]),
        ([], []),
    ],
)
def test_parts_by_index(index, expected):
    whole = dataset(value_range=(0, 255))
    part = whole[index]
    assert values(part) == expected
    assert part.labels.tolist() == [value % 3 for value in expected]
    assert (part.classes, part.name, part.value_range) == (whole.classes, "small", (0.0, 255.0))
    assert not np.shares_memory(part.images, whole.images)


def test_an_integer_gives_an_image_and_its_label():
    image, label = dataset()[-1]
    assert (image.shape, label) == ((1, 2, 2), 0)
    assert len(list(dataset())) == 10


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("a", "Dataset: index must be an integer, a slice, integers or a mask of bools, got 'a'"),
        (True, "Dataset: index must be an integer, a slice, .* got True"),
        ((1, 2), r"Dataset: index must be an integer, .* got \(1, 2\)"),
        (1.0, "Dataset: index must be an integer, a slice, .* got 1.0"),
        ([1.0], "Dataset: index must be integers, got float64"),
        ([10], "Dataset: index 10 is out of range for 10 images"),
        ([0, -11], "Dataset: index -11 is out of range for 10 images"),
        ([True], r"Dataset: index: a mask must have the shape \(10,\), got \(1,\)"),
    ],
)
def test_parts_refuse(index, message):
    with pytest.raises(FastcnnError, match=message):
        dataset()[index]


def test_concatenation():
    whole = dataset(4) + dataset(2)
    assert values(whole) == [0, 1, 2, 3, 0, 1]
    assert (whole.classes, whole.name) == (("a", "b", "c"), "small")
    assert len(data.concatenate([dataset(1), dataset(2), dataset(3)])) == 6
    # Names that nobody has given may be more in one.
    both = Dataset(IMAGES[:1], [0]) + Dataset(IMAGES[:3], [0, 1, 4])
    assert both.num_classes == 5
    two = Dataset((IMAGES, np.zeros((10, 2))), np.zeros(10, int))
    assert (two + two).input_shape == ((1, 2, 2), (2,))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Dataset(np.zeros((1, 1, 2, 3), np.uint8), [0]), r"samples are \(1, 2, 2\), but those of data set 1"),
        (
            Dataset(np.zeros((1, 1, 2, 2), np.float32), [0]),
            "images are uint8, but those of data set 1 float32",
        ),
        (
            dataset(classes=("b", "a", "c")),
            "classes of data set 1, 'b', 'a', 'c', are not those of another, 'a'",
        ),
        (dataset(value_range=(0, 16)), r"black and white are .*, but \(0.0, 16.0\) in data set 1"),
    ],
)
def test_concatenation_refuses(other, message):
    with pytest.raises(FastcnnError, match=rf"Dataset: \+: .*{message}"):
        dataset(value_range=(0, 255)) + other
    with pytest.raises(FastcnnError, match=f"concatenate: .*{message}"):
        data.concatenate([dataset(value_range=(0, 255)), other])


def test_only_data_sets_are_concatenated():
    with pytest.raises(TypeError):
        dataset() + 1
    with pytest.raises(FastcnnError, match="concatenate: datasets must be a sequence of Dataset, got 1"):
        data.concatenate(1)
    with pytest.raises(FastcnnError, match="concatenate: there is no data set"):
        data.concatenate([])


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize(("count", "k"), [(10, 2), (10, 3), (7, 7), (200, 6)])
def test_folds(stratified, count, k):
    labels = np.random.default_rng(0).integers(0, 2, count)
    whole = Dataset(np.zeros((count, 1, 1, 1), np.uint8), labels)
    parts = data.k_fold_indices(whole, k, stratified=stratified, seed=3)
    assert len(parts) == k
    assert sorted(np.concatenate([validation for _, validation in parts]).tolist()) == list(range(count))
    for train, validation in parts:
        assert sorted([*train, *validation]) == list(range(count))
    sizes = [len(validation) for _, validation in parts]
    assert max(sizes) - min(sizes) <= 1
    if stratified:
        of_one = [int(labels[validation].sum()) for _, validation in parts]
        assert max(of_one) - min(of_one) <= 1
    again = data.k_fold_indices(whole, k, stratified=stratified, seed=3)
    for one, other in zip(parts, again, strict=True):
        np.testing.assert_array_equal(one[1], other[1])
    pairs = list(data.k_fold(whole, k, stratified=stratified, seed=3))
    np.testing.assert_array_equal(pairs[0][1].labels, labels[parts[0][1]])


def test_folds_of_a_rare_class_warn(caplog):
    with caplog.at_level(logging.WARNING):
        data.k_fold_indices(dataset(10), 4)
    assert "k_fold: class 'b' has 3 images, so that not each of 4 folds has one" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 2), "k_fold: dataset must be a Dataset, got int"),
        ((dataset(), 1), "k_fold: k must be at least 2, got 1"),
        ((dataset(), 11), "k_fold: k=11, but there are 10 images: each fold needs one"),
        ((dataset(), 2.0), "k_fold: k must be an integer, got 2.0"),
    ],
)
def test_folds_refuse(arguments, message):
    with pytest.raises(FastcnnError, match=message):
        data.k_fold(*arguments)
