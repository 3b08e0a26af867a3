"""Inputs and outputs of a call, and their gradients."""

import numpy as np
import pytest

from fastcnn import graph, nn
from fastcnn.errors import DTypeError, ShapeError
from fastcnn.nn import functional as F

from .models import Formula, check_gradients, normal, passes

# Several outputs


def test_outputs_in_a_tuple_a_list_and_a_dict():
    x, one, ten = np.array([1.0, 2]), np.ones(2), np.full(2, 10.0)
    for function, dy in [
        (lambda x: (x * 2, x * 3), (one, ten)),
        (lambda x: [x * 2, x * 3], [one, ten]),
        (lambda x: (x * 2, x * 3), [one, ten]),
        (lambda x: {"a": x * 2, "b": x * 3}, {"a": one, "b": ten}),
        (lambda x: {"a": x * 2, "b": x * 3}, {"b": ten, "a": one}),
        (lambda x: (x * 2, [{"c": x * 3}]), (one, [{"c": ten}])),
    ]:
        y, dx = passes(function, x, dy=dy)
        assert type(y) is type(Formula(function)(x))
        np.testing.assert_array_equal(list(graph.leaves(y)), [[2, 4], [3, 6]])
        np.testing.assert_array_equal(dx, [32, 32])


def test_one_output_in_a_container():
    for function, dy in [
        (lambda x: (x * 2,), (np.ones(2),)),
        (lambda x: [x * 2], [np.ones(2)]),
        (lambda x: {"y": x * 2}, {"y": np.ones(2)}),
    ]:
        np.testing.assert_array_equal(passes(function, np.ones(2), dy=dy)[1], [2, 2])


def test_outputs_of_which_one_has_no_gradient():
    function = lambda x: (x * 2, x * 3, x.numpy() > 0)  # noqa: E731
    for dy, dx in [
        ((np.ones(2), None, None), [2, 2]),
        ((None, np.ones(2), None), [3, 3]),
        ((None, None, None), [0, 0]),
    ]:
        np.testing.assert_array_equal(passes(function, np.ones(2), dy=dy)[1], dx)


def test_outputs_that_depend_on_each_other_and_one_value_twice():
    def function(x):
        y = x * x
        return y, y * 2, y, x

    one = np.ones(2)
    _, dx = passes(function, np.array([1.0, 3]), dy=(one, one, one, one))
    np.testing.assert_array_equal(dx, [2 * 4 + 1, 6 * 4 + 1])


# Several inputs


def test_two_inputs():
    check_gradients(lambda x, y: F.tanh(x) * y + x, [normal(2, 3), normal(3)])
    _, (da, db) = passes(lambda x, y: x + y, np.ones(2), np.ones(2))
    da += 1
    np.testing.assert_array_equal(db, 1)


def test_inputs_in_containers_and_by_name():
    class Pairs(nn.Module):
        def forward(self, pair, *, scale, extra=None):
            return pair[0] * pair[1]["x"] * scale

    model, (a, b, c) = Pairs(), np.arange(1.0, 7).reshape(3, 2)
    np.testing.assert_array_equal(model((a, {"x": b}), scale=c), a * b * c)
    grads = model.backward(np.ones(2))
    np.testing.assert_array_equal(grads, [b * c, a * c, a * b])


def test_an_input_twice_is_two_inputs():
    x = np.array([2.0])
    _, grads = passes(lambda x, y: x * y * y, x, x)
    np.testing.assert_array_equal(grads, [[4], [8]])


def test_what_is_no_array_is_no_input():
    class Power(nn.Module):
        def forward(self, x, exponent, name="no"):
            return x**exponent

    model = Power()
    model(np.array([3.0]), 2, name="yes")
    np.testing.assert_array_equal(model.backward(np.ones(1)), [6])


def test_inputs_of_integers_get_zeros():
    _, (dx, none) = passes(lambda x, index: x * (index.numpy() > 1), np.ones(3), np.arange(3))
    np.testing.assert_array_equal(dx, [0, 0, 1])
    assert none.dtype == np.arange(3).dtype
    np.testing.assert_array_equal(none, 0)


def test_gradients_of_inputs_can_be_written_to():
    for function in (lambda x: x.sum(), lambda x: x.mean(), lambda x: x + np.ones(3)):
        _, dx = passes(function, np.ones(3))
        dx += 1
    dy = np.broadcast_to(1.0, 3)
    _, dx = passes(lambda x: x, np.ones(3), dy=dy)
    dx += 1


# Errors


@pytest.mark.parametrize(
    ("dy", "error", "message"),
    [
        (np.ones(3), ShapeError, r"Formula: dy must have the shape \(2,\), got \(3,\)"),
        (np.ones(2, np.float32), DTypeError, "Formula: dy must be float64 as the output, got float32"),
        (np.ones(2, int), DTypeError, "Formula: dy must be float64 as the output, got int64"),
        ([1.0, 2.0], DTypeError, "Formula: dy must be an array, got list"),
        (1.0, DTypeError, "Formula: dy must be an array, got float"),
        (np.float64(1), ShapeError, r"Formula: dy must have the shape \(2,\), got \(\)"),
    ],
)
def test_a_dy_that_is_not_like_the_output(dy, error, message):
    model = Formula(lambda x, w: x * w, np.ones(2))
    model(np.ones(2))
    with pytest.raises(error, match=message):
        model.backward(dy)
    assert model.a.grad is None


def test_dys_that_are_not_like_the_outputs():
    model = Formula(lambda x: (x * 2, x * 3))
    model(np.ones(2))
    for dy, message in [
        (np.ones(2), "Formula: dy must have 2 arrays, as the output, got one ndarray"),
        ((np.ones(2),), "Formula: dy must have 2 arrays, as the output, got 1"),
        ((np.ones(2), np.ones(3)), r"Formula: dy must have the shape \(2,\), got \(3,\)"),
    ]:
        with pytest.raises(ShapeError, match=message):
            model.backward(dy)
