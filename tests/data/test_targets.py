"""Kinds of targets: told apart, checked, kept by everything that makes a data set of another."""

import re

import numpy as np
import pytest

from fastcnn.data import Dataset, Loader, concatenate, k_fold, k_fold_indices, split, stratified_subset
from fastcnn.errors import ArgumentError, DTypeError, ShapeError

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (6, 1, 3, 4), dtype=np.uint8)
SEVERAL = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
MASKS = rng.integers(0, 3, (6, 3, 4))
MASKS[0, 0] = 2
REAL = np.array([0.5, 1, -2, 3.25, 0, 7])
WEIGHTS = [1, 0, 2, 0.5, 1, 1]


@pytest.mark.parametrize(
    ("labels", "task", "dtype", "classes", "told"),
    [
        ([0, 1, 2, 0, 1, 2], "classification", np.int64, 3, "3 classes"),
        (SEVERAL.astype(bool), "multilabel", bool, 3, "3 labels each"),
        (SEVERAL, "multilabel", bool, 3, "3 labels each"),
        (MASKS, "segmentation", np.int64, 3, "masks of 3x4 with 3 classes"),
        (MASKS.astype(np.uint8), "segmentation", np.uint8, 3, "masks of 3x4 with 3 classes"),
        (MASKS > 1, "segmentation", np.uint8, 2, "masks of 3x4 with 2 classes"),
        (REAL, "regression", np.float64, 0, "targets of one number"),
        (list(REAL), "regression", np.float64, 0, "targets of one number"),
        (REAL[:, None].astype(np.float32), "regression", np.float32, 0, "targets of 1"),
        (np.full((6, 1, 3, 4), 0.5, np.float16), "regression", np.float32, 0, "targets of 1x3x4"),
    ],
)
def test_told_by_type_and_shape(labels, task, dtype, classes, told):
    data = Dataset(IMAGES, labels)
    assert (data.task, data.labels.dtype, data.num_classes) == (task, dtype, classes)
    assert data.targets is data.labels
    assert repr(data) == f"Dataset(6 images of 1x3x4 uint8, {told})"
    np.testing.assert_array_equal(data.labels, np.asarray(labels))


@pytest.mark.parametrize(
    ("labels", "task", "dtype"),
    [
        (np.eye(6, 3), "multilabel", bool),
        (np.eye(6, 3, dtype=int), "multilabel", bool),
        (np.zeros((6, 1), int), "multilabel", bool),
        ([0.0, 1, 2, 3, 4, 5], "regression", np.float64),
        ([0, 1, 2, 3, 4, 5], "regression", np.float32),
        (IMAGES, "regression", np.float32),
        (MASKS, "regression", np.float32),
    ],
)
def test_task_says_what_type_and_shape_do_not(labels, task, dtype):
    data = Dataset(IMAGES, labels, task=task)
    assert (data.task, data.labels.dtype) == (task, dtype)
    np.testing.assert_array_equal(data.labels, np.asarray(labels))


