"""Batch normalisation in programs: as exact as eager mode where data lie far from 0."""

import copy

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn._kernels.program import SUM_BLOCK
from fastcnn.engine import Plan
from fastcnn.errors import ShapeError
from fastcnn.nn import functional as F
from fastcnn.training import Trainer

both_layouts = pytest.mark.parametrize("layout", ["images", "channels"])
# One pixel, less than a vector's images, more pixels than one sum takes.
SHAPES = [(33, 5, 1, 1), (7, 9, 8, 8), (2, 3, 50, 50)]


def network(channels, seed=0):
    model = nn.Sequential(nn.BatchNorm2d(channels))
    rng = np.random.default_rng(seed)
    model[0].weight.data[...] = rng.uniform(0.5, 2, channels)
    model[0].bias.data[...] = rng.standard_normal(channels)
    return model


def step_by_engine(model, x, dy, layout):
    """Return output and gradient of the input of one step in float32."""
    options = {"batch_size": len(x), "input_gradient": True, "layout": layout}
    plan = Plan(model, x.shape[1:], training=True, **options)
    return plan.forward(x), plan.backward(dy)


def step_by_layers(model, x, dy):
    """The same, layer after layer."""
    return model(x), model.backward(dy)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("ratio", [0, 30, 1e3, 1e4])
@pytest.mark.parametrize("layout", ["images", "channels", "eager"])
def test_data_far_from_zero(isa, layout, ratio, shape):
    """Data of standard deviation 1 around `ratio`, with running statistics of 0 and 1: in the first step."""
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(shape) + ratio * rng.uniform(-1, 1, (shape[1], 1, 1))).astype(np.float32)
    dy = rng.standard_normal(shape).astype(np.float32)
    model = network(shape[1])
    exact = copy.deepcopy(model).double()
    y_exact, dx_exact = step_by_layers(exact, x.astype(np.float64), dy.astype(np.float64))
    run = step_by_layers(model, x, dy) if layout == "eager" else step_by_engine(model, x, dy, layout)
    y, dx = run
    assert np.abs(y - y_exact).max() < 2e-5
    assert np.abs(dx - dx_exact).max() < 2e-5
    count = x.size // shape[1]
    for got, want in zip(model.parameters(), exact.parameters(), strict=True):
        assert np.abs(got.grad - want.grad).max() < 1e-6 * count
    np.testing.assert_allclose(model[0].running_mean, exact[0].running_mean, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(model[0].running_var, exact[0].running_var, rtol=2e-6)
    y, y_exact = model.eval().predict(x), exact.eval()(x.astype(np.float64))
    scale = np.abs(y_exact).max()
    assert np.abs(y - y_exact).max() < 2e-6 * scale


@both_layouts
def test_a_pixel_far_from_the_others(isa, layout):
    """The sums' center is told from a few pixels, of which one may be far away: nothing is lost by it."""
    shape = (3, 2, 20, 20)
    for pixel in (0, 66, 200, 333, 399):
        x = np.random.default_rng(pixel).standard_normal(shape).astype(np.float32)
        x.reshape(3, 2, -1)[:, :, pixel] = 1e3
        model = network(2)
        exact = copy.deepcopy(model).double()
        step_by_engine(model, x, x, layout)
        exact(x.astype(np.float64))
        np.testing.assert_allclose(model[0].running_var, exact[0].running_var, rtol=2e-6)


@both_layouts
@pytest.mark.parametrize("value", [0.1, -7.7, 3e-20, 1e18])
def test_constant_data(isa, layout, value):
    """Their variance is exactly 0."""
    x = np.full((5, 3, 40, 40), value, np.float32)
    assert x[0, 0].size > SUM_BLOCK
    model = network(3)
    y, _ = step_by_engine(model, x, np.ones_like(x), layout)
    np.testing.assert_array_equal(model[0].running_var, np.float32(1) + np.float32(0.1) * -1)
    np.testing.assert_allclose(y, np.broadcast_to(model[0].bias.data[:, None, None], y.shape), atol=1e-6)


@both_layouts
def test_values_that_are_not_finite_show(isa, layout):
    x = np.ones((4, 2, 3, 3), np.float32)
    x[1, 1, 2, 0] = np.inf
    model = network(2)
    with np.errstate(invalid="ignore"):
        y, _ = step_by_engine(model, x, x, layout)
    assert np.isfinite(y[:, 0]).all()
    assert np.isnan(y[:, 1]).all()
    assert np.isnan(model[0].running_var[1])


def test_training_on_pixels_far_from_zero():
    """Two classes that differ by 2 in pixels of 3000: the loss falls as in eager mode."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 64)
    images = rng.standard_normal((64, 1, 6, 6)) * 0.3 + 3000 + (2 * labels - 1)[:, None, None, None]
    losses = {}
    for engine in (True, False):
        model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(36, 2)).initialize(seed=0)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        trainer = Trainer(model, optimizer, nn.CrossEntropyLoss(), preprocess=lambda x: x, engine=engine)
        losses[engine] = [trainer.train_step(images.astype(np.float32), labels) for _ in range(20)]
    np.testing.assert_allclose(losses[True], losses[False], rtol=1e-3)
    assert losses[True][-1] < 0.01


class OwnStatistics(nn.Module):
    """The function on statistics of the model's own."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", np.zeros(5, np.float32))
        self.register_buffer("var", np.ones(5, np.float32))

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, training=self.training, momentum=0.3)


