"""Modules with a backward of their own in a compiled program: it runs before and behind them."""

import copy
import re

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn, optim
from fastcnn.engine import Plan
from fastcnn.engine.nodes.loss import Loss
from fastcnn.errors import DTypeError, ShapeError
from fastcnn.nn import changes

from ..test_engine_equals_eager import assert_near, assert_same_gradients

SHAPE = (2, 6, 5)


class Leaky(nn.Module):
    """As layers are often written: what backward needs is an attribute."""

    def forward(self, x):
        self.mask, self.sizes = x > 0, x.shape[1:]
        return np.where(self.mask, x, x / 8)

    def backward(self, dy):
        return np.where(self.mask, dy, dy / 8)


class Scale(nn.Module):
    """One with a parameter, which keeps what it needs with its call."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(np.linspace(0.5, 2, channels, dtype=np.float32))

    def forward(self, x):
        self.saved = x
        return x * self.weight.data[:, None, None]

    def backward(self, dy):
        self.weight.accumulate((dy * self.saved).sum((0, 2, 3)))
        return dy * self.weight.data[:, None, None]


class Product(nn.Module):
    """One with two inputs."""

    def forward(self, a, b):
        self.saved = a, b
        return a * b

    def backward(self, dy):
        a, b = self.saved
        return dy * b, dy * a


class Wrapped(nn.Module):
    """One that runs layers."""

    def __init__(self):
        super().__init__()
        self.conv, self.drop = nn.Conv2d(3, 3, 1), nn.Dropout(0.4)

    def forward(self, x):
        return self.drop(self.conv(x))

    def backward(self, dy):
        return self.conv.backward(self.drop.backward(dy))


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.gate, self.product = nn.Conv2d(2, 3, 3), nn.Conv2d(2, 3, 3), Product()
        self.linear = nn.Linear(36, 4)

    def forward(self, x):
        y = self.product(F.relu(self.conv(x)), self.gate(x))
        return self.linear(fastcnn.flatten(y, 1))


def head():
    return nn.Flatten(), nn.Linear(3 * 4 * 3, 4)


def networks():
    conv, leaky = nn.Conv2d(2, 3, 3), Leaky()
    return {
        "attributes": nn.Sequential(conv, Leaky(), nn.BatchNorm2d(3), nn.ReLU(), *head()),
        "a parameter": nn.Sequential(
            conv, nn.BatchNorm2d(3), nn.ReLU(), Scale(3), nn.Conv2d(3, 3, 1), *head()
        ),
        "before all else": nn.Sequential(Scale(2), conv, nn.ReLU(), *head()),
        "behind all else": nn.Sequential(conv, nn.ReLU(), *head(), Leaky()),
        "twice": nn.Sequential(conv, leaky, nn.Conv2d(3, 3, 3, padding=1), leaky, *head()),
        "in a residual block": nn.Sequential(conv, nn.Residual(Scale(3)), nn.ReLU(), *head()),
        "layers within": nn.Sequential(conv, nn.ReLU(), Wrapped(), nn.MaxPool2d(3, 1, 1), *head()),
        "two inputs": Gated(),
        "features": nn.Sequential(conv, *head(), Leaky(), nn.Linear(4, 4)),
    }


@pytest.fixture(params=networks())
def model(request):
    fastcnn.manual_seed(5)
    return networks()[request.param].double().reseed(1)


@pytest.mark.parametrize("input_gradient", [True, False])
def test_two_passes(model, isa, input_gradient):
    """Two steps with gradients added up, then a prediction, as in eager mode."""
    reference, rng = copy.deepcopy(model), np.random.default_rng(0)
    compiled = fastcnn.compile(model, input_gradient=input_gradient)
    for size in (9, 4):
        x = rng.standard_normal((size, *SHAPE))
        want, got = reference(x), compiled(x)
        assert isinstance(compiled._last, Plan)
        assert_near(got, want, 1e-12, 0.01, "output")
        dy = rng.standard_normal(want.shape)
        dx, dx_wanted = compiled.backward(dy), reference.backward(dy)
        assert_same_gradients(model, reference, 1e-10, dx, dx_wanted)
    assert_near(compiled.predict(x), reference.predict(x, engine=False), 1e-12, 0.01, "prediction")


@pytest.mark.parametrize("first", [Leaky(), Scale(2)])
@pytest.mark.parametrize("layout", ["images", "channels"])
def test_each_prediction_reads_its_own_input(first, layout):
    """Where Python comes first, and the weights of the layers behind it stay packed."""
    model = nn.Sequential(first, nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Conv2d(5, 3, 1)).initialize(seed=0)
    plan, rng = Plan(model, SHAPE, batch_size=8, layout=layout), np.random.default_rng(0)
    for _ in range(3):
        x = rng.standard_normal((8, *SHAPE)).astype(np.float32)
        np.testing.assert_allclose(plan.forward(x), model.predict(x, engine=False), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("layout", ["images", "channels"])
def test_a_step(model, layout, frozen):
    """Gradients of parameters are those of the step alone, the module's own too."""
    if frozen:
        for parameter in list(model.parameters())[::2]:
            parameter.requires_grad = False
    reference, rng = copy.deepcopy(model), np.random.default_rng(0)
    x, target = rng.standard_normal((11, *SHAPE)), rng.integers(0, 4, 11)
    plan = Plan(model, SHAPE, training=True, batch_size=11, loss=Loss(), layout=layout)
    loss = nn.CrossEntropyLoss()
    for _ in range(2):
        results = plan.step(x, target, 1 / 11)
        plan.gradients.hand_out()
        reference.zero_grad()
        assert results[:, 0].mean() == pytest.approx(loss(reference(x), target), rel=1e-12)
        reference.backward(loss.backward())
        assert_same_gradients(model, reference, 1e-10, None, None)


