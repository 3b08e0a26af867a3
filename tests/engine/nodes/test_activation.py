"""Activations in programs: alone and wherever they join another node, in both layouts."""

import copy

import numpy as np
import pytest

import fastcnn
from fastcnn import graph, nn
from fastcnn._kernels.elementwise import ACTIVATIONS
from fastcnn.engine import Plan
from fastcnn.engine.fuse import fuse
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.loss import Loss
from fastcnn.engine.nodes.norm_pool import NormPool
from fastcnn.nn import functional as F

from ...graph.activations import CASES
from ..test_engine_equals_eager import assert_near, assert_same_gradients

# Every activation that kernels have, with settings that matter.
EVERY = {
    f"{name} {given}": case.operation(**given)
    for name, case in CASES.items()
    for given in (case.given, *case.others)
} | {"erf": graph.Erf(), "exp": graph.Exp(), "clamp": graph.Clamp(-0.4, 0.7)}
SHAPE = (3, 8, 6)
every = pytest.mark.parametrize("name", EVERY)


class Apply(nn.Module):
    """An activation as a layer."""

    def __init__(self, operation):
        super().__init__()
        self.operation = operation

    def forward(self, x):
        return graph.apply(self.operation, x)


def norm(channels):
    layer = nn.BatchNorm2d(channels)
    rng = np.random.default_rng(channels)
    layer.weight.data[...] = rng.uniform(-2, 2, channels)
    layer.bias.data[...] = rng.uniform(-1, 1, channels)
    layer.running_mean[...] = rng.uniform(-1, 1, channels)
    return layer


def networks(act):
    """Return networks with an activation in each place that it may join, and how many nodes each has."""
    conv, head = nn.Conv2d(3, 4, 3, padding=1), (nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))
    gates = act().operation.gates
    return {
        "alone": ([act(), nn.Flatten(), nn.Linear(144, 3)], 2),
        "a convolution": ([conv, act(), *head], 3),
        "a convolution of groups": ([conv, nn.Conv2d(4, 4, 3, groups=2), act(), *head], 4),
        "a depthwise convolution": ([conv, nn.Conv2d(4, 4, 3, groups=4), act(), *head], 4),
        "a wide convolution": ([nn.Conv2d(3, 37, (3, 1), stride=2), act(), nn.Conv2d(37, 4, 2), *head], 4),
        "a bias for each position": (
            [nn.Conv2d(3, 4, 1, bias=False), nn.PositionBias((4, 8, 6)), act(), *head],
            3,
        ),
        "a linear layer": ([nn.Flatten(), nn.Linear(144, 11), act(), nn.Linear(11, 3)], 2),
        "a large linear layer": ([nn.Flatten(), nn.Linear(144, 260), act(), nn.Linear(260, 3), act()], 2),
        "a sum": ([conv, nn.Residual(nn.Conv2d(4, 4, 1)), act(), *head], 5),
        "a concatenation": ([nn.DenseResidual(nn.Conv2d(3, 1, 1)), act(), *head], 5),
        "a normalisation": ([conv, norm(4), act(), *head], 4),
        "a normalisation and pooling": ([conv, norm(4), act(), nn.MaxPool2d(2), *head], 4),
        "pooling": ([conv, act(), nn.MaxPool2d(3, 2, 1), *head], 4),
        "a normalisation behind": ([conv, act(), norm(4), *head], 4),
        "twice": ([conv, act(), act(), *head], 4),
        "dropout": ([conv, act(), nn.Dropout(0.4), *head], 4),
        "a normalisation and dropout": ([conv, norm(4), act(), nn.Dropout(0.4), *head], 4 if gates else 5),
        "all of it": ([conv, norm(4), act(), nn.Dropout(0.4), nn.MaxPool2d(2), *head], 4 if gates else 6),
    }


PLACES = networks(lambda: Apply(graph.ReLU()))


def network(name, place):
    fastcnn.manual_seed(7)
    layers, count = networks(lambda: Apply(EVERY[name]))[place]
    return nn.Sequential(*layers).double().reseed(2), count


def test_every_kernel_is_here():
    """And the derivative is one of the output, or of the input, as its class says."""
    # test_functions_of_positive_numbers has numbers that the others take.
    assert {operation.kernel for operation in EVERY.values()} == set(ACTIVATIONS) - {"sqrt", "log"}


