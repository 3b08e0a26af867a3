"""Linear layers of bfloat16, and weight gradients of few pixels: packed weights, all images at once."""

import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastcnn import nn
from fastcnn._kernels import cpu
from fastcnn.engine import Plan, choose
from fastcnn.engine.algorithms import Wanted
from fastcnn.graph.bfloat16 import rounded

from .helpers import BY_TILES, using_isa, using_threads

ISAS = cpu.available_isas("bfloat16", in_c=True)
relaxed = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture(autouse=True)
def plain_forms(monkeypatch):
    """Let all instruction sets have products of bfloat16, and all networks use them."""
    monkeypatch.setattr(cpu, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(choose, "narrow_pays", lambda graph, training: True)


@pytest.fixture(params=ISAS)
def isa(request):
    """Run the test on each instruction set."""
    with using_isa(request.param):
        yield request.param


class Beside(nn.Module):
    """Windows read the image beside a linear layer: there are zeros around it, and two gradients of it."""

    def __init__(self, channels, height, width, out, of_values):
        super().__init__()
        self.first, self.flat = nn.MaxPool2d(1) if of_values else nn.Identity(), nn.Flatten()
        self.second = nn.Conv2d(channels, 3, 3, padding=1)
        self.one = nn.Linear(channels * height * width, out)
        self.two = nn.Linear(3 * height * width, out)

    def forward(self, x):
        x = self.first(x)
        return self.one(self.flat(x)) + self.two(self.flat(self.second(x)))


class Shifted(nn.Module):
    """The gradient of what a linear layer reads is that of a sum, with a halo for the slice beside it."""

    def __init__(self, channels, height, width):
        super().__init__()
        size = channels * height * width
        self.first, self.second, self.flat = nn.MaxPool2d(1), nn.MaxPool2d(1), nn.Flatten()
        self.one, self.two = nn.Linear(size, 5), nn.Linear(size, 5)

    def forward(self, x):
        value = self.first(x[:, :, 1:])
        result = self.one(self.flat(value))
        added = self.second(self.second(x)[:, :, :-1] + value)
        return result + self.two(self.flat(added))


def layers_of(kind, shape, out):
    """Return a network of a linear layer: behind images, of samples, or before something."""
    linear = nn.Flatten(), nn.Linear(int(np.prod(shape)), out)
    if kind in ("beside", "samples beside"):
        return Beside(*shape, out, kind == "beside")
    first = [nn.MaxPool2d(1)] if kind != "samples" else []
    last = [nn.Unflatten(1, (out, 1, 1)), nn.MaxPool2d(1)] if kind == "stored" else []
    return nn.Sequential(*first, *linear, *last)


def integers(shape, seed, low=-2, high=3):
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.float32)


def plan_of(model, x, training=True, **options):
    given = {"batch_size": len(x), "wanted": Wanted("medium"), "training": training, **options}
    return Plan(model, x.shape[1:], input_gradient=training, **given)


def kernels_of(plan):
    return {op.kernel for op in plan.executable.writer.ops}


def all_of(model, x, dy):
    """Return y, the gradient of x and those of all parameters, as the engine and as float64 have them."""
    plan, exact = plan_of(model, x), copy.deepcopy(model).double()
    model.zero_grad()
    found = [plan.forward(x)]
    found += [plan.backward(dy), *(each.grad.copy() for each in model.parameters())]
    expected = [exact(x.astype(np.float64)), exact.backward(dy.astype(np.float64))]
    expected += [each.grad for each in exact.parameters()]
    return found, expected


# Images of whole vectors and others, of as many places as a vector and fewer; blocks of outputs.
SHAPES = [
    (1, 1, 7),
    (16, 1, 1),
    (300, 1, 1),
    (16, 4, 4),
    (32, 5, 7),
    (64, 2, 2),
    (48, 3, 9),
    (20, 6, 6),
    (3, 9, 11),
]


