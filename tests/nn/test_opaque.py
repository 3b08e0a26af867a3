"""Modules with a backward of their own: their passes see arrays, wherever they stand."""

import threading

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn, optim
from fastcnn.errors import DTypeError, ShapeError
from fastcnn.testing import gradcheck

from ..graph.models import passes
from .forwards import normal


class Square(nn.Module):
    """y = x^2, which looks at what it gets."""

    def forward(self, x):
        assert type(x) is np.ndarray
        self.saved = x
        return x * x

    def backward(self, dy):
        assert type(dy) is np.ndarray
        return 2 * self.saved * dy


class Returns(nn.Module):
    """A backward that returns what it is told to."""

    def __init__(self, dx):
        super().__init__()
        self.dx = dx

    def forward(self, x):
        return x.copy()

    def backward(self, dy):
        return self.dx


class Net(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        self.members = nn.ModuleList(modules)

    def forward(self, x):
        y = x
        for module in self.members:
            y = module(y)
        return y + x


def test_alone_and_in_networks():
    x = normal(2, 3)
    layer = Square()
    np.testing.assert_array_equal(layer(x), x * x)
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)), 2 * x)
    for model in (nn.Sequential(layer), nn.Residual(layer), Net(layer)):
        y = model(x)
        assert type(y) is np.ndarray
        shift = 0 if isinstance(model, nn.Sequential) else 1
        np.testing.assert_array_equal(y, x * x + shift * x)
        np.testing.assert_allclose(model.backward(np.ones_like(x)), 2 * x + shift)


def test_shared_by_two_places():
    """(x^2)^2 has the gradient 4 x^3."""
    layer, x = Square(), normal(2, 3)
    model = nn.Sequential(layer, layer)
    np.testing.assert_allclose(model(x), x**4)
    np.testing.assert_allclose(model.backward(np.ones_like(x)), 4 * x**3)


def test_shared_by_threads():
    layer, failures = Square(), []

    def work(seed):
        x = normal(50, 50, seed=seed)
        for _ in range(200):
            y = layer(x)
            if not np.array_equal(layer.backward(np.ones_like(y)), 2 * x):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failures


def test_members_with_passes_of_all_kinds():
    """A backward that calls those of its members, by hand, of which one has members of its own."""

    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.square = nn.Linear(3, 3), Square()

        def forward(self, x):
            return self.square(self.linear(x))

        def backward(self, dy):
            return self.linear.backward(self.square.backward(dy))

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.chain = Inner(), nn.Sequential(nn.Linear(3, 3), Square(), nn.ReLU())

        def forward(self, x):
            return self.chain(self.inner(x)) * 2

        def backward(self, dy):
            return self.inner.backward(self.chain.backward(dy * 2))

    outer = Outer().double().initialize(seed=2)
    model = nn.Sequential(outer, nn.Residual(outer))  # twice
    parameters = list(model.parameters())

    def forward(x, *weights):
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.data[...] = weight
        return model(x)

    def backward(dy, x, *weights):
        forward(x, *weights)
        model.zero_grad()
        return [model.backward(dy), *(p.grad for p in parameters)]

    gradcheck(forward, backward, [normal(2, 3), *(p.data.copy() for p in parameters)])


def test_forward_called_by_its_name():
    """As in ``layer.forward(x)``: self.saved works without a call."""
    layer, x = Square(), normal(2, 3)
    layer.forward(x)
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)), 2 * x)


@pytest.mark.parametrize("base", [nn.Linear, Square])
def test_a_class_that_calls_its_base(base):
    """Twice what the base makes has twice its gradient."""

    class Double(base):
        def forward(self, x):
            return 2 * super().forward(x)

        def backward(self, dy):
            return super().backward(2 * dy)

    class Scaled(base):
        def backward(self, dy):
            return super().backward(3 * dy)

    arguments = (3, 3) if base is nn.Linear else ()
    plain, x, dy = base(*arguments).double(), normal(2, 3), normal(2, 3, seed=1)
    y = plain(x)
    dx = plain.backward(dy)
    for kind, forward, backward in ((Double, 2, 2), (Scaled, 1, 3)):
        module = kind(*arguments).double()
        module.load_state_dict(plain.state_dict())
        for model in (module, nn.Sequential(module)):
            model.zero_grad()
            np.testing.assert_allclose(model(x), forward * y)
            np.testing.assert_allclose(model.backward(dy), backward * dx)
            if base is nn.Linear:
                np.testing.assert_allclose(module.weight.grad, backward * plain.weight.grad)


