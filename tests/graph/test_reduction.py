"""Sums, means and maxima over axes."""

import math

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError

from .models import check_gradients, normal, passes

KINDS = ["sum", "mean", "amax"]
every = pytest.mark.parametrize("kind", KINDS)
DIMS = [None, 0, 1, -1, (2, 3), (0, 2, 3), (-1, 1), [3, 0], (0, 1, 2, 3), (), [], np.int64(2)]


def _numpy(kind, x, dim, keepdim):
    axes = None if dim is None or np.size(dim) == 0 else tuple(np.atleast_1d(dim))
    return getattr(np, kind)(x, axis=axes, keepdims=keepdim)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", DIMS, ids=str)
@every
def test_values_are_numpys(kind, dim, keepdim, dtype):
    x = normal(2, 3, 4, 5).astype(dtype)
    y, dx = passes(lambda x: getattr(x, kind)(dim, keepdim), x)
    assert y.dtype == dx.dtype == dtype
    assert dx.shape == x.shape
    np.testing.assert_array_equal(y, _numpy(kind, x, dim, keepdim))


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", DIMS, ids=str)
@every
def test_gradients_by_differences(kind, dim, keepdim):
    check_gradients(lambda x: getattr(x, kind)(dim=dim, keepdim=keepdim), [normal(2, 3, 2, 3)])


@every
def test_by_hand(kind):
    x, dy = np.array([[1.0, 5, 3], [6, 2, 4]]), np.array([10.0, 1])
    y, dx = passes(lambda x: getattr(x, kind)(1), x, dy=dy)
    expected = {
        "sum": ([9, 12], [[10, 10, 10], [1, 1, 1]]),
        "mean": ([3, 4], [[10 / 3] * 3, [1 / 3] * 3]),
        "amax": ([5, 6], [[0, 10, 0], [1, 0, 0]]),
    }[kind]
    np.testing.assert_array_equal(y, expected[0])
    np.testing.assert_array_equal(dx, expected[1])


@every
def test_a_tensor_without_axes(kind):
    for dim in (None, 0, -1, ()):
        y, dx = passes(lambda x, dim=dim: getattr(x, kind)(dim), np.array(3.0), dy=np.array(2.0))
        assert (y, dx) == (3, 2)
        assert isinstance(y, np.ndarray)
        assert isinstance(dx, np.ndarray)


@every
def test_of_a_parameter(kind):
    check_gradients(lambda x, w: x * getattr(w, kind)((1, 2), True), [normal(2, 3)], [normal(3, 2, 2)])
    weight = normal(3, 2).astype(np.float32)
    y = getattr(nn.Parameter(weight), kind)(0)
    np.testing.assert_array_equal(y, getattr(np, kind)(weight, axis=0))
    assert isinstance(y, np.ndarray)


# Maxima


@pytest.mark.parametrize(
    ("x", "dim", "dx"),
    [
        ([[2, 7, 7], [1, 1, 1]], 1, [[0, 3, 3], [2, 2, 2]]),
        ([[0.0, -0.0]], 1, [[3, 3]]),
        ([[math.inf, math.inf, 1]], 1, [[3, 3, 0]]),
        ([[-math.inf, -math.inf]], None, [[3, 3]]),
    ],
)
def test_equal_maxima_share_the_gradient(x, dim, dx):
    _, found = passes(lambda x: x.amax(dim), np.array(x, float), dy=6.0 * np.ones(len(x) if dim else ()))
    np.testing.assert_array_equal(found, dx)


def test_nan_is_the_maximum_and_takes_the_gradient():
    y, dx = passes(lambda x: x.amax(), np.array([1, math.nan, 3]))
    assert np.isnan(y)
    np.testing.assert_array_equal(dx, [0, 1, 0])


# Nothing, and too much


def test_of_nothing():
    x = np.ones((0, 3), np.float32)
    y, dx = passes(lambda x: x.sum(0), x)
    np.testing.assert_array_equal(y, np.zeros(3))
    assert dx.shape == (0, 3)
    y, dx = passes(lambda x: x.mean(0), x)
    assert np.isnan(y).all()
    assert y.dtype == np.float32
    assert dx.shape == (0, 3)
    for kind in KINDS:
        y, dx = passes(lambda x, kind=kind: getattr(x, kind)(1), x)
        assert (y.shape, dx.shape) == ((0,), (0, 3))
    with pytest.raises(
        ShapeError, match=r"amax: nothing to take the maximum of in an input of the shape \(0, 3\)"
    ):
        passes(lambda x: x.amax(0), x)


def test_overflow_gives_infinity_without_a_warning():
    x = np.full(4, 3e38, np.float32)
    assert passes(lambda x: x.sum(), x)[0] == math.inf
    assert np.isnan(passes(lambda x: x.sum(), np.array([math.inf, -math.inf]))[0])


def test_the_mean_of_integers_is_not_rounded():
    y, dx = passes(lambda x: x.mean(), np.array([1, 2]))
    assert y == 1.5
    np.testing.assert_array_equal(dx, [0, 0])


# Errors


@every
@pytest.mark.parametrize(
    ("dim", "error", "message"),
    [
        (2, ArgumentError, r"dim must lie in \[-2, 2\), got 2"),
        (-3, ArgumentError, r"dim must lie in \[-2, 2\), got -3"),
        ((0, 5), ArgumentError, r"dim must lie in \[-2, 2\), got 5"),
        ((1, -1), ArgumentError, r"dim names an axis twice: \(1, -1\)"),
        (1.0, DTypeError, "dim must be an integer, several or None, got 1.0"),
        (True, DTypeError, "dim must be an integer, several or None, got True"),
        ("1", DTypeError, "dim must be an integer, several or None, got '1'"),
        ((0, None), DTypeError, r"dim must be an integer, several or None, got \(0, None\)"),
    ],
)
def test_axes_that_are_none(kind, dim, error, message):
    with pytest.raises(error, match=f"{kind}: {message}"):
        passes(lambda x: getattr(x, kind)(dim), np.ones((2, 3)))


@every
def test_axes_of_a_tensor_without_axes(kind):
    with pytest.raises(ArgumentError, match=rf"{kind}: dim must lie in \[-1, 1\), got 1"):
        passes(lambda x: getattr(x, kind)(1), np.ones(()))


@every
@pytest.mark.parametrize("keepdim", [1, None, "yes", 3])
def test_keepdim_is_a_bool(kind, keepdim):
    with pytest.raises(DTypeError, match=f"{kind}: keepdim must be a bool, got {keepdim!r}"):
        passes(lambda x: getattr(x, kind)(0, keepdim), np.ones((2, 3)))
