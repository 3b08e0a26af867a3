"""Arithmetic with values and numbers in programs, against eager mode."""

import copy

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.lower import lower
from fastcnn.engine.tracing import UnsupportedError

from ...nn.forwards import SqueezeExcite
from ..test_engine_equals_eager import assert_near

SHAPE = (3, 5, 4)
FUNCTIONS = {
    "times a number": lambda x, y, p, f: x * 3.5,
    "a number times": lambda x, y, p, f: -2 * x,
    "plus a number": lambda x, y, p, f: x + 0.25,
    "a number plus": lambda x, y, p, f: 2 + x,
    "minus a number": lambda x, y, p, f: x - 1.5,
    "a number minus": lambda x, y, p, f: 1 - x,
    "divided by a number": lambda x, y, p, f: x / 3,
    "negative": lambda x, y, p, f: -x,
    "a difference": lambda x, y, p, f: x - y,
    "a product": lambda x, y, p, f: x * y,
    "a square": lambda x, y, p, f: x * x,
    "all of it": lambda x, y, p, f: (1 - x) * y / 2 - x * y * x,
    "plus a pixel": lambda x, y, p, f: x + p,
    "a pixel times": lambda x, y, p, f: p * x,
    "a pixel minus": lambda x, y, p, f: p - x,
    "times a sigmoid": lambda x, y, p, f: x * F.sigmoid(y),
    "gates of features": lambda x, y, p, f: x * F.sigmoid(f).view(x.shape[0], -1, 1, 1),
    "a quotient": lambda x, y, p, f: x / (y * y + 1),
    "a pixel divided": lambda x, y, p, f: p / (y * y + 1),
    "divided by a pixel": lambda x, y, p, f: x / (p * p + 1),
    "a number divided": lambda x, y, p, f: 2 / (x * x + 1),
    "divided twice by one value": lambda x, y, p, f: (x / F.exp(x)) / F.exp(x),
    "powers": lambda x, y, p, f: x**2 - y**3 + (x * x + 1) ** 0.5 * (y * y + 1) ** -0.5 + (x * x + 1) ** -2,
    "power 1": lambda x, y, p, f: x**1 + (y * y + 1) ** -1,
    "a logarithm": lambda x, y, p, f: F.log(x * x + 1),
    "a length": lambda x, y, p, f: x / F.sqrt((x * x).sum(1, keepdim=True) + 0.1),
    "a global response": lambda x, y, p, f: x + x * global_response(x),
    "a gate for each position": lambda x, y, p, f: x * F.sigmoid(y.mean(1, keepdim=True)),
    "plus a plane": lambda x, y, p, f: x[:, :1] + y,
    "plus a row": lambda x, y, p, f: x + y[:, :, :1],
    "minus a column": lambda x, y, p, f: x[..., -1:] - y,
    "rows times columns": lambda x, y, p, f: x.mean(2, keepdim=True) * y.sum(3, keepdim=True),
    "a mean of rows and channels": lambda x, y, p, f: x * y.mean((1, 2), keepdim=True),
    "a sum of all": lambda x, y, p, f: x * y.sum((1, 2, 3), keepdim=True) * 0.1,
    "features of length 1": lambda x, y, p, f: x * (f / (f * f + 1).sum(1, keepdim=True)).view(-1, 6, 1, 1),
    "sums of pixels as features": lambda x, y, p, f: x + (f - y.sum((2, 3))).view(-1, 6, 1, 1),
    "axes in another order": lambda x, y, p, f: (
        x.permute(0, 2, 3, 1) / (1 + y.permute(0, 2, 3, 1) ** 2).mean(-1, keepdim=True)
    ).permute(0, 3, 1, 2),
    "a number, then a convolution's halo": lambda x, y, p, f: F.relu(x + 1) + y,
}


def global_response(x):
    """Return the length of each channel beside the mean of all: Woo et al., "ConvNeXt V2" (2023)."""
    length = F.sqrt((x * x).sum((2, 3), keepdim=True) + 0.1)
    return length / (length.mean(1, keepdim=True) + 1e-6)


