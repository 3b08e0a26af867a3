"""Dropout of channels and alpha dropout: what is kept and what becomes of it."""

import math

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.errors import DTypeError, ShapeError

from ..oracle.compare import DTYPES

LEAST = -1.7580993408473766
X = np.random.default_rng(0).standard_normal((40, 30, 4, 5))


def seeded():
    return np.random.default_rng(7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_channels_are_dropped_as_elements_of_rows_of_channels_are(dtype) -> None:
    x = X.astype(dtype)
    y, mask = ops.dropout2d(x, 0.3, generator=seeded())
    assert (y.dtype, mask.dtype, mask.shape) == (dtype, dtype, (40, 30, 1, 1))
    _, rows = ops.dropout(x[:, :, 0, 0], 0.3, generator=seeded())
    np.testing.assert_array_equal(mask[:, :, 0, 0], rows)
    np.testing.assert_array_equal(y, x * mask)
    assert 0.25 < (mask == 0).mean() < 0.35
    np.testing.assert_array_equal(ops.dropout2d_backward(x, mask), y)
    # The first axis is the batch, of any rank that there is.
    for each in (x[:, :, 0, 0], x[:, :, 0]):
        shape = (*each.shape[:2], *(1,) * (each.ndim - 2))
        found, its_mask = ops.dropout2d(each, 0.3, generator=seeded())
        np.testing.assert_array_equal(its_mask, rows.reshape(shape))
        np.testing.assert_array_equal(found, each * its_mask)


@pytest.mark.parametrize("dtype", DTYPES)
def test_channels_of_lines_are_dropped_in_a_batch_or_without_one(dtype) -> None:
    x = X[:, :, 0].astype(dtype)
    y, mask = ops.dropout1d(x, 0.3, generator=seeded())
    assert (y.dtype, mask.dtype, mask.shape) == (dtype, dtype, (40, 30, 1))
    np.testing.assert_array_equal(mask, ops.dropout2d(x, 0.3, generator=seeded())[1])
    np.testing.assert_array_equal(y, x * mask)
    np.testing.assert_array_equal(ops.dropout1d_backward(x, mask), y)
    y, mask = ops.dropout1d(x[3][:, ::-1], 0.3, generator=seeded())
    assert mask.shape == (30, 1)
    assert 0 < (mask == 0).sum() < 30
    np.testing.assert_array_equal(y, x[3][:, ::-1] * mask)
    np.testing.assert_array_equal(ops.dropout1d_backward(x[3], mask), x[3] * mask)
    for each in (x, x[3], x[:0]):
        y, mask = ops.dropout1d(each, 0.3, False)
        assert mask is None
        np.testing.assert_array_equal(y, each)
        np.testing.assert_array_equal(ops.dropout1d_backward(each, None), each)
    with pytest.raises(
        ShapeError, match=r"dropout1d: x must be lines \(N, C, L\) or \(C, L\), got the shape \(5,\)"
    ):
        ops.dropout1d(x[0, 0])
    with pytest.raises(ShapeError, match="dropout1d_backward: mask must have the shape"):
        ops.dropout1d_backward(x[0], x[1, :, :2])


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", DTYPES)
def test_alpha_dropout_by_its_equation(dtype, p) -> None:
    x = X.astype(dtype)
    a = 1 / math.sqrt((1 - p) * (1 + p * LEAST**2))
    b = -a * p * LEAST
    for function, backward, by_channel in (
        (ops.alpha_dropout, ops.alpha_dropout_backward, False),
        (ops.feature_alpha_dropout, ops.feature_alpha_dropout_backward, True),
    ):
        y, mask = function(x, p, True, generator=seeded())
        plain = ops.dropout2d if by_channel else ops.dropout
        kept = plain(x, p, generator=seeded())[1] > 0
        assert y.dtype == mask.dtype == dtype
        np.testing.assert_allclose(y, np.where(kept, a * x + b, a * LEAST + b), rtol=0, atol=1e-5)
        np.testing.assert_allclose(mask, np.where(kept, a, 0), rtol=1e-6)
        np.testing.assert_array_equal(backward(x, mask), x * mask)


def test_mean_and_variance_stay() -> None:
    x = np.random.default_rng(1).standard_normal((1000, 1000))
    for p in (0.2, 0.7):
        y, _ = ops.alpha_dropout(x, p, True, generator=seeded())
        assert abs(y.mean()) < 0.01
        assert abs(y.var() - 1) < 0.01


@pytest.mark.parametrize("name", ["dropout2d", "alpha_dropout", "feature_alpha_dropout"])
def test_the_ends_of_the_range(name) -> None:
    function, backward = getattr(ops, name), getattr(ops, f"{name}_backward")
    x = np.array([1.0, -np.inf, np.nan, 3]).reshape(2, 2)
    for found in (function(x, 0.5, False), function(x, 0.0, True, generator=seeded())):
        assert found[0] is x
        assert found[1] is None
    assert backward(x, None) is x
    y, mask = function(x, 1.0, True, generator=seeded())
    np.testing.assert_array_equal(y, [[0, np.nan], [np.nan, 0]])  # 0 times an infinity, as in PyTorch
    np.testing.assert_array_equal(mask, 0)
    empty, _ = function(np.zeros((0, 3)), 0.5, True, generator=seeded())
    assert empty.shape == (0, 3)
    with pytest.raises(DTypeError, match=f"^{name}: generator must be a numpy.random.Generator, got None"):
        function(x, 0.5, True)
    with pytest.raises(ShapeError, match=f"^{name}_backward: mask must have the shape"):
        backward(x, np.zeros((3, 2)))


def test_channels_need_an_axis() -> None:
    for function in (ops.dropout2d, ops.feature_alpha_dropout):
        with pytest.raises(
            ShapeError, match=r"x must have at least 2 axes \(N, C, \.\.\.\), got the shape \(3,\)"
        ):
            function(np.zeros(3), 0.5, True, generator=seeded())
