"""Sigmoid, tanh, exp, square root and clamp by hand, at the ends of the numbers, and by differences."""

import math

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.testing import gradcheck, tie_free

from ..oracle.compare import DTYPES, LAYOUTS, assert_close

NAN, INF = math.nan, math.inf
# function: (inputs, outputs), worked out on paper.
BY_HAND = {
    "sigmoid": ([0, math.log(3), -math.log(3), 1000, -1000, INF, -INF], [0.5, 0.75, 0.25, 1, 0, 1, 0]),
    "tanh": ([0, math.log(2), -math.log(2), 1000, -1000, INF, -INF], [0, 0.6, -0.6, 1, -1, 1, -1]),
    "exp": ([0, math.log(2), -math.log(2), 1000, -1000, INF, -INF], [1, 2, 0.5, INF, 0, INF, 0]),
    "sqrt": ([0, 4, 0.25, INF, -1, -INF], [0, 2, 0.5, INF, NAN, NAN]),
}
# function: (outputs, dx for dy = 2)
GRADIENTS = {
    "sigmoid": ([0.5, 0.75, 0, 1], [0.5, 0.375, 0, 0]),
    "tanh": ([0, 0.6, -0.6, 1, -1], [2, 1.28, 1.28, 0, 0]),
    "exp": ([1, 0.5, 0, INF], [2, 1, 0, INF]),
    "sqrt": ([2, 0.5, 0, INF], [0.5, 2, INF, 0]),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BY_HAND)
def test_values_by_hand(name: str, dtype) -> None:
    x, y = (np.array(each, dtype) for each in BY_HAND[name])
    found = getattr(ops, name)(x)
    assert found.dtype == dtype
    assert_close(found, y, np.float32 if dtype == np.float32 else np.float64, name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_by_hand(name: str, dtype) -> None:
    y, dx = (np.array(each, dtype) for each in GRADIENTS[name])
    found = getattr(ops, f"{name}_backward")(np.full_like(y, 2), y)
    assert found.dtype == dtype
    assert_close(found, dx, dtype, name)


@pytest.mark.parametrize("name", BY_HAND)
def test_nan_propagates_forward_and_back(name: str) -> None:
    assert np.isnan(getattr(ops, name)(np.array([NAN]))).all()
    backward = getattr(ops, f"{name}_backward")
    assert np.isnan(backward(np.array([NAN, 1.0]), np.array([0.5, NAN]))).all()


def test_nothing_times_infinity_is_nan_without_a_warning() -> None:
    assert np.isnan(ops.exp_backward(np.zeros(1), np.array([INF]))).all()
    assert np.isnan(ops.sqrt_backward(np.zeros(1), np.zeros(1))).all()


def test_sigmoid_keeps_its_digits_where_it_is_small() -> None:
    x = np.array([-700.0, -40.0])
    np.testing.assert_allclose(ops.sigmoid(x), [math.exp(-700), math.exp(-40)], rtol=1e-15)
    np.testing.assert_allclose(ops.sigmoid(x.astype(np.float32))[1], math.exp(-40), rtol=1e-6)


def test_callers_who_want_floating_point_errors_raised_get_none() -> None:
    x = np.array([-1000.0, 0.0, 1000.0, -INF, NAN])
    with np.errstate(all="raise"):
        for name in BY_HAND:
            y = getattr(ops, name)(x)
            getattr(ops, f"{name}_backward")(x, y)
        ops.clamp_backward(x, ops.clamp(x, -1, 1), -1, 1)


# Clamp


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("limits", "y", "dx"),
    [
        ({"min": -1, "max": 1.5}, [-1, -1, 0, 1.5, 1.5, NAN], [0, 1, 1, 1, 0, 0]),
        ({"min": -1}, [-1, -1, 0, 1.5, INF, NAN], [0, 1, 1, 1, 1, 0]),
        ({"max": 1.5}, [-3, -1, 0, 1.5, 1.5, NAN], [1, 1, 1, 1, 0, 0]),
        ({"min": -INF, "max": INF}, [-3, -1, 0, 1.5, INF, NAN], [1, 1, 1, 1, 1, 0]),
        ({"min": np.float32(0), "max": np.int64(0)}, [0, 0, 0, 0, 0, NAN], [0, 0, 1, 0, 0, 0]),
        ({"min": 2, "max": 1}, [1, 1, 1, 1, 1, NAN], [0, 0, 0, 0, 0, 0]),
    ],
    ids=str,
)
def test_clamp_by_hand(limits: dict, y: list, dx: list, dtype) -> None:
    x = np.array([-3, -1, 0, 1.5, INF, NAN], dtype)
    found = ops.clamp(x, **limits)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.array(y, dtype))
    np.testing.assert_array_equal(ops.clamp_backward(np.ones_like(x), x, **limits), dx)


def test_limits_are_rounded_to_the_type_of_x() -> None:
    x = np.array([0.1], np.float32)
    np.testing.assert_array_equal(ops.clamp_backward(np.ones_like(x), x, max=0.1), 1)
    np.testing.assert_array_equal(ops.clamp(x, max=1e300), x)


# All of them

FUNCTIONS = {name: getattr(ops, name) for name in BY_HAND} | {"clamp": lambda x: ops.clamp(x, -0.55, 0.75)}


def _backward(name: str, dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    if name == "clamp":
        return ops.clamp_backward(dy, x, -0.55, 0.75)
    return getattr(ops, f"{name}_backward")(dy, FUNCTIONS[name](x))


def _input(name: str, shape: tuple[int, ...]) -> np.ndarray:
    x = tie_free(shape, np.random.default_rng(3))
    return np.asarray(np.abs(x) + 0.5) if name == "sqrt" else x


@pytest.mark.parametrize("shape", [(), (7,), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_by_differences(name: str, shape: tuple[int, ...]) -> None:
    gradcheck(FUNCTIONS[name], lambda dy, x: [_backward(name, dy, x)], [_input(name, shape)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (1,)], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrays_of_any_shape_stay_arrays(name: str, shape: tuple[int, ...], dtype) -> None:
    x = _input(name, shape).astype(dtype)
    for y in (FUNCTIONS[name](x), _backward(name, x, x)):
        assert isinstance(y, np.ndarray)
        assert (y.shape, y.dtype) == (shape, dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_memory_layout(name: str, dtype, layout: str) -> None:
    x = _input(name, (2, 3, 4, 5)).astype(dtype)
    dy = np.cos(x)
    given = LAYOUTS[layout](x), LAYOUTS[layout](dy)
    y, dx = FUNCTIONS[name](given[0]), _backward(name, given[1], given[0])
    assert y.dtype == dx.dtype == dtype
    np.testing.assert_allclose(y, FUNCTIONS[name](x), rtol=1e-6)
    np.testing.assert_allclose(dx, _backward(name, dy, x), rtol=1e-5)
    np.testing.assert_array_equal(given[0], x)
    np.testing.assert_array_equal(given[1], dy)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_result_is_no_view_of_the_input(name: str) -> None:
    x = _input(name, (4,))
    assert not np.shares_memory(FUNCTIONS[name](x), x)
    assert not np.shares_memory(_backward(name, x, x), x)
