"""Slopes that are learned, in programs: for channels, for features, and one for all."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan

LAYOUTS = ["images", "channels"]
MODELS = {
    "channels": lambda: [nn.Conv2d(2, 19, 3), nn.PReLU(19), nn.Conv2d(19, 2, 1), nn.PReLU(2)],
    "one": lambda: [nn.Conv2d(2, 19, 3), nn.PReLU(), nn.Conv2d(19, 2, 1), nn.PReLU()],
    "of one channel": lambda: [nn.Conv2d(2, 1, 3), nn.PReLU(1)],
    "features": lambda: [nn.Flatten(), nn.Linear(180, 21), nn.PReLU(21), nn.Linear(21, 3), nn.PReLU()],
    "each pixel": lambda: [nn.Conv2d(2, 2, 3), nn.Flatten(), nn.PReLU(112), nn.Linear(112, 2)],
    "behind a sigmoid": lambda: [nn.Conv2d(2, 5, 3), nn.Sigmoid(), nn.BatchNorm2d(5), nn.PReLU()],
    "first": lambda: [nn.PReLU(2), nn.Conv2d(2, 2, 3)],
}


def network(name, seed=0):
    model = nn.Sequential(*MODELS[name]()).double()
    rng = np.random.default_rng(seed)
    for module in model.modules():
        if isinstance(module, nn.PReLU):
            module.weight.data[...] = rng.uniform(-0.5, 1.5, module.weight.shape)
    return model


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 5, 37])
@pytest.mark.parametrize("name", MODELS)
def test_a_step_is_that_of_eager_mode(isa, name, batch, layout):
    model, rng = network(name), np.random.default_rng(1)
    x = rng.standard_normal((batch, 2, 9, 10))
    y = model(x)
    dy = rng.standard_normal(y.shape)
    wanted = [model.backward(dy), *(p.grad for p in model.parameters())]
    model.zero_grad()
    options = {"batch_size": batch, "layout": layout}
    plan = Plan(model, x.shape[1:], training=True, input_gradient=True, **options)
    np.testing.assert_allclose(plan.forward(x), y, rtol=1e-9, atol=1e-11)
    largest = max(np.abs(each).max() for each in wanted)
    for got, want in zip([plan.backward(dy), *(p.grad for p in model.parameters())], wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-11 * largest)
    predicted = Plan(model.eval(), x.shape[1:], training=False, **options).forward(x)
    np.testing.assert_allclose(predicted, model(x), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_special_values(layout):
    """A NaN propagates, infinities have their slope, zeros pass as they are."""
    model = nn.Sequential(nn.PReLU(3), nn.Conv2d(3, 3, 1, groups=3, bias=False))
    model[0].weight.data[...] = 0.5, -2, 0.25
    model[1].weight.data[...] = 1
    x = np.zeros((1, 3, 1, 5), np.float32)
    x[0, :, 0] = np.nan, np.inf, -np.inf, 0.0, -4.0
    y = Plan(model, x.shape[1:], training=False, batch_size=1, layout=layout).forward(x)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(y, nn.PReLU.forward(model[0], x))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["one", "channels"])
def test_the_same_bits_for_any_number_of_threads(name, layout):
    x = np.random.default_rng(0).standard_normal((70, 2, 9, 10)).astype(np.float32)
    found = []
    for threads in (1, 2, 3, 8):
        fastcnn.set_num_threads(threads)
        nn.init.manual_seed(3)
        model = network(name).astype(np.float32)
        plan = Plan(model, x.shape[1:], training=True, batch_size=70, layout=layout)
        y = plan.forward(x)
        plan.backward(y)
        found.append([y.tobytes(), *(p.grad.tobytes() for p in model.parameters())])
    assert all(each == found[0] for each in found)
