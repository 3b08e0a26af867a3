"""Sequential, Residual, DenseResidual."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import DTypeError, ShapeError
from fastcnn.testing import gradcheck


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def check_gradient(model, x):
    """Compare backward with differences of forward, for the input and every parameter."""
    model.double()
    weights = [p.data for p in model.parameters()]

    def forward(x, *values):
        for weight, value in zip(weights, values, strict=True):
            weight[...] = value
        return model(x)

    def backward(dy, x, *values):
        forward(x, *values)
        model.zero_grad()
        return [model.backward(dy), *(p.grad for p in model.parameters())]

    gradcheck(forward, backward, [x, *(w.copy() for w in weights)])


def test_sequential_is_a_chain_and_a_list():
    first, second, third = nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)
    model = nn.Sequential(first, second, third)
    assert len(model) == 3
    assert list(model) == [first, second, third]
    assert model[0] is first
    assert model[-1] is third
    x = normal(5, 4).astype(np.float32)
    np.testing.assert_array_equal(model(x), third(second(first(x))))
    head = model[:2]
    assert isinstance(head, nn.Sequential)
    assert list(head) == [first, second]
    assert [name for name, _ in model[1:].named_children()] == ["1", "2"]
    with pytest.raises(IndexError):
        model[3]


def test_sequential_with_names():
    model = nn.Sequential({"conv": nn.Conv2d(1, 2, 3), "flat": nn.Flatten()})
    assert [name for name, _ in model.named_parameters()] == ["conv.weight", "conv.bias"]
    assert model.conv is model[0]


def test_sequential_append():
    model = nn.Sequential(nn.Flatten())
    assert model.append(nn.Linear(8, 2)) is model
    assert [name for name, _ in model.named_parameters()] == ["1.weight", "1.bias"]
    assert model(normal(3, 2, 4).astype(np.float32)).shape == (3, 2)


def test_empty_sequential_is_the_identity():
    x = normal(2, 3)
    model = nn.Sequential()
    assert model(x) is x
    assert model.backward(x) is x


def test_a_shortcut_brings_the_input_to_the_shape_of_the_body():
    body, shortcut = nn.Conv2d(2, 3, 3, 2, 1).double(), nn.Conv2d(2, 3, 1, 2).double()
    block, x = nn.Residual(body, shortcut), normal(2, 2, 5, 5)
    np.testing.assert_array_equal(block(x), shortcut(x) + body(x))
    assert sorted(block.state_dict()) == ["body.bias", "body.weight", "shortcut.bias", "shortcut.weight"]
    check_gradient(block, x)
    block.shortcut = None
    with pytest.raises(ShapeError, match="Residual: body turned the shape"):
        block(x)
    with pytest.raises(ShapeError, match=r"body made the shape \(2, 3, 3, 3\) and shortcut \(2, 2, 5, 5\)"):
        nn.Residual(body, nn.Identity())(x)
    with pytest.raises(DTypeError, match="Residual: shortcut must be a Module, got int"):
        nn.Residual(body, 3)


def test_gradients():
    check_gradient(nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 2)), normal(2, 2, 4, 4))
    check_gradient(nn.Residual(nn.Conv2d(2, 2, 3, padding=1)), normal(2, 2, 4, 3))
    check_gradient(nn.DenseResidual(nn.Conv2d(2, 3, 3, padding=1)), normal(2, 2, 4, 3))
    nested = nn.Residual(nn.Sequential(nn.DenseResidual(nn.Conv2d(2, 1, 1)), nn.Conv2d(3, 2, 1)))
    check_gradient(nested, normal(2, 2, 3, 3))


def test_residual_adds():
    body = nn.Conv2d(2, 2, 1, bias=False)
    body.weight.data[...] = np.array([[1, 0], [0, -1]]).reshape(2, 2, 1, 1)
    x = normal(1, 2, 3, 3).astype(np.float32)
    np.testing.assert_allclose(nn.Residual(body)(x), np.stack([2 * x[:, 0], 0 * x[:, 1]], axis=1))


def test_dense_residual_concatenates():
    x = normal(2, 3, 4, 4).astype(np.float32)
    model = nn.DenseResidual(nn.Conv2d(3, 5, 3, padding=1))
    y = model(x)
    assert y.shape == (2, 8, 4, 4)
    np.testing.assert_array_equal(y[:, :3], x)
    np.testing.assert_array_equal(y[:, 3:], model.body(x))
    assert model(x[0]).shape == (8, 4, 4)
    assert model.backward(y[0]).shape == (3, 4, 4)


def test_bodies_that_do_not_fit():
    x = normal(2, 3, 4, 4).astype(np.float32)
    message = r"Residual: body turned the shape \(2, 3, 4, 4\) into \(2, 5, 4, 4\); it must keep it"
    with pytest.raises(ShapeError, match=message):
        nn.Residual(nn.Conv2d(3, 5, 1))(x)
    with pytest.raises(ShapeError, match=r"Residual: body turned the shape .* into \(2, 3, 2, 2\)"):
        nn.DenseResidual(nn.MaxPool2d(2))(x)
    with pytest.raises(ShapeError, match="DenseResidual: body turned"):
        nn.DenseResidual(nn.Flatten())(x)


def test_only_modules():
    for make in (nn.Residual, nn.DenseResidual):
        with pytest.raises(DTypeError, match=f"{make.__name__}: body must be a Module, got function"):
            make(lambda x: x)
    with pytest.raises(DTypeError, match="Sequential: 1 must be a Module, got int"):
        nn.Sequential(nn.ReLU(), 3)
    with pytest.raises(DTypeError, match="Sequential: act must be a Module, got str"):
        nn.Sequential({"act": "relu"})
    with pytest.raises(DTypeError, match="Sequential: a Module is needed, got str"):
        nn.Sequential().append("relu")
