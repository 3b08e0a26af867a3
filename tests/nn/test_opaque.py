"""Modules with a backward of their own inside others that have none."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import DTypeError, ShapeError

from ..graph.models import passes


class InPlace(nn.Module):
    """ReLU as many write it: the gradient is changed where it stands."""

    def forward(self, x):
        self.saved = x > 0
        return x * self.saved

    def backward(self, dy):
        dy *= self.saved
        return dy


@pytest.mark.parametrize(
    ("function", "dx"),
    [
        (lambda layer, x: x + layer(x), [1, 2]),
        (lambda layer, x: layer(x) + x, [1, 2]),
        (lambda layer, x: layer(x) + layer(-x), [-1, 1]),
        (lambda layer, x: layer(x).sum(), [0, 1]),  # whose gradient is one number, seen as many
    ],
)
def test_a_backward_may_write_into_its_gradient(function, dx):
    layer = InPlace()
    _, found = passes(lambda x: function(layer, x), np.array([-2.0, 3]))
    np.testing.assert_array_equal(found, dx)


def test_the_gradient_that_the_user_gave_stays_as_it_is():
    layer, dy = InPlace(), np.ones(2)
    passes(lambda x: layer(x), np.array([-2.0, 3]), dy=dy)
    np.testing.assert_array_equal(dy, 1)


class Product(nn.Module):
    """A module of two inputs and two outputs."""

    def forward(self, a, b):
        self.saved = a, b
        return a * b, a + b

    def backward(self, dys):
        (a, b), (product, total) = self.saved, dys
        return product * b + total, product * a + total


def test_several_inputs_and_outputs():
    layer = Product()

    def function(x, y):
        product, total = layer(x, y)
        return product * 10 + total * x

    x, y = np.array([2.0]), np.array([5.0])
    found, grads = passes(function, x, y)
    np.testing.assert_array_equal(found, [100 + 14])
    np.testing.assert_array_equal(grads, [[50 + 2 + 7], [20 + 2]])
    _, grads = passes(lambda x, y: layer(x, y)[0], x, y)
    np.testing.assert_array_equal(grads, [[5], [2]])


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (lambda dy: None, DTypeError, r"a float64 array of the shape \(2,\); got None"),
        (lambda dy: [1.0, 2.0], ShapeError, "must return a gradient for each of 1 inputs, got 2"),
        (lambda dy: 1.0, DTypeError, r"a float64 array of the shape \(2,\); got float"),
        (lambda dy: dy[:1], ShapeError, r"a float64 array of the shape \(2,\); got the shape \(1,\)"),
        (lambda dy: dy.astype("f4"), DTypeError, r"a float64 array of the shape \(2,\); got float32"),
        (
            lambda dy: (dy, dy),
            ShapeError,
            r"Own\.backward must return a gradient for each",
        ),
    ],
)
def test_a_backward_that_returns_something_else(made, error, message):
    class Own(nn.Module):
        def forward(self, x):
            return x * 2

        def backward(self, dy):
            return made(dy)

    own = Own()
    with pytest.raises(error, match=message):
        passes(lambda x: own(x) * 1, np.ones(2))


def test_a_forward_that_returns_no_array():
    class Own(nn.Module):
        def forward(self, x):
            return 3.0

        def backward(self, dy):
            return dy

    own = Own()
    with pytest.raises(DTypeError, match=r"Own\.forward must return arrays, got float"):
        passes(lambda x: own(x), np.ones(2))
