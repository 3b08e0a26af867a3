"""What a forward does beside computing happens as often as the model is called."""

import logging
import random
import threading

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.engine import Plan

X = np.ones((2, 3), np.float32)
shared = np.random.default_rng(0)


class Net(nn.Module):
    """A linear layer, and what a forward does beside it."""

    def __init__(self, act):
        super().__init__()
        self.linear, self.count, self.kept, self.rngs = nn.Linear(3, 3), 0, None, [random.Random(0)]
        self.register_buffer("seen", np.zeros((), np.int64))
        self.__dict__["act"] = act

    def forward(self, x):
        y = self.linear(x)
        made = self.act(self, y)
        return y if made is None else made


def counts(net, y):
    net.count += 1
    net.seen += 1
    net.extra = net.count


def counts_and_looks(net, y):
    counts(net, y)
    return F.relu(y) if y.numpy().sum() > 1e9 else y


@pytest.mark.parametrize("act", [counts, counts_and_looks])
def test_a_trace_assigns_nothing(act):
    model = Net(act)
    compiled = fastcnn.compile(model)
    for calls in range(1, 4):
        compiled(X)
        assert (model.count, int(model.seen), model.extra) == (calls, calls, calls)
    model.predict(X)
    assert (model.count, int(model.seen)) == (4, 4)


def test_a_value_that_forward_keeps_is_that_of_the_call(caplog):
    model = Net(lambda net, y: setattr(net, "kept", y)).initialize(seed=0)
    with caplog.at_level(logging.WARNING):
        y = model.predict(X)
    np.testing.assert_array_equal(model.kept.numpy(), y)
    assert "forward changes the attribute kept of Net" in caplog.text


def test_an_attribute_that_stays_the_same_is_no_change():
    def freeze(net, y):
        net.linear.eval()
        net.count = 0

    model = Net(freeze)
    compiled = fastcnn.compile(model)
    compiled(X)  # which puts the layer in evaluation mode
    assert not model.linear.training
    compiled(X)
    assert isinstance(compiled._last, Plan)


def test_random_numbers_from_elsewhere():
    around = random.Random(0)
    acts = {
        "a global": lambda net, y: y if shared.random() < 0.5 else y + y,
        "a variable around": lambda net, y: y if around.random() < 0.5 else y + y,
        "in a list": lambda net, y: y if net.rngs[0].random() < 0.5 else y + y,
    }
    for act in acts.values():
        model = Net(act).initialize(seed=0)
        compiled = fastcnn.compile(model)
        assert len({float(compiled(X).sum()) for _ in range(20)}) == 2


def test_another_thread_draws_during_a_trace():
    """It keeps what it has drawn, and the model runs compiled."""
    drawn = []

    def act(net, y):
        if not drawn:  # once, as a thread of a loader would now and then
            thread = threading.Thread(target=lambda: drawn.append(np.random.random()))
            thread.start()
            thread.join()

    np.random.seed(0)
    want = np.random.random(2)
    np.random.seed(0)
    model = Net(act)
    compiled = fastcnn.compile(model)
    compiled(X)
    assert isinstance(compiled._last, Plan)
    assert [*drawn, np.random.random()] == list(want)
