import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.training import metrics

TARGETS = [[1, 0, 0], [1, 1, 0], [0, 1, 0]]
PREDICTIONS = [[1, 1, 0], [1, 0, 0], [0, 1, 0]]


def test_f1_by_hand():
    assert metrics.multilabel_f1(TARGETS, PREDICTIONS, "none").tolist() == [1, 2 / 4, 0]
    assert metrics.multilabel_f1(TARGETS, PREDICTIONS) == pytest.approx(1.5 / 3)
    assert metrics.multilabel_f1(TARGETS, PREDICTIONS, "micro") == pytest.approx(6 / 8)
    assert metrics.multilabel_f1(TARGETS, PREDICTIONS, "micro", [1, 1, 2]) == pytest.approx(8 / 10)


def test_subset_accuracy_by_hand():
    assert metrics.subset_accuracy(TARGETS, PREDICTIONS) == pytest.approx(1 / 3)
    assert metrics.subset_accuracy(TARGETS, PREDICTIONS, [1, 0, 3]) == pytest.approx(3 / 4)


def test_average_precision_by_hand():
    """Of four samples in the order of their scores, the first and the third have the label."""
    targets, scores = [[1], [0], [1], [0]], [[4.0], [3], [2], [1]]
    assert metrics.average_precision(targets, scores) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    # Equal scores are one threshold.
    assert metrics.average_precision(targets, [[1.0]] * 4) == pytest.approx(0.5)
    assert metrics.average_precision([[0], [0]], [[1.0], [2]]) == 0
    assert metrics.average_precision(targets, scores, "none", [1, 0, 1, 1]).tolist() == [1]


def test_nothing_to_measure():
    empty = np.zeros((0, 2))
    assert metrics.multilabel_f1(empty, empty) == 0
    assert metrics.average_precision(empty, empty) == 0
    assert math.isnan(metrics.subset_accuracy(empty, empty))
    assert math.isnan(metrics.multilabel_f1(np.zeros((2, 0)), np.zeros((2, 0))))
    assert math.isnan(metrics.average_precision(np.zeros((2, 0)), np.zeros((2, 0))))


@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 4))
def test_properties(seed, count, labels):
    rng = np.random.default_rng(seed)
    targets = rng.random((count, labels)) < 0.5
    scores = rng.integers(-2, 3, (count, labels)).astype(float)
    weights = rng.integers(0, 3, count)
    repeated = np.repeat(targets, weights, axis=0), np.repeat(scores, weights, axis=0)
    order = rng.permutation(count)
    for average in ("macro", "micro"):
        value = metrics.average_precision(targets, scores, average, weights)
        assert value == pytest.approx(metrics.average_precision(*repeated, average))
        assert 0 <= value <= 1 + 1e-12
        assert value == pytest.approx(
            metrics.average_precision(targets[order], np.exp(scores[order]), average, weights[order])
        )
        assert metrics.multilabel_f1(targets, scores > 0, average, weights) == pytest.approx(
            metrics.multilabel_f1(repeated[0], repeated[1] > 0, average)
        )
    occurs = targets.any(0)
    assert metrics.average_precision(targets, targets, "none").tolist() == occurs.tolist()
    assert metrics.subset_accuracy(targets, targets) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.multilabel_f1([1], [1]), ShapeError, r"targets must have the shape \(N, K\)"),
        (lambda: metrics.multilabel_f1([[2]], [[1]]), DTypeError, "targets must be bools, or 0 and 1"),
        (lambda: metrics.multilabel_f1([[1]], [[0.5]]), DTypeError, "predictions must be bools, or 0 and 1"),
        (lambda: metrics.multilabel_f1([[1]], [[1, 0]]), ShapeError, r"but predictions \(1, 2\)"),
        (lambda: metrics.multilabel_f1([[1]], [[1]], "weighted"), ArgumentError, "average must be one of "),
        (lambda: metrics.average_precision([[1]], [["a"]]), DTypeError, "scores must be numbers, got <U1"),
        (
            lambda: metrics.average_precision([[1]], [[np.nan]]),
            ArgumentError,
            "scores must be numbers, got NaN",
        ),
        (lambda: metrics.average_precision([[1]], [[1.0, 2]]), ShapeError, r"but scores \(1, 2\)"),
        (
            lambda: metrics.subset_accuracy([[1]], [[1]], [1, 2]),
            ShapeError,
            "sample_weight must have the shape",
        ),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
