"""Group, instance and layer normalisation in programs: against eager mode."""

import copy

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.rearrange import Rearrange
from fastcnn.engine.tracing import UnsupportedError
from fastcnn.nn import functional as F

SHAPE = (3, 5, 7)
both_layouts = pytest.mark.parametrize("layout", ["images", "channels"])


class ChannelsLast(nn.Module):
    """Normalisation over channels, between two changes of the order of axes."""

    def __init__(self, channels):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, channels, 3, padding=1), nn.LayerNorm(channels)

    def forward(self, x):
        return F.gelu(self.norm(self.conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2))


def behind_conv(channels, *layers):
    return nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), *layers)


# Groups that fill vectors, end within them, and are one channel each; activations of all kinds.
NETWORKS = {
    "groups": lambda: behind_conv(6, nn.GroupNorm(3, 6), nn.ReLU(), nn.Conv2d(6, 2, 3)),
    "one group": lambda: behind_conv(20, nn.GroupNorm(1, 20), nn.SiLU()),
    "vectors": lambda: behind_conv(64, nn.GroupNorm(4, 64), nn.Tanh()),
    "odd groups": lambda: behind_conv(33, nn.GroupNorm(11, 33, affine=False), nn.ELU()),
    "each channel": lambda: behind_conv(5, nn.InstanceNorm2d(5, affine=True), nn.ReLU()),
    "no weights": lambda: behind_conv(5, nn.InstanceNorm2d(5)),
    "of the input": lambda: nn.Sequential(nn.GroupNorm(3, 3), nn.Conv2d(3, 4, 3)),
    "features": lambda: behind_conv(4, nn.Flatten(), nn.GroupNorm(5, 140), nn.ReLU(), nn.Linear(140, 3)),
    "over channels": lambda: ChannelsLast(20),
    "of each pixel": lambda: behind_conv(20, nn.LayerNorm2d(20), nn.GELU(), nn.Conv2d(20, 3, 3)),
    "of each pixel, plain": lambda: behind_conv(5, nn.LayerNorm2d(5, elementwise_affine=False)),
    "over rows": lambda: behind_conv(4, nn.LayerNorm(7, bias=False)),
    "over planes": lambda: behind_conv(4, nn.LayerNorm((5, 7)), nn.Conv2d(4, 3, 3)),
    "over images": lambda: behind_conv(4, nn.LayerNorm((4, 5, 7)), nn.ReLU()),
    "over features": lambda: behind_conv(
        4, nn.Flatten(), nn.Linear(140, 9), nn.LayerNorm(9), nn.Linear(9, 2)
    ),
}


def network(name, dtype=np.float64):
    """Return a network whose scales and shifts are not 1 and 0."""
    model, rng = NETWORKS[name](), np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.data[...] += rng.normal(0, 0.3, parameter.shape)
    return model.astype(dtype)


@both_layouts
@pytest.mark.parametrize("batch", [1, 3, 17])
@pytest.mark.parametrize("name", NETWORKS)
def test_equals_eager(isa, name, batch, layout):
    model, rng = network(name), np.random.default_rng(batch)
    x = rng.standard_normal((batch, *SHAPE))
    y = model(x)
    dy = rng.standard_normal(y.shape)
    dx = model.backward(dy)
    wanted = [parameter.grad.copy() for parameter in model.parameters()]
    model.zero_grad()
    plan = Plan(model, SHAPE, training=True, batch_size=batch, input_gradient=True, layout=layout)
    np.testing.assert_allclose(plan.forward(x), y, atol=1e-12)
    np.testing.assert_allclose(plan.backward(dy), dx, atol=1e-12)
    for parameter, want in zip(model.parameters(), wanted, strict=True):
        np.testing.assert_allclose(parameter.grad, want, rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(Plan(model, SHAPE, batch_size=batch, layout=layout).forward(x), y, atol=1e-12)


@both_layouts
@pytest.mark.parametrize("name", ["groups", "over channels"])
def test_any_number_of_threads(name, layout):
    model, rng = network(name, np.float32), np.random.default_rng(0)
    x = rng.standard_normal((37, *SHAPE)).astype(np.float32)
    found = []
    for threads in (1, 2, 3, 8):
        fastcnn.set_num_threads(threads)
        plan = Plan(model, SHAPE, training=True, batch_size=37, input_gradient=True, layout=layout)
        y = plan.forward(x)
        model.zero_grad()
        found.append([y, plan.backward(y[::-1]), *(p.grad.copy() for p in model.parameters())])
    for other in found[1:]:
        for one, another in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, another)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_row_is_the_same_in_any_batch(name):
    model = network(name, np.float32).eval()
    x = np.random.default_rng(0).standard_normal((40, *SHAPE)).astype(np.float32)
    whole = model.predict(x)
    for rows in (slice(0, 1), slice(7, 10), slice(3, 36)):
        np.testing.assert_array_equal(model.predict(x[rows]), whole[rows])


