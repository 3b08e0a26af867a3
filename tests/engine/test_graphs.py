"""Compiled graphs of every form do what eager mode does."""

import copy
import logging
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn, optim
from fastcnn.engine import Plan
from fastcnn.engine.fuse import fuse
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.loss import Loss
from fastcnn.engine.nodes.merge import Add

from ..nn.forwards import Block, Inception, Shared, UNet
from .graphs import random_graph
from .networks import freeze, layouts_of
from .test_engine_equals_eager import assert_near, assert_same_gradients
from .test_several_inputs import assert_same_passes, of_all

relaxed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]
seeds = st.integers(0, 2**32 - 1)


def assert_same_as_eager(model, shape, batch, seed=0, input_gradient=True):
    """Two steps with gradients added up, then a prediction, in float64."""
    model.double().reseed(seed)
    reference, rng = copy.deepcopy(model), np.random.default_rng(seed)
    compiled = fastcnn.compile(model, input_gradient=input_gradient)
    for size in (batch, batch // 2 + 1):
        x = rng.standard_normal((size, *shape))
        want = reference(x)
        got = compiled(x)
        assert isinstance(compiled._last, Plan)
        assert_near(got, want, 1e-9, 0.01, "output")
        dy = rng.standard_normal(want.shape)
        dx, dx_wanted = compiled.backward(dy), reference.backward(dy)
        assert (dx is None) == (not input_gradient)
        assert_same_gradients(model, reference, 1e-9, dx, dx_wanted)
    for (name, got), (_, want) in zip(model.named_buffers(), reference.named_buffers(), strict=True):
        assert_near(got, want, 1e-9, 0.1, name)
    assert_near(compiled.predict(x), reference.predict(x, engine=False), 1e-9, 0.01, "prediction")


def runs(model, x):
    """Tell whether the graph is one that the engine takes."""
    return isinstance(fastcnn.compile(model)._plans.find(model, x), Plan)


def zeros(shape, batch):
    return np.zeros((batch, *shape), np.float32)


@pytest.mark.parametrize("frozen", [False, True])
@settings(max_examples=150, suppress_health_check=relaxed, deadline=None)
@given(seeds)
def test_random_graphs(isa, frozen, seed):
    model, shape, batch = random_graph(seed)
    if frozen:
        freeze(model, seed)
    assume(runs(model, zeros(shape, batch)))
    assert_same_as_eager(model, shape, batch, seed, input_gradient=seed % 2 == 0)


@settings(max_examples=150, suppress_health_check=relaxed, deadline=None)
@given(seeds)
def test_random_graphs_of_several_inputs_and_outputs(isa, seed):
    model, shapes, batch = random_graph(seed, several=True)
    rng = np.random.default_rng(seed)
    inputs = [rng.standard_normal((batch, *shape)) for shape in shapes]
    assume(runs(model.double().reseed(seed), tuple(inputs)))
    assert_same_passes(model, inputs, of_all)


@settings(max_examples=60, suppress_health_check=relaxed, deadline=None)
@given(seeds)
def test_steps_in_each_layout(isa, seed):
    """The program of a whole step leaves the gradients of eager mode."""
    model, shape, batch = random_graph(seed)
    assume(runs(model, zeros(shape, batch)))
    model.double().reseed(seed)
    rng = np.random.default_rng(seed)
    x, target = rng.standard_normal((batch, *shape)), rng.integers(0, 3, batch)
    for layout in layouts_of(model, shape):
        own, reference = copy.deepcopy(model), copy.deepcopy(model)
        plan = Plan(own, shape, training=True, batch_size=batch, loss=Loss(), layout=layout)
        results = plan.step(x, target, 1 / batch)
        plan.gradients.hand_out()
        loss = nn.CrossEntropyLoss()
        value = loss(reference(x), target)
        reference.backward(loss.backward())
        np.testing.assert_allclose(results[:, 0].mean(), value, 1e-9)
        assert_same_gradients(own, reference, 1e-9, None, None)


@settings(max_examples=150, suppress_health_check=relaxed, deadline=None)
@given(seeds)
def test_random_graphs_with_filtered_windows(isa, filtered, seed):
    model, shape, batch = random_graph(seed)
    assume(runs(model, zeros(shape, batch)))
    assert_same_as_eager(model, shape, batch, seed)


def test_nearly_all_graphs_run_compiled():
    graphs = [(*random_graph(seed, several), several) for seed in range(200) for several in (False, True)]
    taken = [
        runs(model, tuple(zeros(each, batch) for each in shape) if several else zeros(shape, batch))
        for model, shape, batch, several in graphs
    ]
    assert sum(taken) > 380


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), Block(2, 4, 2), Block(4, 4, 1), nn.Flatten()), (1, 9, 9)),
        (lambda: nn.Sequential(Inception(), nn.ReLU(), behind(8)), (2, 6, 6)),
        (
            lambda: nn.Sequential(
                nn.Residual(nn.Conv2d(2, 3, 3, 2, 1), nn.Conv2d(2, 3, 1, 2)), nn.ReLU(), nn.Flatten()
            ),
            (2, 5, 5),
        ),
        (lambda: nn.Sequential(nn.ReLU(), nn.Conv2d(2, 2, 1), nn.ReLU(), nn.Flatten()), (2, 4, 4)),
        (lambda: UNet(3, F.relu), (1, 8, 6)),
    ],
)
def test_networks(isa, model, shape):
    assert_same_as_eager(model().initialize("kaiming_normal", 1), shape, 11)


