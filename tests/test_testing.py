"""The testing tools find what they are for, and nothing else."""

import numpy as np
import pytest

from fastcnn import testing
from fastcnn.errors import ArgumentError


def test_assert_close_is_relative_to_the_largest_element():
    expected = np.array([1000.0, 0.0])
    testing.assert_close(np.array([1000.05, 0.09], np.float32), expected)
    with pytest.raises(AssertionError):
        testing.assert_close(np.array([1000.0, 0.11], np.float32), expected)
    with pytest.raises(AssertionError):
        testing.assert_close(np.array([1000.0, 0.09]), expected)
    testing.assert_close(np.array([1000.0, 0.09]), expected, tolerance=1e-4)


def test_assert_close_compares_places_of_nan_and_infinity():
    expected = np.array([np.nan, np.inf, 1.0])
    testing.assert_close(expected.astype(np.float32), expected)
    for other in ([1.0, np.inf, 1.0], [np.nan, -np.inf, 1.0], [np.nan, np.inf, np.nan]):
        with pytest.raises(AssertionError):
            testing.assert_close(np.array(other), expected)


def test_assert_close_compares_shapes():
    with pytest.raises(AssertionError):
        testing.assert_close(np.zeros((2, 3)), np.zeros((3, 2)))
    testing.assert_close(np.zeros((0, 3)), np.zeros((0, 3)))


@pytest.mark.parametrize("shape", [(), (1,), (0, 4), (3, 4, 5, 6)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tie_free(shape, dtype):
    x = testing.tie_free(shape, np.random.default_rng(0), dtype)
    assert x.shape == shape
    assert x.dtype == dtype
    values = np.sort(np.append(x.ravel(), 0.0))
    assert (np.diff(values) > 0.002).all()
    if x.size > 1:
        assert (np.diff(np.sort(x.ravel())) > 0.009).all()


def test_tie_free_depends_on_the_generator_alone():
    first, again, other = (testing.tie_free((4, 5), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_numerical_gradient():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = x.copy()
    np.testing.assert_allclose(testing.numerical_gradient(lambda: (x**3).sum(), x), 3 * before**2, rtol=1e-8)
    np.testing.assert_array_equal(x, before)


def test_numerical_gradient_needs_float64():
    with pytest.raises(ArgumentError, match="numerical_gradient: array must be float64, got float32"):
        testing.numerical_gradient(lambda: 0.0, np.zeros(2, np.float32))


def test_gradcheck_accepts_a_right_gradient():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
    testing.gradcheck(lambda a, b: a @ b, lambda dy, a, b: (dy @ b.T, a.T @ dy), [a, b])


@pytest.mark.parametrize("wrong", ["factor", "sign", "one element", "transposed"])
def test_gradcheck_finds_a_wrong_gradient(wrong):
    x = np.random.default_rng(0).standard_normal((3, 3))

    def backward(dy, x):
        dx = 2 * dy * x
        if wrong == "one element":
            dx[1, 1] += 0.01
        return [{"factor": 1.01 * dx, "sign": -dx, "one element": dx, "transposed": dx.T}[wrong]]

    with pytest.raises(AssertionError, match="gradient of input 0"):
        testing.gradcheck(lambda x: x**2, backward, [x])


def test_gradcheck_names_the_input_and_skips_none():
    a, b = np.full((2, 2), 2.0), np.full((2, 2), 3.0)
    testing.gradcheck(lambda a, b: a * b, lambda dy, a, b: (dy * b, None), [a, b])
    with pytest.raises(AssertionError, match="gradient of input 1"):
        testing.gradcheck(lambda a, b: a * b, lambda dy, a, b: (dy * b, dy), [a, b])
