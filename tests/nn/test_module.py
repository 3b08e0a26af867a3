"""Passes, modes, prediction, and layers that users write."""

import copy

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError, SizeError, StateError
from fastcnn.testing import gradcheck

from .networks import Scale, assert_untouched, fingerprint, images, network

# Passes


def test_a_layer_in_ten_lines_of_numpy():
    layer = Scale(3).double()
    layer.weight.data[...] = np.array([1, -2, 0.5])[:, None, None]

    def forward(x, weight):
        layer.weight.data[...] = weight
        return layer(x)

    def backward(dy, x, weight):
        forward(x, weight)
        layer.zero_grad()
        return layer.backward(dy), layer.weight.grad

    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    gradcheck(forward, backward, [x, layer.weight.data.copy()])


def test_backward_runs_through_a_tree_with_a_users_layer():
    model = network().eval().double()
    x = images(2).astype(np.float64)
    names = [name for name, _ in model.named_parameters()]

    def forward(x, *weights):
        for parameter, weight in zip(model.parameters(), weights, strict=True):
            parameter.data[...] = weight
        return model(x)

    def backward(dy, x, *weights):
        forward(x, *weights)
        model.zero_grad()
        return [model.backward(dy), *(p.grad for p in model.parameters())]

    assert "scale.weight" in names
    gradcheck(forward, backward, [x, *(p.data.copy() for p in model.parameters())])


def test_backward_before_forward():
    for layer, dy in [
        (nn.Conv2d(2, 4, 3), images()),
        (nn.ReLU(), images()),
        (nn.BatchNorm2d(2), images()),
        (nn.MaxPool2d(2), images()),
        (nn.Linear(3, 2), np.zeros((1, 2), np.float32)),
        (nn.CrossEntropyLoss(), 1.0),
    ]:
        with pytest.raises(StateError, match=f"{type(layer).__name__}: backward was called before forward"):
            layer.backward(dy)


def test_a_module_without_passes():
    with pytest.raises(NotImplementedError, match="Module does not define forward"):
        nn.Module()(images())
    with pytest.raises(StateError, match=r"Module: backward was called before forward: .* model\(x\)"):
        nn.Module().backward(images())


def test_frozen_parameters_take_no_gradient():
    model = network()
    model.stem.weight.requires_grad = False
    model.backward(np.ones_like(model(images())))
    assert model.stem.weight.grad is None
    assert model.head.weight.grad is not None
    assert model.num_parameters() == sum(p.size for p in model.parameters()) - model.stem.weight.size


# Modes and prediction


def test_modes_reach_the_whole_tree():
    model = network()
    assert all(module.training for module in model.modules())
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    model.block.train()
    assert not model.training
    assert model.block.body[1].training


@pytest.mark.parametrize("batch_size", [1, 2, 5, 256])
def test_predict_is_evaluation_in_batches(batch_size):
    model = network().train()
    model(images(seed=1))
    expected = copy.deepcopy(model).eval()(images())
    np.testing.assert_allclose(model.predict(images(), batch_size), expected, rtol=1e-5, atol=1e-6)


def test_predict_leaves_no_trace():
    model = network().train()
    model.block.body[0].eval()
    model.backward(np.ones_like(model(images())))
    before = fingerprint(model)
    model.predict(images(7, seed=3), batch_size=2)
    model.output_shape((3, 2, 6, 6))
    model.summary((2, 6, 6))
    assert_untouched(model, before)


def test_predict_leaves_no_trace_after_an_error():
    model = network().train()
    model(images())
    before = fingerprint(model)
    for bad in (np.zeros((2, 3, 6, 6), np.float32), np.zeros((2, 2, 1, 1), np.float32)):
        with pytest.raises(ShapeError):
            model.predict(bad)
    assert_untouched(model, before)


def test_predict_of_nothing():
    assert network().predict(images(0)).shape == (0, 3)


def test_predict_refuses():
    model = network()
    with pytest.raises(ArgumentError, match="predict: batch_size must be at least 1, got 0"):
        model.predict(images(), 0)
    with pytest.raises(DTypeError, match="predict: x must be an array with a batch axis, got list"):
        model.predict([[1.0]])


def test_output_shape():
    model = network()
    assert model.output_shape((7, 2, 6, 6)) == (7, 3)
    assert model.output_shape((0, 2, 6, 6)) == (0, 3)
    assert model.stem.output_shape((1, 2, 9, 8)) == (1, 4, 7, 6)
    with pytest.raises(ShapeError, match="output_shape: input_shape must be"):
        model.output_shape(6)
    with pytest.raises(ShapeError):
        model.output_shape((1, 3, 6, 6))


def test_a_copy_shares_nothing():
    model = network()
    twin = copy.deepcopy(model)
    np.testing.assert_array_equal(twin.predict(images()), model.predict(images()))
    twin.head.bias.data += 1
    assert (twin.head.bias.data != model.head.bias.data).all()


def test_apply_goes_from_the_children_up():
    model, met = network(), []
    assert model.apply(lambda module: met.append(module)) is model
    body = model.block.body
    assert met == [model.stem, *body, body, model.block, model.scale, model.flat, model.head, model]
    shared, times = nn.ReLU(), []
    nn.Sequential(shared, shared).apply(times.append)
    assert times.count(shared) == 1


def test_repr_shows_the_tree():
    text = repr(network())
    assert text.startswith(
        "Sequential(\n  (stem): Conv2d(2, 4, kernel_size=(3, 3), bias=False)\n  (block): Residual("
    )
    assert "\n      (3): Dropout(p=0.5)\n" in text
    assert text.endswith("(head): Linear(64, 3)\n)")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: nn.Conv2d(10**9, 10**9, 3), "Conv2d: weight"),
        (lambda: nn.Linear(10**12, 10**12), "Linear: weight"),
        (lambda: nn.PositionBias((10**9, 10**9, 10**9)), "PositionBias: bias"),
        (lambda: nn.BatchNorm2d(2**62), "BatchNorm2d: weight"),
    ],
)
def test_a_layer_that_no_memory_holds(make, name):
    with pytest.raises(SizeError, match=name):
        make()