def behind(channels):
    """Return what stands behind an Inception block."""
    return nn.Sequential(nn.Conv2d(channels, 3, 3), nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def test_shared_layers(isa):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)
            self.linear = nn.Linear(2, 2)

        def forward(self, x):
            y = F.relu(self.norm(self.conv(x)))
            y = F.relu(self.norm(self.conv(y)) + x)
            return self.linear(self.linear(y.mean((2, 3))))

    assert_same_as_eager(Twice().initialize("kaiming_normal", 2), (2, 5, 5), 9)


def test_a_training_with_blocks_is_the_same_for_any_number_of_threads(caplog):
    def trained(threads):
        fastcnn.set_num_threads(threads)
        model = nn.Sequential(nn.Conv2d(1, 4, 3), Block(4, 8, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        model.append(nn.Linear(8, 3)).initialize(seed=0)
        trainer = fastcnn.Trainer(model, optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())
        rng = np.random.default_rng(0)
        for _ in range(3):
            trainer.train_step(rng.standard_normal((70, 1, 8, 8)).astype(np.float32), rng.integers(0, 3, 70))
        return model.state_dict()

    with caplog.at_level(logging.WARNING):
        first, second = trained(1), trained(2)
    assert not caplog.records  # it runs compiled
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


def test_what_has_no_program_says_why_and_where(caplog):
    class Net(nn.Module):
        def __init__(self, forward):
            super().__init__()
            self.linear, self.rng = nn.Linear(3, 3), np.random.default_rng(0)
            self.__dict__["act"] = forward

        def forward(self, x):
            return self.linear(self.act(self, x))

    def branch(net, x):
        return x if x.numpy().sum() > 0 else -x

    cases = {
        r"numpy\(\) of a value: forward depends on data .*test_graphs.py:\d+": branch,
        "sum over the batch .*test_graphs.py": lambda net, x: x * x.sum().detach(),
        r"numpy.tanh was called on a value .*test_graphs.py:\d+": lambda net, x: np.tanh(x),
        "forward draws random numbers": lambda net, x: x * float(net.rng.random() > 2),
        r"the size of the batch was looked at .*test_graphs.py:\d+": lambda net, x: x / x.shape[0],
        "softmax over the batch": lambda net, x: F.softmax(x, 0),
        "sum over the batch": lambda net, x: x + x.sum(0, keepdim=True),
        "a part of the batch": lambda net, x: fastcnn.cat((x[:1], x[1:])),
        r"an array is used that is no parameter .*test_graphs.py:\d+": lambda net, x: (
            x + np.ones(3, np.float32)
        ),
        "forward raised KeyError": lambda net, x: {}["missing"] if len(x.shape) else x,
    }
    for reason, act in cases.items():
        model = Net(act).initialize(seed=0)
        caplog.clear()
        found = fastcnn.compile(model)._plans.find(model, np.ones((2, 3), np.float32))
        assert not isinstance(found, Plan)
        assert re.search(reason, found.reason), found.reason
        if "KeyError" in reason:
            with pytest.raises(KeyError):
                model.predict(np.ones((2, 3), np.float32))
            continue
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                model.predict(np.ones((2, 3), np.float32))
        assert len(caplog.records) == 1


def test_random_numbers_of_a_trace_are_put_back():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.rng = np.random.default_rng(0)

        def forward(self, x):
            return x * float(self.rng.random()) * float(np.random.random())

    model, x = Noisy(), np.ones((2, 3), np.float32)
    np.random.seed(0)
    got = model.predict(x)
    np.random.seed(0)
    want = np.random.default_rng(0).random() * np.random.random()
    np.testing.assert_allclose(got, np.full((2, 3), want), 1e-6)


def test_a_changed_attribute_is_seen():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.skip = nn.Linear(3, 3), False

        def forward(self, x):
            y = F.relu(self.linear(x))
            return y + x if self.skip else y

    model, x = Net().initialize(seed=0), np.ones((2, 3), np.float32)
    plain = model.predict(x)
    model.skip = True
    np.testing.assert_allclose(model.predict(x), plain + x, 1e-6)
    model.skip = False
    np.testing.assert_array_equal(model.predict(x), plain)


def test_shared_by_the_engine_too():
    """Where a step has no form, here tanh, the network runs eagerly."""
    model = Shared().initialize(seed=1)
    x = np.random.default_rng(0).standard_normal((4, 2, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x), model.predict(x, engine=False), 1e-5)


def test_flattened_values_of_other_sizes_are_added_by_element():
    class Net(nn.Module):
        def __init__(self, second, features):
            super().__init__()
            self.first, self.second = nn.Conv2d(2, 2, (1, 3)), second
            self.linear = nn.Linear(features, 3)

        def forward(self, x):
            return self.linear(self.first(x).flatten(1) + self.second(x).flatten(1))

    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((4, 2, 4, 4)), rng.standard_normal((4, 3))
    for second in (nn.Conv2d(2, 2, (3, 1)), nn.Sequential(nn.Flatten(), nn.Linear(32, 16))):
        model = Net(second, 16).double().initialize(seed=0)
        reference, compiled = copy.deepcopy(model), fastcnn.compile(model, input_gradient=True)
        assert_near(compiled(x), reference(x), 1e-9, 0.01, "output")
        assert_same_gradients(model, reference, 1e-9, compiled.backward(dy), reference.backward(dy))
        assert_near(model.predict(x), reference.predict(x, engine=False), 1e-9, 0.01, "prediction")


def test_dropout_that_forward_asks_for_in_evaluation_mode(caplog):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.sample = nn.Linear(3, 100), False

        def forward(self, x):
            return F.dropout(self.linear(x), 0.5, training=self.sample)

    model, x = Net().initialize(seed=0).eval(), np.ones((2, 3), np.float32)
    compiled = fastcnn.compile(model)
    for sample in (False, True, False, True):
        model.sample = sample
        for y in (model(x), model.predict(x), compiled(x), compiled.predict(x)):
            assert (y == 0).any() == sample
    assert "Dropout that trains in evaluation mode" in caplog.text


def test_sums_of_several_values():
    """They are one sum, in which a value may stand several times, and whose gradients are each term's own."""

    class Sums(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.wide = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 5, padding=2)
            self.linear = nn.Linear(3 * 6 * 5, 4)

        def forward(self, x):
            a, b = self.conv(x), self.wide(x)
            y = F.relu(a + b + x + a + a)
            z = x + (y + a + self.wide(y))
            return self.linear(fastcnn.flatten(z + z + z, 1))

    model = Sums()
    sums = [node for node in fuse(lower(model, (3, 6, 5), True)).nodes if isinstance(node, Add)]
    assert [len(node.inputs) for node in sums] == [5, 4, 3]
    assert_same_as_eager(model, (3, 6, 5), 9)
