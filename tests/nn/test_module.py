"""Passes, modes, prediction, weights, and layers that users write."""

import copy

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.errors import ArgumentError, DTypeError, ShapeError, SizeError, StateError
from fastcnn.testing import gradcheck


class Scale(nn.Module):
    """y = x * weight, one weight a channel: a layer in ten lines."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(np.ones((channels, 1, 1), np.float32))

    def forward(self, x):
        self.saved = x
        return x * self.weight.data

    def backward(self, dy):
        self.weight.accumulate((dy * self.saved).sum(axis=(0, 2, 3))[:, None, None])
        return dy * self.weight.data


def network():
    """A small tree with every kind of member: parameters, buffers, a container in a container."""
    block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
    return nn.Sequential(
        {
            "stem": nn.Conv2d(2, 4, 3, bias=False),
            "block": nn.Residual(block),
            "scale": Scale(4),
            "flat": nn.Flatten(),
            "head": nn.Linear(4 * 4 * 4, 3),
        }
    ).initialize(seed=1)


def images(count=5, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 2, 6, 6)).astype(np.float32)


def fingerprint(model):
    """Everything that a passive call must leave as it is."""
    state = {name: value.tobytes() for name, value in model.state_dict().items()}
    grads = [None if p.grad is None else p.grad.tobytes() for p in model.parameters()]
    return state, grads, [(module.training, module._saved) for module in model.modules()]


def assert_untouched(model, before):
    """Check the fingerprint; what was saved must be the same objects."""
    now = fingerprint(model)
    assert now[:2] == before[:2]
    for (mode, saved), (mode_before, saved_before) in zip(now[2], before[2], strict=True):
        assert mode == mode_before
        assert saved is saved_before


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
    with pytest.raises(NotImplementedError, match="Module does not define backward"):
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


# Weights


def test_state_dict_goes_back_and_forth():
    model, other = network(), network().initialize(seed=2)
    model(images())
    state = model.state_dict()
    assert set(state) == {name for name, _ in [*model.named_parameters(), *model.named_buffers()]}
    assert state["block.body.1.num_batches_tracked"] == 1
    other.load_state_dict(state)
    np.testing.assert_array_equal(other.predict(images()), model.predict(images()))


def test_state_dict_holds_copies():
    model = network()
    state = model.state_dict()
    state["head.bias"][...] = 9
    assert (model.head.bias.data != 9).all()
    model.load_state_dict(state)
    state["head.bias"][...] = 5
    np.testing.assert_array_equal(model.head.bias.data, 9)


def test_load_state_dict_converts_types():
    model = network().double()
    model.load_state_dict(network().state_dict())
    assert all(p.dtype == np.float64 for p in model.parameters())


def test_load_state_dict_names_what_does_not_fit_and_changes_nothing():
    model = network()
    before = fingerprint(model)
    good = network().initialize(seed=5).state_dict()

    def changed(**entries):
        return {**good, **{name.replace("__", "."): value for name, value in entries.items()}}

    missing = {name: value for name, value in good.items() if name != "head.bias"}
    with pytest.raises(ArgumentError, match=r"load_state_dict: missing names \['head.bias'\]"):
        model.load_state_dict(missing)
    with pytest.raises(ArgumentError, match=r"unexpected names \['extra.weight'\]"):
        model.load_state_dict(changed(extra__weight=np.zeros(1)))
    with pytest.raises(
        ShapeError, match=r"load_state_dict: head.bias must have the shape \(3,\), got \(4,\)"
    ):
        model.load_state_dict(changed(head__bias=np.zeros(4)))
    with pytest.raises(ShapeError):
        model.load_state_dict(changed(head__bias=np.zeros((3, 1))), strict=False)
    with pytest.raises(DTypeError, match=r"load_state_dict: head\.bias must be numbers"):
        model.load_state_dict(changed(head__bias=np.array(["a", "b", "c"])))
    assert_untouched(model, before)


def test_load_state_dict_without_strictness():
    model = network()
    model.load_state_dict({"head.bias": np.full(3, 4.0), "unknown": np.zeros(1)}, strict=False)
    np.testing.assert_array_equal(model.head.bias.data, 4)


def test_astype():
    model = network()
    model.backward(np.ones_like(model(images())))
    assert model.double() is model
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float64)}
    assert all(p.grad is None for p in model.parameters())
    assert model.block.body[1].running_mean.dtype == np.float64
    assert model.block.body[1].num_batches_tracked.dtype == np.int64
    assert model(images().astype(np.float64)).dtype == np.float64
    assert {p.dtype for p in model.float().parameters()} == {np.dtype(np.float32)}
    with pytest.raises(DTypeError, match="astype: dtype must be float32 or float64, got float16"):
        model.astype(np.float16)


def test_a_copy_shares_nothing():
    model = network()
    twin = copy.deepcopy(model)
    np.testing.assert_array_equal(twin.predict(images()), model.predict(images()))
    twin.head.bias.data += 1
    assert (twin.head.bias.data != model.head.bias.data).all()


# Seeds


def test_reseed_gives_each_dropout_a_stream_of_its_own():
    model = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    x = np.ones((4, 50), np.float32)

    def masks(seed):
        model.reseed(seed)
        return model[0](x), model[1](x)

    first, second = masks(3)
    assert (first != second).any()
    again = masks(3)
    np.testing.assert_array_equal(first, again[0])
    np.testing.assert_array_equal(second, again[1])
    assert (masks(4)[0] != first).any()
    with pytest.raises(ArgumentError, match="reseed: seed must be at least 0, got -1"):
        model.reseed(-1)


def test_zero_grad():
    model = network()
    model.backward(np.ones_like(model(images())))
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_zero_grad_can_fill_with_zeros_in_place():
    """As in PyTorch, an array that is there stays the parameter's gradient, and none is made."""
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for owner in (model, optimizer, fastcnn.compile(model)):
        grad = np.ones((2, 2), np.float32)
        model[0].weight.grad = grad
        owner.zero_grad(set_to_none=False)
        assert model[0].weight.grad is grad
        np.testing.assert_array_equal(grad, 0)
        assert model[0].bias.grad is None
        owner.zero_grad()
        assert model[0].weight.grad is None


def test_requires_grad_of_a_whole_tree():
    model = network()
    assert model.block.requires_grad_(False) is model.block
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {f"block.body.{name}" for name in ("0.weight", "0.bias", "1.weight", "1.bias")}
    assert model.num_parameters() == 2 * 4 * 9 + 4 + (64 * 3 + 3)
    model.requires_grad_()
    assert all(p.requires_grad for p in model.parameters())


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
