"""Limits that are tensors: by hand, against differences, and what is refused."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.nn import functional as F

from .models import check_gradients, normal, passes

NAN = np.nan


def test_by_hand():
    x, low, high = np.array([-2.0, 0, 2, 5, 5]), np.array([-1.0, -1, -1, 7, 4]), np.array([1.0, 1, 1, 6, 4])
    y, (dx, dlow, dhigh) = passes(F.clamp, x, low, high)
    np.testing.assert_array_equal(y, [-1, 0, 1, 6, 4])
    np.testing.assert_array_equal(dx, [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(dlow, [1, 0, 0, 0, 0])
    np.testing.assert_array_equal(dhigh, [0, 0, 1, 1, 1])


def test_on_a_limit_the_gradient_is_that_of_x():
    y, grads = passes(F.clamp, np.array([1.0, 2.0]), np.array([1.0, 0.0]), np.array([3.0, 2.0]))
    np.testing.assert_array_equal(y, [1, 2])
    np.testing.assert_array_equal(grads, [[1, 1], [0, 0], [0, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_no_number_stays(dtype):
    x = np.array([NAN, 0, 0, np.inf, -np.inf], dtype)
    low, high = np.array([0, NAN, 0, 0, 0], dtype), np.array([1, 1, NAN, 1, 1], dtype)
    y = F.clamp(x, low, high)
    np.testing.assert_array_equal(y, [NAN, NAN, NAN, 1, 0])
    assert y.dtype == dtype


@pytest.mark.parametrize(
    ("low", "high"), [((2, 3, 4), (2, 3, 4)), ((4,), (3, 1)), ((2, 1, 1), None), (None, (1, 4)), ((), ())]
)
def test_shapes_that_are_broadcast(low, high):
    limits = [None if shape is None else normal(*shape, seed=i + 1) for i, shape in enumerate((low, high))]
    given = [each for each in limits if each is not None]

    def limited(x, *rest):
        rest = iter(rest)
        return F.clamp(x, *(None if each is None else next(rest) for each in limits))

    check_gradients(limited, [normal(2, 3, 4), *given])
    check_gradients(limited, [normal(2, 3, 4)], given)  # parameters


def test_numbers_and_integers_take_the_type_of_x():
    x = np.array([-3, 0.5, 3], np.float32)
    y = F.clamp(x, np.array([-1, 0, 1], np.int32), 2.0)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, [-1, 0.5, 2])


def test_a_model_with_it_runs_eagerly():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.low = nn.Parameter(np.zeros((3, 1, 1), np.float32))

        def forward(self, x):
            return F.clamp(x, self.low)

    net, x = Net(), normal(2, 3, 4, 4).astype(np.float32)
    fast = fastcnn.compile(net, input_gradient=True)
    np.testing.assert_array_equal(fast(x), np.maximum(x, 0))
    np.testing.assert_array_equal(fast.backward(np.ones_like(x)), (x > 0).astype(np.float32))
    np.testing.assert_array_equal(net.low.grad[:, 0, 0], (x < 0).sum((0, 2, 3)))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (([1.0], np.zeros(1)), DTypeError, "clamp: x must be an array or a value of floats, got list"),
        ((np.ones(1), None, np.zeros(1, "f4")), DTypeError, "clamp: max must be float64 as x, got float32"),
        ((np.ones(1), "0", np.zeros(1)), DTypeError, "clamp: min must be a tensor or a number, got str"),
        (
            (np.ones(1), np.zeros(1, complex)),
            DTypeError,
            "clamp: min must be a tensor of numbers, got complex128",
        ),
        (
            (np.ones((2, 3)), np.zeros(2)),
            ShapeError,
            r"clamp: sizes must be equal or 1, got the shapes \(2, 3\) and \(2,\)",
        ),
    ],
)
def test_messages(given, error, message):
    with pytest.raises(error, match=message):
        F.clamp(*given)


def test_there_must_be_a_limit():
    with pytest.raises(ArgumentError, match="clamp: min, max or both must be given"):
        fastcnn.graph.clamp_between(np.ones(1), None, None)