@pytest.mark.parametrize(
    ("labels", "options", "error", "message"),
    [
        ([0] * 6, {"task": "ranking"}, ArgumentError, "task must be one of classification, multilabel, "),
        (
            [0.0] * 6,
            {},
            DTypeError,
            "use labels.astype(np.int64); real targets? give task='regression'",
        ),
        (
            np.eye(3, dtype=int)[[0, 1, 2] * 2],
            {},
            ShapeError,
            "several labels an image? give task='multilabel'",
        ),
        (REAL, {"classes": ("a",)}, DTypeError, "must be integers, got float64, such as 0.5"),
        (REAL, {"classes": ("a",), "task": "regression"}, ArgumentError, "real targets have no classes"),
        ([0.5, np.nan, 1, 2, 3, 4], {"task": "regression"}, ArgumentError, "those of image 1 are not"),
        (["a"] * 6, {"task": "regression"}, DTypeError, "labels must be real numbers for task='regression'"),
        (1.5, {"task": "regression"}, ShapeError, "a row for each image, got a single number"),
        (REAL[:4], {}, ShapeError, "6 images but 4 labels"),
        (2 * SEVERAL, {"task": "multilabel"}, ArgumentError, "must be 0 or 1 for task='multilabel', got 2"),
        ([0] * 6, {"task": "multilabel"}, ShapeError, "shape (N, K) for task='multilabel', got (6,)"),
        ([["a"]] * 6, {"task": "multilabel"}, DTypeError, "bools, or 0 and 1, for task='multilabel'"),
        (SEVERAL, {"classes": ("a", "b")}, ShapeError, "labels have 3 columns, but there are 2 classes"),
        (MASKS.astype(float), {}, DTypeError, "they are whole numbers: use labels.astype(np.int64)"),
        (MASKS.astype(float), {"task": "segmentation"}, DTypeError, "use labels.astype(np.int64)"),
        (MASKS[:, None], {"task": "segmentation"}, ShapeError, "(N, H, W) for task='segmentation', got "),
        (MASKS[:, None], {"task": "segmentation"}, ShapeError, "use labels[:, 0]"),
        (MASKS, {"classes": ("a", "b")}, ArgumentError, "label 2 is out of range for 2 classes"),
        (MASKS - 1, {}, ArgumentError, "pixels that do not count are named by ignore_index"),
        (MASKS + 5000, {}, ArgumentError, "label 5002 is too large for 6 images"),
        (
            np.where(MASKS == 2, 255, MASKS).astype(np.uint8),
            {},
            ArgumentError,
            "labels have 255 beside 0 to 1: if those pixels do not count, give ignore_index=255",
        ),
        (
            [0] * 6,
            {"ignore_index": 0},
            ArgumentError,
            "ignore_index is for masks (N, H, W), but the task is ",
        ),
        (MASKS, {"ignore_index": 0.5}, DTypeError, "ignore_index"),
        ([0] * 6, {"weights": [1] * 5}, ShapeError, "weights must have the shape (6,)"),
        ([0] * 6, {"weights": [[1], [1, 2]]}, ShapeError, "weights must have one dimension"),
        ([0] * 6, {"weights": [0] * 6}, ArgumentError, "weights must not all be 0"),
        ([0] * 6, {"weights": [1, 1, 1, 1, 1, -0.5]}, ArgumentError, "finite and at least 0, got -0.5"),
        ([0] * 6, {"weights": [1, 1, 1, 1, 1, np.inf]}, ArgumentError, "finite and at least 0, got inf"),
        ([0] * 6, {"weights": ["a"] * 6}, DTypeError, "weights must be numbers, got <U1"),
    ],
)
def test_refuses(labels, options, error, message):
    with pytest.raises(error, match=re.escape(message)) as caught:
        Dataset(IMAGES, labels, **options)
    assert str(caught.value).startswith("Dataset")


def test_255_is_a_class_where_it_has_a_name_or_neighbours():
    marked = np.where(MASKS == 2, 255, MASKS).astype(np.uint8)
    assert Dataset(IMAGES, marked, classes=[str(i) for i in range(256)]).num_classes == 256
    data = Dataset(IMAGES, marked, ignore_index=255)
    assert (data.num_classes, data.ignore_index) == (2, 255)
    assert data.class_counts().tolist() == [int((MASKS == 0).sum()), int((MASKS == 1).sum())]
    marked[0, 0, 0] = 254
    assert Dataset(IMAGES, marked).num_classes == 256


def test_class_counts():
    assert Dataset(IMAGES, SEVERAL).class_counts().tolist() == [3, 2, 3]
    assert Dataset(IMAGES, MASKS).class_counts().tolist() == np.bincount(MASKS.ravel()).tolist()
    with pytest.raises(ArgumentError, match="class_counts: the targets are real numbers, not classes"):
        Dataset(IMAGES, REAL).class_counts()


