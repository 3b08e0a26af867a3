"""Networks that are written from their forward alone: their gradients are derived from what a call does."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import DTypeError, ShapeError, StateError
from fastcnn.testing import gradcheck

from .forwards import Block, Inception, Layered, Shared, SqueezeExcite, TwoInputs, UNet, normal


def check_gradients(model, *inputs):
    """Compare the gradients of inputs and parameters with float64 differences."""
    model.double().initialize(seed=3)
    parameters = list(model.parameters())
    state = model.state_dict()

    def forward(*tensors):
        model.load_state_dict(state)  # running statistics too
        for parameter, data in zip(parameters, tensors[len(inputs) :], strict=True):
            parameter.data[...] = data
        return model(*tensors[: len(inputs)])

    def backward(dy, *tensors):
        model.zero_grad()
        forward(*tensors)
        dx = model.backward(dy)
        return *(dx if len(inputs) > 1 else (dx,)), *(parameter.grad for parameter in parameters)

    gradcheck(forward, backward, [*inputs, *(parameter.data.copy() for parameter in parameters)])


@pytest.mark.parametrize(
    ("model", "shapes"),
    [
        (lambda: Block(2, 3, 2), [(3, 2, 4, 4)]),
        (lambda: SqueezeExcite(3, 2), [(2, 3, 2, 2)]),
        (lambda: UNet(1), [(2, 1, 4, 4)]),
        (Inception, [(2, 2, 3, 3)]),
        (Shared, [(2, 2, 4, 4)]),
        (Layered, [(2, 2, 3, 4)]),
    ],
)
def test_gradients(model, shapes):
    check_gradients(model(), *(normal(*shape) for shape in shapes))


def test_two_inputs_and_two_outputs():
    model = TwoInputs().double().initialize(seed=1)
    image, features = normal(2, 1, 4, 4), normal(2, 3, seed=1)
    scores, maps = model(image, features)
    assert (scores.shape, maps.shape) == ((2, 2), (2, 2, 2, 2))
    seen = {}

    def loss(image, features):
        scores, maps = model(image, features)
        return (scores * 2).sum() + (maps**2).sum()

    scores, maps = model(image, features)
    seen["image"], seen["features"] = model.backward((np.full_like(scores, 2), 2 * maps))
    for name, array in (("image", image), ("features", features)):
        numeric = np.zeros_like(array)
        for i in np.ndindex(array.shape):
            for sign in (1, -1):
                moved = {"image": image.copy(), "features": features.copy()}
                moved[name][i] += sign * 1e-6
                numeric[i] += sign * loss(**moved) / 2e-6
        np.testing.assert_allclose(seen[name], numeric, atol=1e-7)


def test_the_gradient_of_an_input_of_integers_is_zero():
    class Net(nn.Module):
        def forward(self, x, index):
            return x * x[:, :1] + index.numpy()[:, None]

    model, x = Net(), normal(2, 3)
    y = model(x, np.array([0, 7]))
    dx, none = model.backward(np.ones_like(y))
    expected = np.tile(x[:, :1], 3)
    expected[:, 0] += x.sum(1)
    np.testing.assert_allclose(dx, expected)
    assert (none.dtype, none.tolist()) == (np.int64, [0, 0])


def test_a_gradient_of_one_output_leaves_the_others_at_0():
    model = TwoInputs().double().initialize(seed=1)
    image, features = normal(2, 1, 4, 4), normal(2, 3, seed=1)
    scores, maps = model(image, features)
    whole = model.backward((np.zeros_like(scores), np.ones_like(maps)))
    weights = [p.grad for p in model.parameters()]
    model.zero_grad()
    part = model.backward((None, np.ones_like(maps)))
    for a, b in zip(whole, part, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(weights[0], model.conv.weight.grad)
    assert not weights[2].any()
    assert model.linear.weight.grad is None  # nothing depends on it


def test_keywords_and_structures():
    class Net(nn.Module):
        def forward(self, pair, *, scale):
            a, b = pair
            return {"sum": a + b, "parts": [a * scale, b]}

    model, a, b = Net(), normal(2, 3), normal(2, 3, seed=1)
    y = model((a, b), scale=2.0)
    np.testing.assert_array_equal(y["sum"], a + b)
    np.testing.assert_array_equal(y["parts"][0], 2 * a)
    da, db = model.backward({"sum": np.ones((2, 3)), "parts": [np.ones((2, 3)), None]})
    np.testing.assert_array_equal(da, np.full((2, 3), 3.0))
    np.testing.assert_array_equal(db, np.ones((2, 3)))


def test_random_numbers_and_modes_mean_what_python_says():
    """Stochastic depth: whether the branch runs is drawn anew in each call."""

    class Depth(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 2)
            self.rng = np.random.default_rng(0)

        def forward(self, x):
            if self.training and self.rng.random() < 0.5:
                return x
            return x + self.linear(x)

    model, x = Depth(), normal(3, 2).astype(np.float32)
    ran = []
    for _ in range(20):
        model.zero_grad()
        y = model(x)
        np.testing.assert_array_equal(model.backward(np.ones_like(y)).shape, x.shape)
        assert (model.linear.weight.grad is None) == np.array_equal(y, x)
        ran.append(model.linear.weight.grad is not None)
    assert 0 < sum(ran) < 20
    model.eval()
    assert not np.array_equal(model(x), x)


def test_branches_on_data():
    class Net(nn.Module):
        def forward(self, x):
            return x * 2 if x.mean() > 0 else x * 3

    model = Net()
    for x, factor in ((np.ones((1, 2)), 2), (-np.ones((1, 2)), 3)):
        y = model(x)
        np.testing.assert_array_equal(y, factor * x)
        np.testing.assert_array_equal(model.backward(np.ones_like(y)), np.full((1, 2), factor))


def test_a_shared_layer_adds_up_its_gradients():
    """By hand: y = w (w x), so dy/dw = 2 w x."""
    layer = nn.Linear(1, 1, bias=False).double()
    layer.weight.data[...] = 3
    model = nn.Sequential(layer, layer)
    assert model(np.array([[5.0]])) == 45
    np.testing.assert_array_equal(model.backward(np.ones((1, 1))), [[9.0]])
    np.testing.assert_array_equal(layer.weight.grad, [[30.0]])


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(2), nn.Dropout(0.5)])
def test_shared_layers_without_and_with_state(layer):
    """A layer that is used twice gives the gradients of two layers."""
    two = nn.Sequential(layer, copy.deepcopy(layer)).double()
    x, rng = normal(3, 2, 8, 8), np.random.default_rng
    if isinstance(layer, nn.Dropout):
        layer.generator = two[1].generator = rng(0)
    one = nn.Sequential(layer, layer)
    if isinstance(layer, nn.Dropout):
        y = two(x)
        want = two.backward(np.ones_like(y))
        layer.generator = rng(0)
    else:
        y = two(x)
        want = two.backward(np.ones_like(y))
        layer.double().reset_parameters()
    np.testing.assert_array_equal(one(x), y)
    np.testing.assert_array_equal(one.backward(np.ones_like(y)), want)


def test_what_dy_must_be():
    model, x = nn.ReLU(), normal(2, 3)
    model(x)
    with pytest.raises(DTypeError, match="ReLU: dy must be an array, got list"):
        model.backward([[1.0]])
    with pytest.raises(DTypeError, match="ReLU: dy must be an array, got NoneType"):
        model.backward(None)
    with pytest.raises(DTypeError, match="ReLU: dy must be float64 as the output, got float32"):
        model.backward(x.astype(np.float32))
    with pytest.raises(ShapeError, match=r"ReLU: dy must have the shape \(2, 3\), got \(3, 2\)"):
        model.backward(x.T)
    two = TwoInputs().double()
    two(normal(1, 1, 3, 3), normal(1, 3))
    with pytest.raises(ShapeError, match="TwoInputs: dy must have 2 arrays, as the output, got one ndarray"):
        two.backward(np.ones((1, 2)))


def test_frozen_parameters_and_no_gradient_for_the_input():
    model = Block(2, 3, 2).double().initialize(seed=1)
    x = normal(3, 2, 4, 4)
    y = model(x)
    model.backward(np.ones_like(y))
    want = {name: p.grad for name, p in model.named_parameters()}
    model.zero_grad()
    model.conv1.weight.requires_grad = False
    assert model.backward(np.ones_like(y), input_gradient=False) is None
    for name, parameter in model.named_parameters():
        if name == "conv1.weight":
            assert parameter.grad is None
        else:
            np.testing.assert_array_equal(parameter.grad, want[name])


def test_numpy_on_a_value_computes_and_has_no_backward():
    class Net(nn.Module):
        def forward(self, x):
            return x * np.maximum(x, 0)

    model, x = Net(), normal(2, 3)
    np.testing.assert_array_equal(model(x), x * np.maximum(x, 0))
    message = (
        r"backward: numpy.maximum was called on a value \(.*test_passes.py:\d+\), whose gradient is not known"
    )
    with pytest.raises(StateError, match=message):
        model.backward(x)


def test_constants_and_what_is_detached_have_no_gradient():
    class Net(nn.Module):
        def forward(self, x):
            return x * (x > 0) + x.detach() * 5 + np.float64(2) + x.numpy().mean()

    model, x = Net(), normal(2, 3).astype(np.float32)
    y = model(x)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(model.backward(np.ones_like(y)), (x > 0).astype(np.float32))


@pytest.mark.parametrize("last", [nn.ReLU(), nn.Softmax(1), nn.Sequential(nn.ReLU(), nn.Flatten())])
def test_the_output_may_be_changed_before_backward(last):
    """As in ``y -= target; model.backward(y)``: the record has its own."""
    model, x = nn.Sequential(nn.Linear(3, 4), last).double().initialize(seed=0), normal(2, 3)
    dy = model(x) - 1
    want = model.backward(dy)
    y = model(x)
    y -= 1
    np.testing.assert_array_equal(model.backward(y), want)


def test_an_output_that_is_the_input():
    class Net(nn.Module):
        def forward(self, x):
            return x, x

    model, x = Net(), normal(2, 2)
    a, b = model(x)
    assert a is x
    assert b is x
    np.testing.assert_array_equal(
        model.backward((np.ones((2, 2)), 2 * np.ones((2, 2)))), np.full((2, 2), 3.0)
    )


def test_an_output_that_is_an_object():
    class Net(nn.Module):
        def forward(self, x):
            return SimpleNamespace(y=x * 2)

    model = Net()
    model(normal(2, 3))
    with pytest.raises(StateError, match="Net: backward: forward returned an object, SimpleNamespace, whose"):
        model.backward(np.ones((2, 3)))