class Net(nn.Module):
    """A function of two values, a pixel and features, whose result a convolution reads."""

    def __init__(self, function):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(3, 6, 1)
        self.down, self.features = nn.Conv2d(3, 6, (5, 4)), nn.Linear(6, 6)
        self.last, self.linear = nn.Conv2d(6, 2, 3, padding=1), nn.Linear(40, 3)
        self.function = function

    def forward(self, x):
        p = self.down(x)
        y = self.function(self.one(x), self.two(x), p, self.features(fastcnn.flatten(p, 1)))
        return self.linear(fastcnn.flatten(self.last(y), 1))


def assert_compiled(model, layout, shape=SHAPE):
    reference, rng = copy.deepcopy(model), np.random.default_rng(0)
    plan = Plan(model, shape, training=True, batch_size=9, layout=layout, input_gradient=True)
    for size in (9, 4):
        x = rng.standard_normal((size, *shape))
        got, want = plan.forward(x), reference(x)
        assert_near(got, want, 1e-12, 0.01, "output")
        dy = rng.standard_normal(want.shape)
        assert_near(plan.backward(dy), reference.backward(dy), 1e-10, 0.01, "dx")
        for (name, p), q in zip(model.named_parameters(), reference.parameters(), strict=True):
            assert (p.grad is None) == (q.grad is None), (
                name
            )  # a layer whose output the function does not take
            if q.grad is not None:
                assert_near(p.grad, q.grad, 1e-10, 0.01, name)
    plan = Plan(model, shape, batch_size=4, layout=layout)
    assert_near(plan.forward(x), model.predict(x, engine=False), 1e-12, 0.01, "prediction")


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, layout, isa):
    fastcnn.manual_seed(3)
    assert_compiled(Net(FUNCTIONS[name]).double(), layout)


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_squeeze_and_excite(layout):
    fastcnn.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), SqueezeExcite(8, 2), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3))
    assert_compiled(model.double(), layout)


def test_what_is_kept_of_a_sum_with_a_number():
    """Its gradient is handed on: no operation is written for it."""
    model = Net(FUNCTIONS["plus a number"])
    nodes = [type(node).__name__ for node in lower(model, SHAPE, True).nodes]
    assert nodes.count("Affine") == 1
    ops = Plan(model, SHAPE, training=True, batch_size=4).executable.writer.ops
    assert [op.kernel for op in ops].count("affine") == 1


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x, y, p, f: x / 0.0, "a quotient by 0"),
        (lambda x, y, p, f: x * np.inf, "arithmetic with a number that is not finite"),
        (lambda x, y, p, f: x / 1e-40, "arithmetic with a number that is not finite, or denormal"),
        (lambda x, y, p, f: x / 3e38, "arithmetic with a number that is not finite, or denormal"),
        (lambda x, y, p, f: 1e-40 / x, "arithmetic with a number that is not finite, or denormal"),
        (lambda x, y, p, f: x * y**2.5, "a power whose exponent is not 1/2"),
        (lambda x, y, p, f: x * (y * y) ** p, "a power whose exponent is not 1/2"),
    ],
)
def test_what_is_left_to_eager_mode(function, reason):
    compiled = fastcnn.compile(Net(function))
    x = np.ones((2, *SHAPE), np.float32)
    found = compiled._plans.find(compiled.model, x)
    assert found.reason.startswith(reason)
    assert compiled(x).shape == (2, 3)


class Scaled(nn.Module):
    """Numbers for each channel beside layers: as LayerScale has them."""

    def __init__(self, shape, *after, first=True):
        super().__init__()
        self.conv, self.gamma, self.first = nn.Conv2d(3, 5, 3, padding=1), nn.Parameter(np.ones(shape)), first
        self.after, self.last = nn.Sequential(*after), nn.Conv2d(5, 2, 3, padding=1)
        self.gamma.data[...] = np.random.default_rng(2).uniform(-2, 2, shape)

    def forward(self, x):
        y = self.conv(x)
        return self.last(y + self.after(self.gamma * y if self.first else y * self.gamma))


