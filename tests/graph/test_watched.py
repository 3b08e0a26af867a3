"""Who watches a call is told of each operation, of whose it is, and of the arrays."""

import numpy as np
import pytest

from fastcnn import graph, nn
from fastcnn.nn import calls
from fastcnn.nn import functional as F


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return F.relu(self.layer(x) - 1.0) + x


class Own(nn.Module):
    """A module with a backward of its own, which calls a member."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x) * 2

    def backward(self, dy):
        return self.layer.backward(dy * 2)


def watched(model, x):
    """Return what it is told: names of modules and operations, and the sums of inputs and outputs."""
    told = []

    def watch(module, operation, inputs, outputs):
        assert all(type(each) is np.ndarray for each in (*inputs, *outputs))
        told.append((type(module).__name__, type(operation).__name__, len(inputs), outputs[0].sum()))

    with calls.watched(watch):
        y = model(x)
    return told, y


def test_operations_are_told_in_their_order_with_the_module_that_applies_them():
    model, x = nn.Sequential(Block(), nn.ReLU()).initialize(seed=0), np.float32([[1, -2], [3, 4]])
    told, y = watched(model, x)
    names = [(module, operation, inputs) for module, operation, inputs, _ in told]
    assert names == [
        ("Linear", "Linear", 3),
        ("Block", "Subtract", 2),
        ("Block", "ReLU", 1),
        ("Block", "Add", 2),
        ("ReLU", "ReLU", 1),
    ]
    assert told[-1][-1] == y.sum()
    assert np.array_equal(y, model(x))


def test_what_is_watched_can_still_go_backward():
    model, x = Block().initialize(seed=0), np.float32([[1, -2], [3, 4]])
    _, y = watched(model, x)
    dx = model.backward(np.ones_like(y))
    model(x)
    assert np.array_equal(dx, model.backward(np.ones_like(y)))


def test_a_module_with_a_backward_of_its_own_is_one_operation_and_its_members_are_told_first():
    told, _ = watched(nn.Sequential(Own()).initialize(seed=0), np.ones((1, 2), np.float32))
    assert [each[:2] for each in told] == [("Linear", "Linear"), ("Own", "Opaque")]


def test_nobody_is_told_afterwards():
    told = []
    model = nn.ReLU()
    with pytest.raises(ZeroDivisionError):
        watch_and_fail(model, told)
    model(np.ones(2, np.float32))
    assert len(told) == 1


def watch_and_fail(model, told):
    with calls.watched(lambda *each: told.append(each)):
        model(np.ones(2, np.float32))
        raise ZeroDivisionError


def test_an_error_leaves_the_stack_of_modules_as_it_was():
    class Broken(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError

    class Tries(nn.Module):
        def __init__(self):
            super().__init__()
            self.broken = Broken()

        def forward(self, x):
            try:
                return self.broken(x)
            except ZeroDivisionError:
                return F.relu(x)

    told, _ = watched(Tries(), np.ones(2, np.float32))
    assert [each[:2] for each in told] == [("Tries", "ReLU")]
    assert isinstance(graph.WatchedTape(True, None, None, print), graph.Tape)