@pytest.mark.parametrize("labels", [[0, 1, 2, 0, 1, 2], SEVERAL, MASKS.astype(np.uint8), REAL])
def test_parts_and_sums_keep_everything(labels):
    options = {"ignore_index": 2} if np.ndim(labels) == 3 else {}
    data = Dataset(IMAGES, labels, name="own", weights=WEIGHTS, **options)
    part = data[[4, 1]]
    for made, rows in ((part, [4, 1]), (data[1:2], [1]), (part + data[:2], [4, 1, 0, 1])):
        assert (made.task, made.classes, made.ignore_index) == (data.task, data.classes, data.ignore_index)
        np.testing.assert_array_equal(made.labels, data.labels[rows])
        np.testing.assert_array_equal(made.weights, np.array(WEIGHTS)[rows])
        assert made.labels.dtype == data.labels.dtype
    image, label = data[3]
    np.testing.assert_array_equal(image, IMAGES[3])
    np.testing.assert_array_equal(label, np.asarray(labels)[3])
    train, validation = split(data, 2, seed=0, stratified=False)
    assert sorted([*train.weights, *validation.weights]) == sorted(WEIGHTS)
    assert repr(data).endswith(", weighted)")


def test_a_set_without_weights_counts_once():
    data = Dataset(IMAGES, REAL, weights=WEIGHTS)
    assert (data + Dataset(IMAGES, REAL)).weights.tolist() == [*WEIGHTS, *[1.0] * 6]
    assert (Dataset(IMAGES, REAL) + Dataset(IMAGES, REAL)).weights is None


def test_an_item_is_of_the_targets_kind():
    assert type(Dataset(IMAGES, [0] * 6)[0][1]) is int
    assert type(Dataset(IMAGES, REAL)[0][1]) is float
    assert Dataset(IMAGES, SEVERAL)[0][1].tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("first", "second", "error", "message"),
    [
        (
            ([0] * 6, {}),
            (REAL, {}),
            ArgumentError,
            "the targets are for classification, but those of data set 1",
        ),
        (
            (REAL, {}),
            (REAL[:, None], {}),
            ShapeError,
            r"the targets are \(\), but those of data set 1 \(1,\)",
        ),
        ((MASKS, {}), (MASKS[:, :2], {}), ShapeError, r"the targets are \(3, 4\), but those"),
        ((MASKS, {}), (MASKS, {"ignore_index": 9}), ArgumentError, "ignore_index is -100, but 9 in data set"),
        ((SEVERAL, {}), (SEVERAL[:, :2], {"task": "multilabel"}), ArgumentError, "the labels are '0', '1', "),
    ],
)
def test_sums_of_different_kinds(first, second, error, message):
    sets = [Dataset(IMAGES, labels, **options) for labels, options in (first, second)]
    with pytest.raises(error, match=f"concatenate: {message}"):
        concatenate(sets)


def test_stratified_needs_a_class_for_each_image():
    data = Dataset(IMAGES, REAL)
    assert len(k_fold_indices(data, 3)) == 3
    assert [len(each) for each in split(data, 2, seed=0)] == [4, 2]
    message = "needs a class for each image, but the targets are for regression: "
    with pytest.raises(ArgumentError, match=f"k_fold: stratified {message}give stratified=False"):
        k_fold(data, 3, stratified=True)
    with pytest.raises(ArgumentError, match=f"split: stratified {message}give stratified=False"):
        split(data, 2, seed=0, stratified=True)
    with pytest.raises(ArgumentError, match=f"split: balanced {message}leave it out"):
        split(data, 2, seed=0, balanced=True)
    with pytest.raises(ArgumentError, match=f"stratified_subset {message}take dataset"):
        stratified_subset(data, 2, seed=0)


@pytest.mark.parametrize(
    ("labels", "dtype"), [(SEVERAL, np.float32), (MASKS.astype(np.uint8), np.int64), (REAL, np.float64)]
)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_batches_are_what_losses_take(labels, dtype, weights):
    loader = Loader(Dataset(IMAGES, labels, weights=weights), 4, seed=1)
    batches, order = list(loader.epoch(2)), loader.order(2)
    assert {len(batch) for batch in batches} == {2 if weights is None else 3}
    got = np.concatenate([batch[1] for batch in batches])
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, np.asarray(labels)[order])
    if weights is not None:
        np.testing.assert_array_equal(np.concatenate([each[2] for each in batches]), np.array(weights)[order])