SCALED = {
    "before": lambda: Scaled((5, 1, 1)),
    "behind": lambda: Scaled((5, 1, 1), first=False),
    "with an axis for the batch": lambda: Scaled((1, 5, 1, 1)),
    "then ReLU": lambda: Scaled((5, 1, 1), nn.ReLU()),
    "then SiLU and dropped samples": lambda: Scaled((5, 1, 1), nn.SiLU(), nn.StochasticDepth(0.4, "row")),
    "then a normalisation": lambda: Scaled((5, 1, 1), nn.BatchNorm2d(5)),
}


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("kind", SCALED)
def test_a_parameter_scales_channels(isa, kind, layout):
    assert_compiled(SCALED[kind]().double().reseed(1), layout)


def test_a_scale_of_channels_becomes_part_of_a_convolution():
    class Ends(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.gamma = nn.Conv2d(3, 5, 3), nn.Parameter(np.full((5, 1, 1), 0.5, np.float32))

        def forward(self, x):
            return F.relu(self.conv(x) * self.gamma)

    model, x = Ends(), np.random.default_rng(0).standard_normal((4, *SHAPE)).astype(np.float32)
    plan = Plan(model, SHAPE, training=False, batch_size=4)
    assert "apply" not in [op.kernel for op in plan.executable.writer.ops]
    np.testing.assert_allclose(plan.forward(x), model(x), rtol=1e-5, atol=1e-6)


class WithParameter(nn.Module):
    """A function of a value and a parameter of any shape that goes with it."""

    def __init__(self, shape, function, order=(0, 1, 2, 3)):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 2, 3, padding=1)
        self.function, self.order = function, order
        self.parameter = nn.Parameter(np.random.default_rng(2).uniform(1, 2, shape))

    def forward(self, x):
        y = self.function(self.conv(x).permute(*self.order), self.parameter)
        return self.last(y.permute(*map(int, np.argsort(self.order))))


WITH_PARAMETER = {
    "plus": lambda x, p: x + p,
    "minus": lambda x, p: p - x,
    "times, then ReLU": lambda x, p: F.relu(p * x),
    "divided": lambda x, p: x / p,
    "divides": lambda x, p: p / (x * x + 1),
    "both": lambda x, p: x * p + p,
}


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("function", WITH_PARAMETER)
@pytest.mark.parametrize(
    "shape",
    [(5, 5, 4), (1, 1, 1), (1,), (4,), (5, 1), (5, 4), (1, 5, 4), (1, 5, 1, 4), (5, 1, 1), (1, 5, 5, 4)],
)
def test_parameters_of_any_shape(shape, function, layout):
    assert_compiled(WithParameter(shape, WITH_PARAMETER[function]).double().reseed(1), layout)


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("function", WITH_PARAMETER)
def test_parameters_of_the_last_axis(function, layout):
    """Where channels were made the last axis none moves."""
    model = WithParameter((5,), WITH_PARAMETER[function], (0, 2, 3, 1)).double().reseed(1)
    assert_compiled(model, layout)
    moves = [type(node).__name__ for node in lower(model, SHAPE).nodes].count("Rearrange")
    assert (moves == 0) == (function in ("plus", "times, then ReLU", "both"))


def test_numbers_for_samples_run_eagerly():
    class Total(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x):
            return self.linear(x).sum(1)

    with pytest.raises(UnsupportedError, match="one number for each sample"):
        lower(Total(), (4,))


def test_samples_without_an_axis_run_eagerly():
    class Number(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 1)

        def forward(self, x):
            return self.linear(x).reshape((-1,))

    model, x = Number(), np.ones((3, 4), np.float32)
    with pytest.raises(UnsupportedError, match=r"^one number for each sample$"):
        lower(model, (4,))
    np.testing.assert_array_equal(model.predict(x), model.predict(x, engine=False))
