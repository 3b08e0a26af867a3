"""Slopes that are learned, in programs: for channels, for features, and one for all."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.algorithms import Wanted
from fastcnn.engine.describe import part_of
from fastcnn.engine.fuse import fuse
from fastcnn.engine.lower import lower

LAYOUTS = ["images", "channels"]
MODELS = {
    "channels": lambda: [nn.Conv2d(2, 19, 3), nn.PReLU(19), nn.Conv2d(19, 2, 1), nn.PReLU(2)],
    "one": lambda: [nn.Conv2d(2, 19, 3), nn.PReLU(), nn.Conv2d(19, 2, 1), nn.PReLU()],
    "of one channel": lambda: [nn.Conv2d(2, 1, 3), nn.PReLU(1)],
    "features": lambda: [nn.Flatten(), nn.Linear(180, 21), nn.PReLU(21), nn.Linear(21, 3), nn.PReLU()],
    "each pixel": lambda: [nn.Conv2d(2, 2, 3), nn.Flatten(), nn.PReLU(112), nn.Linear(112, 2)],
    "behind a sigmoid": lambda: [nn.Conv2d(2, 5, 3), nn.Sigmoid(), nn.BatchNorm2d(5), nn.PReLU()],
    "first": lambda: [nn.PReLU(2), nn.Conv2d(2, 2, 3)],
    "depthwise": lambda: [nn.Conv2d(2, 18, 1), nn.Conv2d(18, 18, 3, groups=18), nn.PReLU(18)],
    "groups": lambda: [nn.Conv2d(2, 9, 1), nn.Conv2d(9, 15, 3, groups=3), nn.PReLU(15)],
    "groups, one": lambda: [nn.Conv2d(2, 9, 1), nn.Conv2d(9, 15, 3, groups=3), nn.PReLU()],
    "transposed": lambda: [nn.ConvTranspose2d(2, 17, 3, stride=2), nn.PReLU(17)],
    "few pixels": lambda: [nn.Conv2d(2, 64, 4, 4), nn.Conv2d(64, 128, 3, padding=1), nn.PReLU(128)],
    "deep": lambda: [nn.Flatten(), nn.Linear(180, 256), nn.PReLU(256), nn.Linear(256, 130), nn.PReLU(130)],
    "normalised": lambda: [nn.Conv2d(2, 19, 3), norm(19), nn.PReLU(19), nn.Conv2d(19, 2, 3)],
    "normalised, one": lambda: [nn.Conv2d(2, 19, 3), norm(19), nn.PReLU(), nn.Conv2d(19, 2, 3)],
    "behind ReLU": lambda: [nn.Conv2d(2, 5, 3), nn.ReLU(), norm(5), nn.PReLU(5)],
    "before a normalisation": lambda: [nn.Conv2d(2, 5, 3), nn.PReLU(5), norm(5)],
    "pooled": lambda: [nn.Conv2d(2, 5, 3), norm(5), nn.PReLU(5), nn.MaxPool2d(2)],
    "fixed": lambda: [nn.Conv2d(2, 5, 3), norm(5).eval(), nn.PReLU(5)],
    "fixed, one": lambda: [nn.Conv2d(2, 5, 3), norm(5).eval(), nn.PReLU()],
    "groups of channels": lambda: [nn.Conv2d(2, 6, 3), nn.GroupNorm(2, 6), nn.PReLU(6)],
    "added": lambda: [
        nn.Conv2d(2, 17, 1),
        nn.Residual(nn.Conv2d(17, 17, 1)),
        nn.PReLU(17),
        nn.Conv2d(17, 2, 3),
    ],
    "added, one": lambda: [nn.Conv2d(2, 3, 1), nn.Residual(nn.Conv2d(3, 3, 1)), nn.PReLU()],
    "three terms": lambda: [
        nn.Conv2d(2, 3, 1),
        nn.Residual(nn.Residual(nn.Conv2d(3, 3, 1))),
        nn.PReLU(3),
        nn.Conv2d(3, 3, 3, padding=1),
    ],
    "a sum in a sum": lambda: [
        nn.Conv2d(2, 3, 1),
        nn.Residual(nn.Sequential(nn.Residual(nn.Conv2d(3, 3, 3, padding=1)), nn.PReLU(3))),
        nn.PReLU(3),
    ],
    "in two places": lambda: [
        nn.Conv2d(2, 5, 3),
        *(slopes := [nn.PReLU(5)]),
        *(nn.Conv2d(5, 5, 1), norm(5), *slopes, nn.Residual(nn.Conv2d(5, 5, 1)), *slopes),
    ],
    "frozen": lambda: [nn.Conv2d(2, 5, 3), norm(5), frozen(5), nn.Residual(nn.Conv2d(5, 5, 1)), frozen(1)],
}
# What nodes layers become, in training and in evaluation.
NODES = {
    "channels": (["Conv", "Apply", "Conv", "Apply"], ["Conv", "Conv"]),
    "features": (["Dense", "Apply", "Dense", "Apply"], ["Dense", "Dense"]),
    "depthwise": (["Conv", "Conv", "Apply"], ["Conv", "Conv"]),
    "transposed": (["ConvTranspose", "Apply"], ["ConvTranspose"]),
    "normalised": (["Conv", "Apply", "Conv"],) * 2,
    "pooled": (["Conv", "Apply", "Pool"],) * 2,
    "groups of channels": (["Conv", "GroupNorm", "Apply"],) * 2,
    "added": (["Conv", "Conv", "Add", "Conv"],) * 2,
    "three terms": (["Conv", "Conv", "Add", "Conv"],) * 2,
}


def norm(channels):
    layer, rng = nn.BatchNorm2d(channels), np.random.default_rng(channels)
    layer.weight.data[...], layer.bias.data[...] = rng.standard_normal((2, channels))
    layer.running_mean[...], layer.running_var[...] = rng.uniform(0.5, 2, (2, channels))
    return layer


def frozen(slopes):
    layer = nn.PReLU(slopes)
    layer.weight.requires_grad = False
    return layer


def network(name, seed=0):
    model = nn.Sequential(*MODELS[name]()).double()
    rng = np.random.default_rng(seed)
    for module in model.modules():
        if isinstance(module, nn.PReLU):
            module.weight.data[...] = rng.uniform(-0.5, 1.5, module.weight.shape)
            module.weight.data[0] = -0.75 if module.weight.size > 1 else 1.75
    return model


@pytest.mark.parametrize("name", NODES)
def test_what_they_join(name):
    for training, kinds in zip((True, False), NODES[name], strict=True):
        graph = fuse(lower(network(name), (2, 9, 10), training))
        assert [type(node).__name__ for node in graph.nodes] == kinds


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 5, 37])
@pytest.mark.parametrize("name", MODELS)
def test_a_step_is_that_of_eager_mode(isa, name, batch, layout):
    model, rng = network(name), np.random.default_rng(1)
    x = rng.standard_normal((batch, 2, 9, 10))
    y = model(x)
    dy = rng.standard_normal(y.shape)
    wanted = [model.backward(dy), *(p.grad for p in model.parameters() if p.requires_grad)]
    model.zero_grad()
    options = {"batch_size": batch, "layout": layout}
    plan = Plan(model, x.shape[1:], training=True, input_gradient=True, **options)
    np.testing.assert_allclose(plan.forward(x), y, rtol=1e-9, atol=1e-11)
    largest = max(np.abs(each).max() for each in wanted)
    found = [plan.backward(dy), *(p.grad for p in model.parameters() if p.requires_grad)]
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-11 * largest)
    predicted = Plan(model.eval(), x.shape[1:], training=False, **options).forward(x)
    np.testing.assert_allclose(predicted, model(x), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "name", ["channels", "one", "depthwise", "groups", "transposed", "added", "three terms"]
)
def test_the_bits_of_eager_mode(isa, name, layout):
    """Of small whole numbers, with slopes of quarters, no sum is rounded."""
    model, rng = network(name).astype(np.float32), np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.data[...] = rng.integers(-2, 3, parameter.shape)
    for layer in model:
        if isinstance(layer, nn.PReLU):
            layer.weight.data[...] = rng.choice([-0.5, 0, 0.25, 1.5], layer.weight.shape)
    x = rng.integers(-2, 3, (5, 2, 9, 10)).astype(np.float32)
    y = model(x)
    dy = rng.integers(-2, 3, y.shape).astype(np.float32)
    wanted = [y, model.backward(dy), *(p.grad for p in model.parameters())]
    model.zero_grad()
    options = {"batch_size": 5, "layout": layout, "wanted": Wanted("highest")}
    plan = Plan(model, x.shape[1:], training=True, input_gradient=True, **options)
    found = [plan.forward(x), plan.backward(dy), *(p.grad for p in model.parameters())]
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(Plan(model.eval(), x.shape[1:], training=False, **options).forward(x), y)


@pytest.mark.parametrize(
    ("name", "passes"), [("channels", (2, 1)), ("normalised", (1, 1)), ("added", (1, 1))]
)
def test_what_they_make_is_not_kept(name, passes):
    """It is made anew for the weights that it was multiplied by, if nothing else reads it."""
    plan = Plan(network(name), (2, 9, 10), training=True, batch_size=9)
    for part, count in zip(("forward", "backward"), passes, strict=True):
        phases = [i for i in range(len(plan.executable.phases)) if part_of(plan, i) == part]
        ops = plan.executable.writer.ops
        rows = [
            op for i in phases for op in ops[slice(*plan.executable.phases[i][1:])] if op.kernel == "apply"
        ]
        assert sum(op.arguments["slope"] is not None for op in rows) == count


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("channels", [3, 24])
def test_filtered_products(isa, channels, one):
    """Those of Winograd's filtering end with slopes tile by tile, behind a normalisation of its own too."""
    model = nn.Sequential(
        *(nn.Conv2d(2, channels, 1), nn.Conv2d(channels, channels, 3, padding=1)),
        *(nn.PReLU(1 if one else channels), norm(channels)),
    )
    model[2].weight.data[...] = np.linspace(-0.5, 1.5, model[2].weight.size)
    model.eval()
    x = np.random.default_rng(0).standard_normal((5, 2, 9, 10)).astype(np.float32)
    options = {"batch_size": 5, "layout": "channels", "wanted": Wanted("high", "winograd")}
    plan = Plan(model, x.shape[1:], training=False, **options)
    assert any(op.kernel == "winograd" for op in plan.executable.writer.ops)
    wanted = model(x)
    np.testing.assert_allclose(plan.forward(x), wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_infinite_slopes_of_what_is_above_0(layout):
    """Lanes that hold no image, and those behind the last channel, are nothing in any gradient."""
    model = nn.Sequential(
        *(nn.Conv2d(2, 3, 1), nn.PReLU(3), nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)),
        *(nn.PReLU(), nn.Residual(nn.ReLU()), nn.PReLU(3), nn.Conv2d(3, 2, 1)),
    ).double()
    for layer in model:
        for parameter in layer.parameters():
            parameter.data[...] = np.inf if isinstance(layer, nn.PReLU) else 0.5
    model[3].bias.data[...] = 9
    rng = np.random.default_rng(0)
    x, dy = rng.uniform(1, 2, (3, 2, 4, 4)), rng.standard_normal((3, 2, 4, 4))
    y = model(x)
    wanted = [model.backward(dy), *(p.grad for p in model.parameters())]
    assert all(np.isfinite(each).all() for each in (y, *wanted))
    model.zero_grad()
    plan = Plan(model, x.shape[1:], training=True, input_gradient=True, batch_size=3, layout=layout)
    np.testing.assert_allclose(plan.forward(x), y, rtol=1e-9)
    found = [plan.backward(dy), *(p.grad for p in model.parameters())]
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * np.abs(dy).sum())


@pytest.mark.parametrize("name", ["channels", "one", "depthwise", "few pixels", "deep", "added"])
def test_a_row_is_the_same_in_any_batch(name):
    model = network(name).astype(np.float32).eval()
    x = np.random.default_rng(0).standard_normal((40, 2, 9, 10)).astype(np.float32)
    whole = model.predict(x)
    for rows in (slice(0, 1), slice(7, 10), slice(3, 36)):
        np.testing.assert_array_equal(model.predict(x[rows]), whole[rows])


def test_predictions_follow_slopes_that_change():
    model = network("channels").eval()
    x = np.random.default_rng(0).standard_normal((4, 2, 9, 10))
    for _ in range(3):
        np.testing.assert_allclose(model.predict(x), model(x), rtol=1e-9, atol=1e-11)
        model[1].weight.data[...] *= -2


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
@pytest.mark.parametrize("name", ["one", "channels", "normalised", "normalised, one", "added"])
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
