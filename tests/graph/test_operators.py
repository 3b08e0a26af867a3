"""Methods and operators that values and parameters share, and when parameters are recorded."""

import threading

import numpy as np
import pytest

from fastcnn import graph, nn
from fastcnn.errors import DTypeError
from fastcnn.nn import functional as F

from .models import Formula, check_gradients, normal, passes

# Name: of a tensor of the shape (3, 4).
METHODS = {
    "reshape": lambda x: x.reshape(2, -1),
    "view": lambda x: x.view(2, 6),
    "flatten": lambda x: x.flatten(),
    "permute": lambda x: x.permute(1, 0),
    "mean": lambda x: x.mean(1),
    "sum": lambda x: x.sum(0, keepdim=True),
    "amax": lambda x: x.amax(dim=-1),
    "split": lambda x: x.split(2)[0],
    "chunk": lambda x: x.chunk(2, 1)[1],
    "part": lambda x: x[1:, ::2],
    "negative": lambda x: -x,
    "iteration": lambda x: [row * 2 for row in x][1],
}


@pytest.mark.parametrize("name", METHODS)
def test_a_value_and_a_parameter_do_the_same(name):
    function, x = METHODS[name], normal(3, 4)
    expected = Formula(function)(x)
    np.testing.assert_array_equal(function(nn.Parameter(x)), expected)
    np.testing.assert_array_equal(Formula(lambda w: function(w), x)(), expected)
    check_gradients(function, [x])
    check_gradients(lambda x, w: function(x) + function(w), [x], [x + 0.5])


def test_unpacking():
    y, dx = passes(lambda x: (lambda a, b, c: a + 2 * b + 3 * c)(*x), np.ones((3, 2)))
    np.testing.assert_array_equal(y, [6, 6])
    np.testing.assert_array_equal(dx, [[1, 1], [2, 2], [3, 3]])
    with pytest.raises(TypeError, match="unsized"):
        passes(lambda x: list(x), np.ones(()))


def test_assignments_with_an_operator_make_new_values():
    def function(x):
        first = x
        x += 1
        x *= x
        x -= first
        x /= 2
        x **= 2
        return x

    check_gradients(function, [normal(3)])
    x = np.ones(3)
    passes(function, x)
    np.testing.assert_array_equal(x, 1)


def test_parameters_are_recorded_in_a_call_alone():
    weight = nn.Parameter(np.ones(2))
    assert isinstance(weight * 2, np.ndarray)
    seen = []
    model = Formula(lambda x, w: seen.append(w * 2) or x * seen[-1], weight.data)
    model(np.ones(2))
    assert isinstance(seen[0], graph.Value)
    assert isinstance(model.a * 2, np.ndarray)


def test_a_parameter_is_not_recorded_in_the_call_of_another_thread():
    seen = []

    def function(x, w):
        thread = threading.Thread(target=lambda: seen.append(w * 2))
        thread.start()
        thread.join()
        return x * w

    Formula(function, np.ones(2))(np.ones(2))
    assert isinstance(seen[0], np.ndarray)


def test_a_parameter_used_twice_adds_its_gradients():
    model = Formula(lambda x, w: (x * w + w).sum() * w.mean(), np.array([2.0, 3]))
    y = model(np.array([1.0, 10]))
    assert y == (2 + 30 + 5) * 2.5
    model.backward(np.ones(()))
    np.testing.assert_array_equal(model.a.grad, [2 * 2.5 + 37 / 2, 11 * 2.5 + 37 / 2])


def test_a_frozen_parameter_is_a_constant():
    model = Formula(lambda x, w: F.exp(x * w), np.ones(2)).requires_grad_(False)
    dx = model.backward(np.ones_like(model(np.zeros(2))))
    np.testing.assert_array_equal(dx, 1)
    assert model.a.grad is None


def test_numpy_does_not_take_a_parameter_for_an_object():
    weight, x = nn.Parameter(np.ones(2)), np.ones(2)
    for function in (
        lambda: np.exp(weight),
        lambda: np.add(x, x, out=weight),
        lambda: np.add.reduce(weight),
    ):
        with pytest.raises(TypeError, match="Parameter"):
            function()
    for function in (np.asarray, np.linalg.norm, np.std):
        with pytest.raises(DTypeError, match=r"NumPy would not know its gradient: .* are p.data"):
            function(weight)
    np.testing.assert_array_equal(np.multiply(2 * x, weight), 2)


def test_what_is_no_operand_is_refused_on_both_sides():
    for function in (lambda w: w + "a", lambda w: [1] * w, lambda w: w / None, lambda w: {} - w):
        with pytest.raises(DTypeError, match="an operand must be a tensor, an array or a number"):
            function(nn.Parameter(np.ones(2)))