@pytest.mark.parametrize(
    ("dx", "error", "message"),
    [
        (None, DTypeError, "got None"),
        ([[1.0]], DTypeError, "got list"),
        (3.0, DTypeError, "got float"),
        (np.ones((2, 3), np.float32), DTypeError, "got float32"),
        (np.ones((3, 2)), ShapeError, r"got the shape \(3, 2\)"),
        ((np.ones((2, 3)), np.ones((2, 3))), ShapeError, "a gradient for each of 1 inputs, got 2"),
    ],
)
def test_what_a_backward_returns_is_checked_at_its_own_door(dx, error, message):
    model = Net(nn.Linear(3, 3).double(), Returns(dx))
    y = model(normal(2, 3))
    with pytest.raises(error, match=rf"Returns\.backward must return .*{message}"):
        model.backward(y)


def test_a_gradient_that_nobody_wants_is_not_asked_for():
    """The input of the first layer; its backward still runs, since it has a weight."""

    class Gain(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(np.ones(1))

        def forward(self, x):
            self.saved = x
            return x * self.weight.data

        def backward(self, dy, *, input_gradient=True):
            asked.append(input_gradient)
            self.weight.accumulate((dy * self.saved).sum(keepdims=True).reshape(1))
            return dy * self.weight.data if input_gradient else None

    asked = []
    model, x = nn.Sequential(Gain(), Gain()), normal(2, 3)
    y = model(x)
    assert model.backward(y, input_gradient=False) is None
    assert asked == [True, False]
    np.testing.assert_allclose(model[0].weight.grad, [(x * x).sum()])


class InPlace(nn.Module):
    """ReLU as many write it: the gradient is changed where it stands."""

    def forward(self, x):
        self.saved = x > 0
        return x * self.saved

    def backward(self, dy):
        dy *= self.saved
        return dy


@pytest.mark.parametrize(
    ("function", "dx"),
    [
        (lambda layer, x: x + layer(x), [1, 2]),
        (lambda layer, x: layer(x) + x, [1, 2]),
        (lambda layer, x: layer(x) + layer(-x), [-1, 1]),
        (lambda layer, x: layer(x).sum(), [0, 1]),  # whose gradient is one number, seen as many
    ],
)
def test_a_backward_may_write_into_its_gradient(function, dx):
    layer = InPlace()
    _, found = passes(lambda x: function(layer, x), np.array([-2.0, 3]))
    np.testing.assert_array_equal(found, dx)


def test_the_gradient_that_the_user_gave_stays_as_it_is():
    layer, dy = InPlace(), np.ones(2)
    passes(lambda x: layer(x), np.array([-2.0, 3]), dy=dy)
    np.testing.assert_array_equal(dy, 1)


def test_several_inputs_and_outputs():
    class Both(nn.Module):
        def forward(self, a, b, *, factor=1.0):
            self.saved = a, b, factor
            return a * b * factor, a + b

        def backward(self, dys):
            (product, total), (a, b, factor) = dys, self.saved
            return product * b * factor + total, product * a * factor + total

    class User(nn.Module):
        def __init__(self):
            super().__init__()
            self.both = Both()

        def forward(self, x):
            product, total = self.both(x, F.relu(x), factor=2.0)
            return product + 3 * total

    def backward(dy, x):
        model(x)
        return [model.backward(dy)]

    model = User()
    gradcheck(model, backward, [normal(2, 3) + 0.1])


def test_a_forward_returns_arrays():
    class Wrong(nn.Module):
        def forward(self, x):
            return 3.0

        def backward(self, dy):
            return dy

    with pytest.raises(DTypeError, match=r"Wrong\.forward must return arrays, got float"):
        nn.Sequential(Wrong())(normal(2, 3))


def test_a_training_step_with_a_foreign_layer():
    """Eagerly, in a Trainer."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), Square(), nn.Linear(3, 2)).initialize(seed=0)
    trainer = fastcnn.Trainer(model, optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())
    x, y = normal(8, 1, 2, 2).astype(np.float32), np.arange(8) % 2
    losses = [trainer.train_step(x, y) for _ in range(60)]
    assert losses[-1] < 0.9 * losses[0]