@both_layouts
@pytest.mark.parametrize("distance", [0, 1e3, 1e4])
def test_data_far_from_zero(isa, layout, distance):
    """More pixels than one sum takes, of deviation 1 around a value of each channel."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 4, 50, 50)) + distance * rng.uniform(-1, 1, (4, 1, 1))
    x = x.astype(np.float32)
    model = nn.Sequential(nn.GroupNorm(4, 4))
    dy = rng.standard_normal(x.shape).astype(np.float32)
    plan = Plan(model, x.shape[1:], training=True, batch_size=3, input_gradient=True, layout=layout)
    y, dx = plan.forward(x), plan.backward(dy)
    exact = nn.Sequential(nn.GroupNorm(4, 4)).double()
    assert np.abs(y - exact(x.astype(np.float64))).max() < 2e-5
    assert np.abs(dx - exact.backward(dy.astype(np.float64))).max() < 2e-5


@both_layouts
def test_lanes_without_an_image_stay_finite(layout):
    """Without eps constant data have no deviation: those that are not there must not become NaN."""
    model = nn.Sequential(nn.GroupNorm(1, 3, eps=0.0), nn.Conv2d(3, 2, 3)).astype(np.float64)
    x = np.random.default_rng(0).standard_normal((1, *SHAPE))
    plan = Plan(model, SHAPE, training=True, batch_size=1, layout=layout)
    y = plan.forward(x)
    plan.backward(np.ones_like(y))
    assert all(np.isfinite(parameter.grad).all() for parameter in model.parameters())


class Tracks(nn.Module):
    """A layer with running statistics, in two places."""

    def __init__(self, momentum):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 20, 3, padding=1), nn.Conv2d(20, 2, 3)
        self.norm = nn.InstanceNorm2d(20, 0.1, momentum, affine=True, track_running_stats=True)

    def forward(self, x):
        return self.last(F.relu(self.norm(F.silu(self.norm(self.conv(x))))))


@both_layouts
@pytest.mark.parametrize("momentum", [0.0, 0.3, 1.0])
def test_running_statistics(isa, layout, momentum):
    """They follow eager mode's over steps of several sizes, and a prediction uses them."""
    fastcnn.manual_seed(2)
    model = Tracks(momentum).double()
    reference, rng = copy.deepcopy(model), np.random.default_rng(0)
    plan = Plan(model, SHAPE, training=True, batch_size=19, input_gradient=True, layout=layout)
    for size in (19, 1, 8):
        x = rng.standard_normal((size, *SHAPE)) + 2
        y, want = plan.forward(x), reference(x)
        np.testing.assert_allclose(y, want, atol=1e-11)
        np.testing.assert_allclose(plan.backward(y), reference.backward(want), atol=1e-10)
        for (name, got), (_, other) in zip(model.named_buffers(), reference.named_buffers(), strict=True):
            np.testing.assert_allclose(got, other, rtol=1e-11, atol=1e-12, err_msg=name)
    plan = Plan(model, SHAPE, batch_size=8, layout=layout)
    np.testing.assert_allclose(plan.forward(x), reference.predict(x, engine=False), atol=1e-11)


def test_running_statistics_of_lines_in_a_compiled_step():
    fastcnn.manual_seed(2)
    model = nn.Sequential(
        nn.Conv1d(3, 5, 3), nn.InstanceNorm1d(5, track_running_stats=True), nn.Conv1d(5, 2, 2)
    )
    reference, compiled = copy.deepcopy(model), fastcnn.compile(model)
    x = np.random.default_rng(0).standard_normal((6, 3, 9)).astype(np.float32)
    np.testing.assert_allclose(compiled(x), reference(x), atol=1e-5)
    assert isinstance(compiled._last, Plan)
    np.testing.assert_allclose(model[1].running_mean, reference[1].running_mean, atol=1e-6)
    np.testing.assert_allclose(model[1].running_var, reference[1].running_var, atol=1e-6)
    assert int(model[1].num_batches_tracked) == 0


def test_running_statistics_of_a_prediction_are_left_to_eager_mode():
    class Always(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.momentum = nn.Conv2d(3, 2, 1), 0.1
            self.register_buffer("mean", np.zeros(2, np.float32))
            self.register_buffer("var", np.ones(2, np.float32))

        def forward(self, x):
            return F.instance_norm(self.conv(x), self.mean, self.var, momentum=self.momentum)

    with pytest.raises(UnsupportedError, match="InstanceNorm that trains in evaluation mode"):
        lower(Always(), SHAPE)
    model = Always()
    model.momentum = -0.5
    with pytest.raises(UnsupportedError, match="without a number for eps or momentum"):
        lower(model, SHAPE, training=True)


def test_channels_that_are_the_last_axis_are_not_moved():
    kinds = [type(node) for node in lower(ChannelsLast(4), SHAPE).nodes]
    assert Rearrange not in kinds
    assert len(kinds) == 3


def test_values_that_are_not_finite_stay_in_their_group():
    model = nn.Sequential(nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 1, groups=4))
    x = np.ones((2, 4, 3, 3), np.float32)
    x[1, 0, 1, 1] = np.nan
    y = model.predict(x)
    assert np.isnan(y[1, :2]).all()
    assert np.isfinite(y[0]).all()
    assert np.isfinite(y[1, 2:]).all()
