"""Gradients that are products of two arrays, which nobody has written out yet."""

import copy
import pickle

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.nn.factored import FactoredGradient


def factored(dtype=np.float32, shape=(3, 4)):
    rng = np.random.default_rng(0)
    dy, x = (rng.standard_normal((2, size)).astype(dtype) for size in (3, 4))
    parameter = nn.Parameter(np.zeros(shape, dtype))
    parameter._grad = FactoredGradient(dy, x, shape)
    return parameter, (dy.T.astype(np.float64) @ x.astype(np.float64)).reshape(shape)


def test_by_hand():
    dy, x = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[3.0, 4.0, 5.0], [10.0, 20.0, 30.0]])
    grad = FactoredGradient(dy, x, (2, 3))
    np.testing.assert_array_equal(grad.array(), [[3, 4, 5], [-4, -12, -20]])
    assert grad.factors[0] is dy
    assert grad.factors[1] is x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_parameter_makes_the_array_once(dtype):
    parameter, expected = factored(dtype)
    grad = parameter.grad
    assert (grad.shape, grad.dtype) == (parameter.shape, dtype)
    np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-7)
    grad[...] = 7
    assert parameter.grad is grad


def test_the_shape_is_the_parameters():
    parameter, expected = factored(shape=(3, 1, 2, 2))
    np.testing.assert_allclose(parameter.grad, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda parameter: parameter.accumulate(np.ones((3, 4))), lambda grad: grad + 1),
        (lambda parameter: parameter.zero_grad(set_to_none=False), lambda grad: 0 * grad),
        (lambda parameter: setattr(parameter, "grad", 2 * parameter.grad), lambda grad: 2 * grad),
        (lambda parameter: setattr(parameter, "grad", np.ones((3, 4))), lambda grad: 0 * grad + 1),
    ],
    ids=["accumulate", "zero_grad", "doubled", "assigned"],
)
def test_changes(change, expected):
    parameter, grad = factored()
    change(parameter)
    np.testing.assert_allclose(parameter.grad, expected(grad), rtol=1e-6, atol=1e-6)


def test_forgotten():
    parameter, _ = factored()
    parameter.zero_grad()
    assert parameter.grad is None


@pytest.mark.parametrize("remake", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_copies_have_it(remake):
    parameter, expected = factored()
    other = remake(parameter)
    parameter._grad.x[...] = 0
    np.testing.assert_allclose(other.grad, expected, rtol=1e-6, atol=1e-7)
