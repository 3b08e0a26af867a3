"""Stochastic depth in programs, against eager mode."""

import copy

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.fuse import fuse
from fastcnn.engine.lower import lower

from ..test_engine_equals_eager import assert_near

SHAPE = (3, 6, 5)


class Block(nn.Module):
    """A convolution, what may follow it, and stochastic depth, beside the input."""

    def __init__(self, *after, p=0.4, mode="row"):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), *after, nn.StochasticDepth(p, mode))
        self.head = nn.Linear(90, 4)

    def forward(self, x):
        return self.head(fastcnn.flatten(x + self.body(x), 1))


BODIES = {
    "alone": lambda: (),
    "behind a normalisation": lambda: (nn.BatchNorm2d(3),),
    "behind ReLU": lambda: (nn.ReLU(),),
    "behind SiLU": lambda: (nn.SiLU(),),
    "behind both": lambda: (nn.BatchNorm2d(3), nn.ReLU()),
    "behind both, smooth": lambda: (nn.BatchNorm2d(3), nn.SiLU()),
}


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("mode", ["row", "batch"])
@pytest.mark.parametrize("body", BODIES)
def test_agrees_with_eager_mode(isa, body, mode, layout):
    model = Block(*BODIES[body](), mode=mode).double().initialize(seed=1).reseed(3)
    reference, rng = copy.deepcopy(model), np.random.default_rng(0)
    plan = Plan(model, SHAPE, training=True, batch_size=11, layout=layout, input_gradient=True)
    for size in (11, 5, 1) if "both" not in body and "norm" not in body else (11, 5):
        x = rng.standard_normal((size, *SHAPE))
        got, want = plan.forward(x), reference(x)
        assert_near(got, want, 1e-12, 0.01, "output")
        dy = rng.standard_normal(want.shape)
        assert_near(plan.backward(dy), reference.backward(dy), 1e-10, 0.01, "dx")
        for (name, p), q in zip(model.named_parameters(), reference.parameters(), strict=True):
            assert_near(p.grad, q.grad, 1e-10, 0.01, name)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_extremes(p):
    model = Block(nn.ReLU(), p=p).initialize(seed=1).reseed(3)
    compiled, reference = fastcnn.compile(model), copy.deepcopy(model)
    x = np.random.default_rng(0).standard_normal((4, *SHAPE)).astype(np.float32)
    np.testing.assert_allclose(compiled(x), reference(x), rtol=1e-5, atol=1e-6)
    assert isinstance(compiled._last, Plan)


def test_it_joins_a_normalisation_and_no_pool():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.StochasticDepth(0.5, "row"), nn.MaxPool2d(2)
    )
    kinds = [type(node).__name__ for node in fuse(lower(model, SHAPE, training=True)).nodes]
    assert kinds == ["Conv", "Apply", "Pool"]


def test_another_mode_is_another_program():
    model = Block(p=0.5).reseed(3)
    compiled = fastcnn.compile(model)
    x = np.ones((8, *SHAPE), np.float32)
    compiled(x)
    first = compiled._last
    model.body[-1].mode = "batch"
    again = copy.deepcopy(model)
    np.testing.assert_allclose(compiled(x), again(x), rtol=1e-5, atol=1e-6)
    assert compiled._last is not first


def test_nothing_is_dropped_in_predictions():
    model = Block(nn.BatchNorm2d(3), p=0.9)
    x = np.random.default_rng(0).standard_normal((5, *SHAPE)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x), model.eval()(x), rtol=1e-5, atol=1e-6)