@pytest.mark.parametrize("kind", ["samples", "images", "stored", "beside", "samples beside"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_of_small_integers_are_exact(isa, shape, kind):
    for batch, out in ((1, 10), (2, 3), (19, 40), (5, 129)):
        model = layers_of(kind, shape, out)
        for number, parameter in enumerate(model.parameters()):
            parameter.data[...] = integers(parameter.shape, number, -1, 2)
        x = integers((batch, *shape), 10, -1, 2)
        dy = integers((batch, out, 1, 1) if kind == "stored" else (batch, out), 11, -1, 2)
        found, expected = all_of(model, x, dy)
        if kind == "stored":
            expected[0] = rounded(expected[0].astype(np.float32))
        if "beside" in kind:  # what the windows find is rounded, and their gradient
            assert np.abs(found[0] - expected[0]).max() <= 2**-7 * np.abs(expected[0]).max()
            found, expected = found[4:6], expected[4:6]
        else:
            expected[1] = rounded(expected[1].astype(np.float32))
        for got, want in zip(found, expected, strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("shape", [(16, 4, 4), (20, 4, 4), (32, 5, 5)], ids=str)
def test_gradients_with_other_zeros_around_them(isa, shape):
    channels, height, width = shape
    model, x = Shifted(*shape), integers((3, channels, height + 1, width), 0, -1, 2)
    for number, parameter in enumerate(model.parameters()):
        parameter.data[...] = integers(parameter.shape, number, -1, 2)
    found, expected = all_of(model, x, integers((3, 5), 9, -1, 2))
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, want)


@settings(max_examples=40, **relaxed)
@given(
    channels=st.integers(1, 90),
    places=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    out=st.integers(1, 150),
    batch=st.integers(1, 300),
)
def test_weight_gradients_of_any_geometry(isa, channels, places, out, batch):
    """More rows than are in hand, more outputs, and more places than are one task."""
    model, x = layers_of("images", (channels, *places), out), integers((batch, channels, *places), 0)
    dy = integers((batch, out), 1)
    plan = plan_of(model, x)
    plan.forward(x)
    plan.backward(dy)
    expected = dy.T.astype(np.float64) @ x.reshape(batch, -1)
    np.testing.assert_array_equal(model[2].weight.grad, expected)


@settings(max_examples=40, **relaxed)
@given(
    channels=st.sampled_from([(130, 60), (64, 200), (260, 33), (90, 90)]),
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.integers(1, 2),
    groups=st.sampled_from([1, 1, 2]),
    batch=st.integers(1, 40),
)
def test_weight_gradients_of_windows_of_few_pixels(isa, channels, size, padding, groups, batch):
    inner, out = (each - each % groups for each in channels)
    conv = nn.Conv2d(inner, out, 3, padding=padding, groups=groups)
    model, x = nn.Sequential(nn.MaxPool2d(1), conv, nn.MaxPool2d(1)), integers((batch, inner, *size), 0)
    plan = plan_of(model, x, wanted=Wanted("medium", "direct"))
    dy = integers(plan.forward(x).shape, 1)
    if dy[0, 0].size <= 16 and conv.weight.size >= 1 << 16:
        assert "weight_of_all_pairs" in kernels_of(plan)
    plan.backward(dy)
    exact = copy.deepcopy(conv).double()
    exact.zero_grad()
    exact(x.astype(np.float64))
    exact.backward(dy.astype(np.float64))
    np.testing.assert_array_equal(conv.weight.grad, exact.weight.grad)


@pytest.mark.parametrize("end", [None, "relu", "sigmoid", "prelu"])
@pytest.mark.parametrize("shape", [(32, 5, 5), (3, 9, 11), (700, 1, 1)], ids=str)
def test_outputs_are_sums_that_are_not_rounded(shape, end):
    """Against float64 of rounded numbers; all instruction sets give the same bits, but tiles theirs."""
    ends = {None: [], "relu": [nn.ReLU()], "sigmoid": [nn.Sigmoid()], "prelu": [nn.PReLU(37)]}[end]
    model = nn.Sequential(*layers_of("images", shape, 37), *ends).initialize("kaiming_normal", 0).eval()
    x = np.random.default_rng(0).standard_normal((5, *shape)).astype(np.float32)
    exact = copy.deepcopy(model).double()
    exact[2].weight.data[...] = rounded(model[2].weight.data)
    expected = exact(rounded(x).astype(np.float64))
    found = {}
    for name in ISAS:
        with using_isa(name):
            plan = plan_of(model, x, training=False)
            found[name] = plan.forward(x)
            assert "dense_sums" in kernels_of(plan)
        np.testing.assert_allclose(found[name], expected, rtol=2e-5, atol=2e-5)
    by_tiles = [found.pop(name) for name in BY_TILES if name in found]
    for group in (by_tiles, list(found.values())) if end != "sigmoid" else ():
        for other in group[1:]:
            np.testing.assert_array_equal(other, group[0])


@pytest.mark.parametrize("kind", ["images", "stored"])
@pytest.mark.parametrize("shape", [(32, 5, 5), (3, 9, 11), (80, 1, 1)], ids=str)
def test_each_row_has_its_bits_in_every_batch_on_any_threads(isa, shape, kind):
    """In training too: the weights are packed there as they are in predictions."""
    model = layers_of(kind, shape, 90).initialize("kaiming_normal", 0)
    x = np.random.default_rng(0).standard_normal((33, *shape)).astype(np.float32)
    dy = np.random.default_rng(1).standard_normal((33, 90, 1, 1)).astype(np.float32)
    dy = dy if kind == "stored" else dy[..., 0, 0]
    plan = plan_of(model, x)
    y, dx = plan.forward(x), plan.backward(dy)
    weights = model.state_dict()
    grads = [each.grad.copy() for each in model.parameters()]
    np.testing.assert_array_equal(plan_of(model.eval(), x, training=False).forward(x), y)
    model.train()
    for threads in (1, 2, 3):
        with using_threads(threads):
            model.zero_grad()
            again = plan_of(model, x)
            np.testing.assert_array_equal(again.forward(x), y)
            np.testing.assert_array_equal(again.backward(dy), dx)
            for got, want in zip((each.grad for each in model.parameters()), grads, strict=True):
                np.testing.assert_array_equal(got, want)
            for rows in (slice(0, 1), slice(7, 12)):
                for bands in (1, threads):
                    some = plan_of(model, x[rows], bands=bands)
                    np.testing.assert_array_equal(some.forward(x[rows]), y[rows])
                    np.testing.assert_array_equal(some.backward(dy[rows]), dx[rows])
    assert all((weights[name] == each).all() for name, each in model.state_dict().items())


def test_what_stands_behind_outputs_takes_no_part(isa):
    """Rows of dy end within a vector, and pairs of rows with one: infinite numbers stay in their rows."""
    model, x = layers_of("images", (16, 4, 4), 5), np.ones((3, 16, 4, 4), np.float32)
    x[1] = np.inf
    plan = plan_of(model, x)
    with np.errstate(all="ignore"):
        y = plan.forward(x)
        assert np.isfinite(y[[0, 2]]).all()
        assert not np.isfinite(y[1]).any()
        dx = plan.backward(np.ones((3, 5), np.float32))
    assert np.isfinite(dx).all()
    assert not np.isfinite(model[2].weight.grad).any()