def test_training_does_not_look_at_the_model_again():
    """What the module keeps from one batch to the next is no change of the model; its sizes are the same."""
    model = nn.Sequential(nn.Conv2d(2, 3, 3), Leaky(), *head())
    trainer = fastcnn.Trainer(
        model, optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss(), preprocess=lambda x: x
    )
    x, y = np.random.default_rng(0).standard_normal((8, *SHAPE)).astype(np.float32), np.arange(8) % 4
    for _ in range(2):
        trainer.train_step(x, y)
    before = changes.latest_structure()
    trainer.train_step(x, y)
    model.predict(x)
    assert changes.latest_structure() == before
    model[1].slope = 3
    assert changes.latest_structure() > before


def test_rows_are_the_same_in_any_batch():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), Leaky(), *head())
    x = np.random.default_rng(0).standard_normal((70, *SHAPE)).astype(np.float32)
    everything = model.predict(x)
    for size in (1, 7, 33):
        np.testing.assert_array_equal(model.predict(x, batch_size=size), everything)
    assert model.predict(x[:0]).shape == (0, 4)


def test_modes():
    """In a prediction it is in evaluation mode, as all others are; its own mode stays as it is."""

    class Modes(Leaky):
        seen = ()

        def forward(self, x):
            Modes.seen = (*Modes.seen, self.training) if len(x) else Modes.seen
            return super().forward(x)

    model = nn.Sequential(nn.Conv2d(2, 3, 3), Modes(), *head())
    x = np.zeros((3, *SHAPE), np.float32)
    model.predict(x)
    compiled = fastcnn.compile(model)
    compiled(x)
    model[1].eval()
    compiled(x)
    assert Modes.seen == (False, True, False)
    assert model.training


class Returns(nn.Module):
    """One whose output is what it is told for batches that have images."""

    def __init__(self, make, gradient=lambda dy: dy):
        super().__init__()
        self.make, self.gradient = make, gradient

    def forward(self, x):
        return self.make(x) if len(x) else x

    def backward(self, dy):
        return self.gradient(dy)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda x: x[:, :1],
            ShapeError,
            "must return a float32 array of the shape (5, 3, 4, 3) as for no ",
        ),
        (lambda x: x[:2], ShapeError, "got the shape (2, 3, 4, 3)"),
        (lambda x: x.astype(np.float64), DTypeError, "as for no images; got float64"),
        (lambda x: None, DTypeError, "Returns.forward must return arrays, got NoneType"),
    ],
)
def test_outputs_that_are_not_those_of_the_trace(make, error, message):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), Returns(make), *head())
    with pytest.raises(error, match=re.escape(message)):
        model.predict(np.zeros((5, *SHAPE), np.float32))


