import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.training import metrics

MASKS = [[[0, 0], [1, 255]], [[1, 1], [2, 0]]]
PREDICTIONS = [[[0, 1], [1, 2]], [[1, 0], [1, 0]]]


def test_by_hand():
    confusion = metrics.pixel_confusion(MASKS, PREDICTIONS, 4, 255)
    assert confusion.tolist() == [[2, 1, 0, 0], [1, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert metrics.iou(confusion).tolist() == [2 / 4, 2 / 5, 0, 0]
    assert metrics.dice(confusion).tolist() == [4 / 6, 4 / 7, 0, 0]
    assert metrics.mean_iou(confusion) == pytest.approx((2 / 4 + 2 / 5 + 0) / 3)
    assert metrics.mean_dice(confusion) == pytest.approx((4 / 6 + 4 / 7 + 0) / 3)


def test_weights_count_the_pixels_of_an_image():
    confusion = metrics.pixel_confusion(MASKS, PREDICTIONS, 3, 255, [0.5, 2])
    assert confusion.tolist() == [[2.5, 0.5, 0], [2, 2.5, 0], [0, 2, 0]]


def test_nothing_to_measure():
    empty = np.zeros((0, 3, 3), int)
    confusion = metrics.pixel_confusion(empty, empty, 2)
    assert confusion.tolist() == [[0, 0], [0, 0]]
    assert math.isnan(metrics.mean_iou(confusion))
    assert math.isnan(metrics.mean_dice(confusion))


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 5))
def test_properties(seed, count, classes):
    rng = np.random.default_rng(seed)
    masks, predictions = rng.integers(0, classes, (2, count, 2, 3))
    confusion = metrics.pixel_confusion(masks, predictions, classes)
    parts = [metrics.pixel_confusion(masks[i : i + 1], predictions[i : i + 1], classes) for i in range(count)]
    assert confusion.tolist() == sum(parts).tolist()
    iou, dice = metrics.iou(confusion), metrics.dice(confusion)
    np.testing.assert_allclose(dice, 2 * iou / (1 + iou))
    assert metrics.mean_iou(metrics.pixel_confusion(masks, masks, classes)) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[0.5]], [[0]], 2), DTypeError, "masks must be integers, got float64"),
        (([[0]], [[0.5]], 2), DTypeError, "predictions must be integers, got float64"),
        (([[0]], [[0, 1]], 2), ShapeError, r"masks have the shape \(1, 1\), but predictions \(1, 2\)"),
        (([[3]], [[0]], 2), ArgumentError, "masks must be from 0 to 1, got 3"),
        (([[0]], [[-1]], 2), ArgumentError, "predictions must be from 0 to 1, got -1"),
        (([[0]], [[0]], 0), ArgumentError, "num_classes"),
        (([[0]], [[0]], 2, -100, [1, 2]), ShapeError, "sample_weight must have the shape"),
    ],
)
def test_refuses(arguments, error, message):
    with pytest.raises(error, match=f"pixel_confusion: {message}"):
        metrics.pixel_confusion(*arguments)
