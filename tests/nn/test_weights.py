"""State dicts, types, seeds, gradients and frozen parameters of a whole tree."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.errors import ArgumentError, DTypeError, ShapeError

from .networks import assert_untouched, fingerprint, images, network


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
