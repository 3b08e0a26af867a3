import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.training import metrics

TARGETS, PREDICTIONS = [1.0, 2, 4], [2.0, 2, 1]


def test_by_hand():
    assert metrics.mean_absolute_error(TARGETS, PREDICTIONS) == pytest.approx(4 / 3)
    assert metrics.mean_squared_error(TARGETS, PREDICTIONS) == pytest.approx(10 / 3)
    # The mean is 7/3, and the squares about it are 16/9 + 1/9 + 25/9.
    assert metrics.r2_score(TARGETS, PREDICTIONS) == pytest.approx(1 - 10 / (42 / 9))


def test_weights_by_hand():
    weights = [2, 0, 1]
    assert metrics.mean_absolute_error(TARGETS, PREDICTIONS, weights) == pytest.approx(5 / 3)
    assert metrics.mean_squared_error(TARGETS, PREDICTIONS, weights) == pytest.approx(11 / 3)
    assert metrics.r2_score(TARGETS, PREDICTIONS, weights) == pytest.approx(1 - 11 / (2 + 4))


def test_nothing_to_measure():
    for rows in ([], np.zeros((0, 3)), np.zeros((3, 0))):
        for name in ("mean_absolute_error", "mean_squared_error", "r2_score"):
            assert math.isnan(getattr(metrics, name)(rows, rows))
    assert math.isnan(metrics.r2_score([1.0], [2.0]))
    assert math.isnan(metrics.r2_score([1.0, 2], [2.0, 2], [0, 0]))
    assert math.isnan(metrics.mean_absolute_error([1.0], [2.0], [0]))


def test_constant_targets():
    assert metrics.r2_score([2, 2], [2, 2]) == 1
    # A pixel that hardly varies, and one that does: by columns (1 - 4 / 0.02 + 1 - 0 / 50) / 2.
    pixels, made = np.array([[0.0, 0], [0.2, 10]]), np.array([[2.0, 0], [0.2, 10]])
    assert metrics.r2_score(pixels, made) == pytest.approx((1 - 4 / 0.02 + 1) / 2)
    assert metrics.r2_score(pixels[:, None], made[:, None]) == pytest.approx(1 - 4 / 50.02)
    assert metrics.r2_score([2, 2], [2, 3]) == 0


@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(1, 3))
def test_integer_weights_are_repetitions(seed, count, features):
    rng = np.random.default_rng(seed)
    targets, predictions = rng.normal(size=(2, count, features))
    weights = rng.integers(0, 3, count)
    weights[:2] = 1
    repeated = [np.repeat(each, weights, axis=0) for each in (targets, predictions)]
    for name in ("mean_absolute_error", "mean_squared_error", "r2_score"):
        function = getattr(metrics, name)
        assert function(targets, predictions, weights) == pytest.approx(function(*repeated), abs=1e-9)
    assert metrics.r2_score(targets, targets) == 1
    centre = np.broadcast_to(targets.mean(0), targets.shape)
    assert metrics.r2_score(targets, centre) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], [1.0, 2]), ShapeError, r"targets have the shape \(1,\), but predictions \(2,\)"),
        ((1.0, [1.0]), ShapeError, "targets must have a row for each sample, got a single number"),
        (([1.0], ["a"]), DTypeError, "predictions must be real numbers, got <U1"),
        (([1.0], [1.0], [1, 2]), ShapeError, r"sample_weight must have the shape \(1,\), got \(2,\)"),
        (([1.0], [1.0], [-1]), ArgumentError, "sample_weight must be finite and at least 0"),
        (([1.0], [1.0], ["a"]), DTypeError, "sample_weight must be numbers, got <U1"),
    ],
)
@pytest.mark.parametrize("name", ["mean_absolute_error", "mean_squared_error", "r2_score"])
def test_refuses(name, arguments, error, message):
    with pytest.raises(error, match=f"{name}: {message}"):
        getattr(metrics, name)(*arguments)
