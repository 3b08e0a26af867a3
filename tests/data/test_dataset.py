"""Dataset: what it takes, what it refuses and how it says so."""

import numpy as np
import pytest

from fastcnn.data import Dataset
from fastcnn.errors import ArgumentError, DTypeError, ShapeError


def images(count=4, dtype=np.uint8):
    return np.arange(count * 6, dtype=dtype).reshape(count, 1, 2, 3)


def test_attributes():
    data = Dataset(images(), [0, 2, 1, 2], name="toy")
    assert len(data) == 4
    assert data.num_classes == 3
    assert data.classes == ("0", "1", "2")
    assert data.image_shape == (1, 2, 3)
    assert data.labels.dtype == np.int64
    np.testing.assert_array_equal(data.class_counts(), [1, 1, 2])
    assert repr(data) == "Dataset('toy', 4 images of 1x2x3 uint8, 3 classes)"
    assert repr(Dataset(images(1), [0])) == "Dataset(1 images of 1x2x3 uint8, 1 classes)"


def test_images_are_not_copied():
    array = images(dtype=np.float32)
    assert Dataset(array, np.zeros(4, np.uint8)).images is array


def test_items_and_iteration():
    data = Dataset(images(3), [1, 0, 1])
    image, label = data[-1]
    np.testing.assert_array_equal(image, images(3)[2])
    assert (label, type(label)) == (1, int)
    assert [label for _, label in data] == [1, 0, 1]
    assert data[np.int32(0)][1] == 1
    with pytest.raises(IndexError, match="index 3 is out of range for 3 images"):
        data[3]
    for index in (True, 1.0):
        with pytest.raises(DTypeError, match=r"index must be an integer, a slice, integers or .*, got"):
            data[index]


def test_subset_copies_and_keeps_the_classes():
    data = Dataset(images(4), [0, 1, 2, 0], ["cat", "dog", "owl"], "pets")
    part = data.subset([3, 0, 3])
    np.testing.assert_array_equal(part.images, images(4)[[3, 0, 3]])
    np.testing.assert_array_equal(part.labels, [0, 0, 0])
    assert (part.classes, part.name) == (data.classes, "pets")
    assert not np.shares_memory(part.images, data.images)
    assert len(data.subset([])) == 0


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        ([4], ArgumentError, "index 4 is out of range for 4 images"),
        ([0, -1], ArgumentError, "index -1 is out of range"),
        ([0.0], DTypeError, "indices must be integers, got float64"),
        ([True, False], DTypeError, "indices must be integers, got bool"),
        ([[0]], ShapeError, r"indices must have one dimension, got the shape \(1, 1\)"),
    ],
)
def test_subset_refuses(indices, error, message):
    with pytest.raises(error, match=f"Dataset.subset: {message}"):
        Dataset(images(), [0, 0, 0, 0]).subset(indices)


@pytest.mark.parametrize(
    ("array", "labels", "options", "error", "message"),
    [
        ([[[[0]]]], [0], {}, DTypeError, "images must be a NumPy array, got list"),
        (
            images().astype(np.float64),
            [0] * 4,
            {},
            DTypeError,
            "images must be uint8 or float32, got float64",
        ),
        (images()[0], [0], {}, ShapeError, r"images must have the shape \(N, C, H, W\), got \(1, 2, 3\)"),
        (images()[:, :, :0], [0] * 4, {}, ShapeError, "at least one channel, row and column"),
        (images(), [0] * 3, {}, ShapeError, "4 images but 3 labels"),
        (images(), [[0]] * 4, {}, ShapeError, r"labels must have one dimension, got the shape \(4, 1\)"),
        (images(), [0.0] * 4, {}, DTypeError, "labels must be integers, got float64"),
        (images(), [False] * 4, {}, DTypeError, "labels must be integers, got bool"),
        (images(), ["a"] * 4, {}, DTypeError, "labels must be integers"),
        (images(), np.full(4, 2**63, np.uint64), {}, ArgumentError, r"labels must be below 2\*\*63"),
        (images(), [0, -1, 0, 0], {}, ArgumentError, "label -1 is out of range"),
        (images(), [0, 2**40, 0, 0], {}, ArgumentError, "label 1099511627776 is too large for 4 images"),
        (
            images(),
            [0, 1, 2, 0],
            {"classes": ["a", "b"]},
            ArgumentError,
            "label 2 .* for 2 classes .* 0 to 1",
        ),
        (images(), [0] * 4, {"classes": "abc"}, DTypeError, "classes must be a sequence of str"),
        (images(), [0] * 4, {"classes": [1, 2]}, DTypeError, "classes must be a sequence of str"),
        (images(), [0] * 4, {"classes": 5}, DTypeError, "classes must be a sequence of str"),
        (images(), [0] * 4, {"name": 5}, DTypeError, "name must be a str, got 5"),
    ],
)
def test_refuses(array, labels, options, error, message):
    with pytest.raises(error, match=f"Dataset: .*{message}"):
        Dataset(array, labels, **options)


def test_empty_data_set_can_exist():
    data = Dataset(images(0), [])
    assert (len(data), data.num_classes, data.labels.dtype) == (0, 0, np.int64)
    assert data.class_counts().size == 0