@pytest.mark.parametrize(
    ("gradient", "error", "message"),
    [
        (lambda dy: None, DTypeError, "got None"),
        (
            lambda dy: dy[:, :2],
            ShapeError,
            "got the shape (5, 2, 4, 3)",
        ),
    ],
)
def test_gradients_are_checked_at_the_modules_door(gradient, error, message):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), Returns(lambda x: x, gradient), *head())
    compiled = fastcnn.compile(model)
    y = compiled(np.zeros((5, *SHAPE), np.float32))
    expected = (
        "Returns.backward must return the gradient of its input, a float32 array of the shape (5, 3, 4, 3)"
    )
    expected = re.escape(f"{expected}; {message}")
    with pytest.raises(error, match=f"^{expected}$"):
        compiled.backward(np.ones_like(y))
    trainer = fastcnn.Trainer(
        model, optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss(), preprocess=lambda x: x
    )
    with pytest.raises(error, match=f"^{expected}$"):
        trainer.train_step(np.zeros((5, *SHAPE), np.float32), np.zeros(5, np.int64))


def test_several_outputs_run_eagerly():
    class Halves(nn.Module):
        def forward(self, x):
            return x[:, :1].copy(), x[:, 1:].copy()

        def backward(self, dys):
            return np.concatenate(dys, 1)

    class Swapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.halves = nn.Conv2d(2, 2, 1), Halves()

        def forward(self, x):
            a, b = self.halves(self.conv(x))
            return fastcnn.cat((b, a), 1)

    model = Swapped()
    compiled = fastcnn.compile(model, input_gradient=True)
    x = np.random.default_rng(0).standard_normal((4, *SHAPE)).astype(np.float32)
    y = compiled(x)
    np.testing.assert_array_equal(y, model.conv(x)[:, ::-1])
    assert compiled.backward(y).shape == x.shape
    reason = compiled._plans.find(model, x).reason
    assert reason == "Halves has a backward of its own, and makes no image and no features"


class Scaled(nn.Module):
    """One with arguments that are no tensors."""

    def forward(self, x, factor=None, *, mode="times"):
        self.saved = 1 if factor is None else factor if mode == "times" else 1 / factor
        self.kind = type(factor).__name__
        return x * self.saved

    def backward(self, dy):
        return dy * self.saved


class Arguments(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.scaled, self.linear = nn.Conv2d(2, 3, 3), Scaled(), nn.Linear(36, 4)
        self.factor, self.mode = None, "times"

    def forward(self, x):
        y = self.scaled(self.conv(x), self.factor, mode=self.mode)
        return self.linear(fastcnn.flatten(y, 1))


def test_arguments_that_are_no_tensors_stay_what_they_are():
    """And a program is made anew when one of them is another."""
    model = Arguments().double()
    reference, compiled = copy.deepcopy(model), fastcnn.compile(model, input_gradient=True)
    x = np.random.default_rng(0).standard_normal((5, *SHAPE))
    for factor, mode in ((None, "times"), (2, "times"), (2, "over"), (2.0, "over"), (-3, "times")):
        for each in (model, reference):
            each.factor, each.mode = factor, mode
            each.zero_grad()
        want, got = reference(x), compiled(x)
        assert isinstance(compiled._last, Plan)
        assert model.scaled.kind == type(factor).__name__
        assert_near(got, want, 1e-12, 0.01, "output")
        dx, dx_wanted = compiled.backward(want), reference.backward(want)
        assert_same_gradients(model, reference, 1e-10, dx, dx_wanted)
        assert_near(model.predict(x), want, 1e-12, 0.01, "prediction")


def test_a_parameter_as_an_argument_runs_eagerly():
    model = Arguments()
    model.factor = nn.Parameter(np.full((1, 1, 1), 2, np.float32))
    compiled, x = fastcnn.compile(model), np.ones((2, *SHAPE), np.float32)
    reason = compiled._plans.find(model, x).reason
    assert reason == "Scaled has a backward of its own, and is given a parameter"
    assert compiled(x).shape == (2, 4)