@every
@pytest.mark.parametrize("place", PLACES)
def test_where_it_joins(name, place):
    model, count = network(name, place)
    nodes = fuse(lower(model, SHAPE, True)).nodes
    if not EVERY[name].of_output:  # its input must be kept: behind a product it stays alone
        own = sum(isinstance(layer, Apply) for layer in model)
        joined = sum(node.normalization is not None and node.ends_with is not None for node in nodes)
        assert sum(node.only_activation is not None for node in nodes) == own - joined
        assert joined == place.startswith(("a normalisation and", "all of it")) or place == "a normalisation"
        predicts = fuse(lower(model.eval(), SHAPE)).nodes
        assert not any(node.only_activation for node in predicts) or place in (
            "alone",
            "twice",
            "a concatenation",
        )
        return
    assert len(nodes) == count, [type(node).__name__ for node in nodes]
    if place == "a normalisation and pooling":
        assert isinstance(nodes[1], NormPool)


@every
@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("place", PLACES)
def test_training(name, place, layout, isa):
    model, _ = network(name, place)
    reference, rng = copy.deepcopy(model), np.random.default_rng(0)
    plan = Plan(model, SHAPE, training=True, batch_size=9, layout=layout, input_gradient=True)
    for size in (9, 5):
        x = rng.standard_normal((size, *SHAPE))
        y, want = plan.forward(x), reference(x)
        assert_near(y, want, 1e-12, 0.01, "output")
        dy = rng.standard_normal(y.shape)
        assert_same_gradients(model, reference, 1e-10, plan.backward(dy), reference.backward(dy))


@every
@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("place", PLACES)
def test_a_step(name, place, layout):
    """The input's gradient is not asked for: other nodes are the first to have one."""
    model, _ = network(name, place)
    reference, rng = copy.deepcopy(model), np.random.default_rng(0)
    x, target, loss = rng.standard_normal((11, *SHAPE)), np.arange(11) % 3, nn.CrossEntropyLoss()
    plan = Plan(model, SHAPE, training=True, batch_size=11, loss=Loss(), layout=layout)
    plan.step(x, target, 1 / 11)
    plan.gradients.hand_out()
    loss(reference(x), target)
    reference.backward(loss.backward())
    assert_same_gradients(model, reference, 1e-10, None, None)


@every
@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("place", PLACES)
def test_predictions(name, place, layout, isa):
    """Of any batch, of one image on its own, and in bands."""
    model, _ = network(name, place)
    x = np.random.default_rng(0).standard_normal((13, *SHAPE))
    want = model.predict(x, engine=False)
    for size, bands in ((13, 1), (1, 1), (1, 3)):
        if bands > 1 and layout == "images":
            continue
        plan = Plan(model, SHAPE, batch_size=size, layout=layout, bands=bands)
        for start in range(0, 13, size):
            got = plan.forward(np.ascontiguousarray(x[start : start + size]))
            assert_near(got, want[start : start + size], 1e-12, 0.01, "output")


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("function", [F.sqrt, F.log])
@pytest.mark.parametrize("far", [0.25, 0.0])
def test_functions_of_positive_numbers(function, far, layout, isa):
    """At 0, which lanes without an image hold, there is no derivative: sums over images must not see it."""

    class Root(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 4, 3, bias=False), nn.Linear(96, 3)
            self.second = nn.Conv2d(4, 4, 1)

        def forward(self, x):
            made = self.conv(x)
            return self.head(F.flatten(self.second(function(made * made + far)), 1))

    model = Root().double()
    reference, rng = copy.deepcopy(model), np.random.default_rng(0)
    plan = Plan(model, SHAPE, training=True, batch_size=5, layout=layout, input_gradient=True)
    x = rng.standard_normal((5, *SHAPE))
    y, want = plan.forward(x), reference(x)
    assert_near(y, want, 1e-11, 0.01, "output")
    dy = rng.standard_normal(y.shape)
    assert_same_gradients(model, reference, 1e-9, plan.backward(dy), reference.backward(dy))


@pytest.mark.parametrize("layer", [nn.GLU(1), nn.Softmin(1), nn.Softmax2d()], ids=repr)
def test_gates_and_probabilities(layer):
    """They are made of other operations: compiled or not, predictions are the same."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), layer, nn.Conv2d(2 if isinstance(layer, nn.GLU) else 4, 2, 1))
    x = np.random.default_rng(0).standard_normal((5, *SHAPE)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x), model.eval()(x), 1e-5, 1e-6)
