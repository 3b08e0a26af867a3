"""Hooks see the arrays of each call of a module, and the gradients."""

import copy
import logging

import numpy as np
import pytest

import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.errors import DTypeError, StateError

from .forwards import TwoInputs, normal
from .test_opaque import Square


def chain():
    return nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2)).double().initialize(seed=0)


def test_forward_hooks_see_arrays():
    model, x, met = chain(), normal(2, 3), []
    model[1].register_forward_pre_hook(lambda module, args: met.append(("before", module, args)))
    model[1].register_forward_hook(lambda module, args, y: met.append(("after", module, args, y)))
    y = model(x)
    (_, first, (before,)), (_, second, (again,), after) = met
    assert first is second is model[1]
    assert type(before) is type(after) is np.ndarray
    np.testing.assert_allclose(before, x @ model[0].weight.data.T + model[0].bias.data, rtol=1e-12)
    np.testing.assert_array_equal(again, before)
    np.testing.assert_array_equal(after, np.maximum(before, 0))
    assert model.backward(np.ones_like(y)).shape == x.shape
    model.predict(x)
    assert len(met) == 4


@pytest.mark.parametrize("layer", [nn.ReLU(), Square()], ids=["derived", "own"])
def test_backward_hooks(layer):
    """Alone and in a network, with a backward of their own or without; the gradients stay the same."""
    x, dy, met = normal(2, 3), normal(2, 3, seed=1), []
    layer(x)
    want = layer.backward(dy)
    layer.register_full_backward_hook(lambda *given: met.append(given))
    for model in (layer, nn.Sequential(layer, nn.Identity())):
        met.clear()
        model(x)
        np.testing.assert_array_equal(model.backward(dy), want)
        ((module, grad_input, grad_output),) = met
        assert module is layer
        np.testing.assert_array_equal(grad_input, [want])
        np.testing.assert_array_equal(grad_output, [dy])


def test_a_backward_hook_can_change_the_gradient():
    model, x = chain(), normal(2, 3)
    y = model(x)
    want = model.backward(np.ones_like(y))
    weight = model[0].weight.grad
    model.zero_grad()
    model[1].register_full_backward_hook(lambda module, grad_input, grad_output: (2 * grad_input[0],))
    model(x)
    np.testing.assert_allclose(model.backward(np.ones_like(y)), 2 * want)
    np.testing.assert_allclose(model[0].weight.grad, 2 * weight)


def test_backward_hooks_are_called_where_the_input_needs_no_gradient():
    model, met = chain(), []
    model[0].register_full_backward_hook(
        lambda module, grad_input, grad_output: met.append(grad_input[0].shape)
    )
    y = model(normal(2, 3))
    assert model.backward(np.ones_like(y), input_gradient=False) is None
    assert met == [(2, 3)]


def test_several_inputs_and_outputs():
    model, met = TwoInputs().double().initialize(seed=1), []
    model.register_full_backward_hook(lambda module, dx, dy: met.append((dx, dy)))
    model.register_forward_hook(lambda module, args, y: met.append((args, y)))
    image, features = normal(2, 1, 4, 4), normal(2, 3, seed=1)
    scores, maps = model(image, features)
    dx = model.backward((np.ones_like(scores), np.ones_like(maps)))
    (args, y), (grad_input, grad_output) = met
    assert [each.shape for each in args] == [image.shape, features.shape]
    assert [each.shape for each in y] == [each.shape for each in grad_output] == [scores.shape, maps.shape]
    for got, want in zip(grad_input, dx, strict=True):
        np.testing.assert_array_equal(got, want)


def test_what_a_forward_hook_returns_replaces_and_ends_the_backward_pass():
    model, x = chain(), normal(2, 3)
    with model[0].register_forward_hook(lambda module, args, y: 0 * y):
        y = model(x)
        np.testing.assert_allclose(y, np.broadcast_to(model[2].bias.data, (2, 2)))
        with pytest.raises(StateError, match="a hook of Linear put other arrays in the place of values"):
            model.backward(y)
    assert model(x).any()
    model.backward(y)
    with model.register_forward_pre_hook(lambda module, args: 2 * args[0]):
        got = model(x)
    np.testing.assert_array_equal(got, model(2 * x))


def test_a_model_with_hooks_runs_eagerly_and_says_so(caplog):
    model, x, met = chain().float(), normal(2, 3).astype(np.float32), []
    want = model.predict(x)
    handle = model[1].register_forward_hook(lambda *_: met.append(1))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            np.testing.assert_allclose(model.predict(x), want, 1e-5)
    assert len(met) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "the model runs eagerly, without the compiled engine: ReLU has hooks"
    ]
    handle.remove()
    handle.remove()
    np.testing.assert_array_equal(model.predict(x), want)
    assert len(met) == 2


def test_hooks_are_copied_with_the_module_and_stay_apart():
    model, met = nn.ReLU(), []
    handle = model.register_forward_hook(lambda *_: met.append(1))
    twin = copy.deepcopy(model)
    handle.remove()
    model(normal(2))
    assert not met
    twin(normal(2))
    assert met == [1]


def test_a_hook_is_callable():
    for register in ("register_forward_pre_hook", "register_forward_hook", "register_full_backward_hook"):
        with pytest.raises(DTypeError, match="ReLU: hook must be callable, got int"):
            getattr(nn.ReLU(), register)(3)


def test_functions_in_forward_are_not_hooked():
    class Net(nn.Module):
        def forward(self, x):
            return F.relu(x) * 2

    model, met = Net(), []
    model.register_forward_hook(lambda module, args, y: met.append(y))
    y = model(normal(2))
    assert met[0] is y