VARIANTS = {
    "the average of all batches": lambda: nn.BatchNorm2d(5, momentum=None),
    "no running statistics": lambda: nn.BatchNorm2d(5, track_running_stats=False),
    "neither": lambda: nn.BatchNorm2d(5, momentum=None, track_running_stats=False, affine=False),
    "the function": OwnStatistics,
}


@both_layouts
@pytest.mark.parametrize("variant", VARIANTS)
def test_other_statistics(isa, variant, layout):
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), VARIANTS[variant](), nn.ReLU(), nn.MaxPool2d(2)).double()
    reference = copy.deepcopy(model)
    options = {"batch_size": 19, "layout": layout}
    plan = Plan(model, (3, 8, 8), training=True, input_gradient=True, **options)
    for _ in range(3):
        x = rng.standard_normal((19, 3, 8, 8))
        y = reference(x)
        np.testing.assert_allclose(plan.forward(x), y, atol=1e-12)
        np.testing.assert_allclose(plan.backward(y), reference.backward(y), atol=1e-12)
    for name, value in reference.state_dict().items():
        np.testing.assert_allclose(model.state_dict()[name], value, atol=1e-12, err_msg=name)
    x = rng.standard_normal((19, 3, 8, 8))
    wanted = reference.eval()(x)
    np.testing.assert_allclose(Plan(model, (3, 8, 8), **options).forward(x), wanted, atol=1e-12)
    np.testing.assert_allclose(model.eval().predict(x), wanted, atol=1e-12)


def test_statistics_of_one_value_are_refused_in_predictions_too():
    norm = nn.BatchNorm2d(3, track_running_stats=False)
    model = nn.Sequential(nn.Linear(4, 3), nn.Unflatten(1, (3, 1, 1)), norm)
    assert model.eval().predict(np.ones((2, 4), np.float32)).shape == (2, 3, 1, 1)
    with pytest.raises(ShapeError, match="more than 1 value per channel"):
        model.predict(np.ones((1, 4), np.float32))


@pytest.mark.parametrize("pool", [False, True])
def test_dropout_behind_a_frozen_normalisation_still_drops(pool):
    """The normalisation would be part of the convolution's weights if nothing but an activation followed."""
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5)]
    layers += [nn.MaxPool2d(2)] if pool else []
    model = nn.Sequential(*layers).initialize(seed=0).reseed(0)
    model.requires_grad_(False)
    model[1].eval()
    reference = copy.deepcopy(model)
    x = np.random.default_rng(0).standard_normal((5, 3, 8, 8), dtype=np.float32)
    compiled = fastcnn.compile(model)
    got, want = compiled(x), reference(x)
    assert (want == 0).any()
    np.testing.assert_allclose(got, want, atol=1e-5)


def behind_a_convolution(activation, *rest, in_channels=6, out_channels=20, **options):
    """Layers with a normalisation in evaluation mode whose scales have both signs."""
    norm = nn.BatchNorm2d(out_channels)
    layers = nn.Conv2d(in_channels, out_channels, 3, padding=1, **options), activation, norm, *rest
    model = nn.Sequential(*layers).double().initialize(seed=0)
    rng = np.random.default_rng(0)
    norm.weight.data[...] = rng.uniform(-2, 2, out_channels)
    for each in (norm.bias.data, norm.running_mean):
        each[...] = rng.standard_normal(out_channels)
    norm.running_var[...] = rng.uniform(0.5, 2, out_channels)
    return model.eval()


CONVOLUTIONS = {
    "all channels": {},
    "pairs of rows": {"in_channels": 16, "out_channels": 8},
    "few elements": {"in_channels": 1, "stride": 2, "bias": False},
    "groups": {"groups": 2},
    "depthwise": {"in_channels": 20, "groups": 20},
}


@both_layouts
@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(0.2)], ids=repr)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_behind_an_activation_it_is_part_of_the_convolution(isa, layout, name, activation):
    model = behind_a_convolution(activation, **CONVOLUTIONS[name])
    shape = model[0].in_channels, 11, 12
    x = np.random.default_rng(1).standard_normal((5, *shape))
    plan = Plan(model, shape, training=False, batch_size=5, layout=layout)
    assert " apply " not in plan.describe()
    np.testing.assert_allclose(plan.forward(x), model(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(0.2)], ids=repr)
def test_behind_an_activation_it_is_part_of_the_filtering(isa, filtered, activation):
    model = behind_a_convolution(activation, in_channels=16)
    x = np.random.default_rng(1).standard_normal((5, 16, 11, 12))
    plan = Plan(model, x.shape[1:], training=False, batch_size=5)
    assert " winograd " in plan.describe()
    assert " apply " not in plan.describe()
    np.testing.assert_allclose(plan.forward(x), model(x), rtol=1e-11, atol=1e-11)


@both_layouts
@pytest.mark.parametrize("rest", [nn.ReLU(), nn.MaxPool2d(2)], ids=repr)
def test_between_two_layers_of_which_one_is_joined_to_it(isa, layout, rest):
    model = behind_a_convolution(nn.ReLU(), rest)
    x = np.random.default_rng(1).standard_normal((5, 6, 11, 12))
    plan = Plan(model, x.shape[1:], training=False, batch_size=5, layout=layout)
    np.testing.assert_allclose(plan.forward(x), model(x), rtol=1e-12, atol=1e-12)
