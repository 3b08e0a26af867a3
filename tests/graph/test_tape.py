"""What a call keeps, and the backward pass over it."""

import threading

import numpy as np
import pytest

from fastcnn import graph, nn
from fastcnn.errors import StateError
from fastcnn.nn import functional as F

from .models import Formula, check_gradients, normal, passes

# Values that are used, and not used


def test_a_value_used_many_times_adds_its_gradients():
    def function(x):
        y = F.tanh(x)
        return y + y * y - 2 * y + F.cat([y, y[:1]])[1:] + x

    check_gradients(function, [normal(3, 2)])
    _, dx = passes(lambda x: x + x + x + x, np.ones(2), dy=np.array([1.0, 10]))
    np.testing.assert_array_equal(dx, [4, 40])


def test_adding_leaves_the_gradient_that_came_alone():
    dy = np.array([1.0, 2])
    _, dx = passes(lambda x: (x + x) + (x + 1), np.ones(2), dy=dy)
    np.testing.assert_array_equal(dx, [3, 6])
    np.testing.assert_array_equal(dy, [1, 2])


def test_what_is_made_and_not_used_has_no_part():
    def function(x, w):
        F.exp(x * w)
        first, _ = x.split(1)
        return first * 3

    model = Formula(function, np.ones(()))
    y = model(np.array([1.0, 2]))
    np.testing.assert_array_equal(model.backward(np.ones_like(y)), [3, 0])
    assert model.a.grad is None


def test_an_output_that_does_not_depend_on_the_input():
    model = Formula(lambda x, w: w * 2, np.ones(3))
    y = model(np.ones((2, 2), np.float32))
    dx = model.backward(np.ones_like(y))
    assert dx.dtype == np.float32
    np.testing.assert_array_equal(dx, np.zeros((2, 2)))
    np.testing.assert_array_equal(model.a.grad, [2, 2, 2])


def test_an_output_that_is_an_array_has_no_gradient():
    model = Formula(lambda x: np.arange(3.0))
    np.testing.assert_array_equal(model(np.ones(2)), [0, 1, 2])
    np.testing.assert_array_equal(model.backward(np.ones(3)), [0, 0])


def test_an_output_that_is_the_input():
    y, dx = passes(lambda x: x, np.array([1.0, 2]), dy=np.array([3.0, 4]))
    np.testing.assert_array_equal(y, [1, 2])
    np.testing.assert_array_equal(dx, [3, 4])


def test_a_value_of_no_axes_in_the_middle():
    check_gradients(lambda x: x * F.exp(-F.sqrt((x * x).sum())), [normal(2, 3)])
    check_gradients(lambda x: F.sigmoid(x * 2 * x), [np.array(0.3)])


# Backward again, and without a gradient of the input


def test_backward_twice_adds_twice():
    model = Formula(lambda x, w: F.exp(x * w) + w, np.array([0.5, 1]))
    dy = np.ones_like(model(np.array([1.0, 2])))
    first = model.backward(dy)
    once = model.a.grad.copy()
    np.testing.assert_array_equal(model.backward(dy), first)
    np.testing.assert_array_equal(model.a.grad, 2 * once)
    np.testing.assert_array_equal(dy, 1)


def test_backward_is_of_the_latest_call():
    model = Formula(lambda x: x * x)
    for x in (1.0, 3.0):
        model(np.array([x]))
    np.testing.assert_array_equal(model.backward(np.ones(1)), [6])


def test_without_the_gradient_of_the_input_what_lies_before_the_parameters_has_no_pass():
    passed = []

    class Watched(graph.Operation):
        def forward(self, x):
            return x * 2, None

        def backward(self, dy, saved, wanted):
            passed.append(wanted)
            return (dy * 2,)

    model = Formula(lambda x, w: graph.apply(Watched(), x) * w, np.ones(2))
    dy = np.ones_like(model(np.ones(2)))
    assert model.backward(dy, input_gradient=False) is None
    np.testing.assert_array_equal(model.a.grad, 2)
    assert passed == []
    np.testing.assert_array_equal(model.backward(dy), 2)
    assert passed == [(True,)]


def test_an_operation_of_several_outputs_gets_zeros_for_those_that_are_not_used():
    class Halves(graph.Operation):
        def forward(self, x):
            return (x[:1] * 2, x[1:] * 3), None

        def backward(self, dy, saved, wanted):
            return (np.concatenate([2 * dy[0], 3 * dy[1]]),)

    _, dx = passes(lambda x: graph.apply(Halves(), x)[1], np.ones(3))
    np.testing.assert_array_equal(dx, [0, 3, 3])
    y, dx = passes(lambda x: F.cat(graph.apply(Halves(), x)), np.ones(3))
    np.testing.assert_array_equal(y, [2, 3, 3])
    np.testing.assert_array_equal(dx, [2, 3, 3])


def test_an_operation_with_a_constant_and_one_that_returns_none():
    class Masked(graph.Operation):
        def forward(self, x, mask):
            return x if mask is None else x * mask, mask

        def backward(self, dy, saved, wanted):
            assert wanted == (True, False)
            return (None if saved is None else dy * saved), None

    _, dx = passes(lambda x: graph.apply(Masked(), x, np.array([1.0, 0])), np.ones(2))
    np.testing.assert_array_equal(dx, [1, 0])
    _, dx = passes(lambda x: graph.apply(Masked(), x, None), np.ones(2))
    np.testing.assert_array_equal(dx, [0, 0])


def test_an_operation_without_passes_says_so():
    with pytest.raises(NotImplementedError):
        passes(lambda x: graph.apply(graph.Operation(), x), np.ones(2))


# The tape itself


def test_a_tape_that_keeps_nothing_computes_and_has_no_gradients():
    tape = graph.Tape(keep=False)
    x = tape.input(np.array([2.0]))
    y = x * x + 1
    np.testing.assert_array_equal(y.numpy(), [5])
    np.testing.assert_array_equal(tape.backward({y.index: np.ones(1)}, True), [[0]])


def test_a_closed_tape_takes_no_operations_but_still_has_its_backward_pass():
    tape = graph.Tape()
    x = tape.input(np.array([2.0], np.float32))
    y = x * 3
    tape.close()
    with pytest.raises(StateError, match="a value is used after the call"):
        y + 1
    assert tape.kind(y.index) == ((1,), np.float32)
    np.testing.assert_array_equal(tape.backward({y.index: np.ones(1, np.float32)}, True), [[3]])
    assert tape.backward({y.index: np.ones(1, np.float32)}, False) == []


def test_recording_is_of_one_thread_and_ends():
    weight, tape, elsewhere = nn.Parameter(np.ones(2)), graph.Tape(), []
    with graph.recording(tape):
        assert isinstance(weight * 2, graph.Value)
        with graph.recording(None):
            assert isinstance(weight * 2, np.ndarray)
        thread = threading.Thread(target=lambda: elsewhere.append(weight * 2))
        thread.start()
        thread.join()
    assert isinstance(weight * 2, np.ndarray)
    assert isinstance(elsewhere[0], np.ndarray)


# Errors


def test_backward_before_and_within_a_call():
    model = Formula(lambda x: x)
    with pytest.raises(StateError, match="backward was called before forward: call the module itself"):
        model.backward(np.ones(2))
    within = Formula(lambda x: within.backward(np.ones(2)))
    with pytest.raises(
        StateError, match=r"Formula: backward was called before forward: its call, model\(x\)"
    ):
        within(np.ones(2))
