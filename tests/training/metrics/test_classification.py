import math

import numpy as np
import pytest

from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.training import metrics

# Class 3 never occurs; class 2 is never predicted; class 1 is predicted where it should not be.
LABELS = [0, 0, 0, 1, 1, 2]
PREDICTIONS = [0, 0, 1, 1, 0, 1]
CONFUSION = [[2, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_confusion_matrix_counts_true_by_predicted():
    confusion = metrics.confusion_matrix(LABELS, PREDICTIONS, 4)
    assert confusion.dtype == np.int64
    assert confusion.tolist() == CONFUSION
    assert metrics.confusion_matrix(LABELS, PREDICTIONS).shape == (3, 3)
    assert metrics.confusion_matrix([], [], 2).tolist() == [[0, 0], [0, 0]]


def test_scores_by_hand():
    assert metrics.accuracy(CONFUSION) == 3 / 6
    assert metrics.precision(CONFUSION).tolist() == [2 / 3, 1 / 3, 0, 0]
    assert metrics.recall(CONFUSION).tolist() == [2 / 3, 1 / 2, 0, 0]
    assert metrics.f1(CONFUSION).tolist() == [2 / 3, 2 / 5, 0, 0]
    # Class 2 counts as 0; class 3, which occurs nowhere, does not count.
    assert metrics.macro_f1(CONFUSION) == pytest.approx((2 / 3 + 2 / 5 + 0) / 3)
    assert metrics.macro(metrics.precision(CONFUSION), CONFUSION) == pytest.approx((2 / 3 + 1 / 3) / 3)
    assert metrics.macro(metrics.recall(CONFUSION), CONFUSION) == pytest.approx((2 / 3 + 1 / 2) / 3)


def test_a_class_that_is_only_predicted_counts():
    confusion = metrics.confusion_matrix([0, 0], [0, 1], 3)
    assert metrics.f1(confusion).tolist() == [2 / 3, 0, 0]
    assert metrics.macro_f1(confusion) == pytest.approx(1 / 3)


def test_perfect_and_empty():
    assert metrics.macro_f1(np.diag([3, 4, 0])) == 1.0
    assert metrics.accuracy(np.diag([3, 4, 0])) == 1.0
    assert math.isnan(metrics.accuracy(np.zeros((2, 2))))
    assert math.isnan(metrics.macro_f1(np.zeros((2, 2))))


def test_f1_is_the_harmonic_mean():
    confusion = np.random.default_rng(0).integers(1, 50, (6, 6))
    p, r = metrics.precision(confusion), metrics.recall(confusion)
    np.testing.assert_allclose(metrics.f1(confusion), 2 * p * r / (p + r))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.confusion_matrix([0, 1], [0]), ShapeError, "2 labels but 1 predictions"),
        (lambda: metrics.confusion_matrix([5], [0], 3), ArgumentError, "class 5 is out of range for 3"),
        (lambda: metrics.confusion_matrix([-1], [0]), ArgumentError, "labels must not be negative, got -1"),
        (lambda: metrics.confusion_matrix([0.5], [0]), DTypeError, "labels must be integers, got float64"),
        (lambda: metrics.confusion_matrix([[0]], [0]), ShapeError, "labels must have one dimension"),
        (lambda: metrics.accuracy(np.zeros((2, 3))), ShapeError, r"must have the shape \(K, K\)"),
    ],
)
def test_invalid_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
