"""Sums over many pixels keep their digits in float32, layer after layer and in programs.

Where all terms are alike, as the gradients behind an average are, a sum in one go is off by far more than the
square root of their number.
"""

import copy

import numpy as np
import pytest

from fastcnn import nn, ops
from fastcnn.engine import Plan

WAYS = ["eager", "images", "channels"]


def relative(got, want):
    return float(np.abs(got - want).max() / np.abs(want).max())


def images(*shape):
    return np.random.default_rng(0).random(shape).astype(np.float32)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layer", [nn.AvgPool2d(224), nn.AdaptiveAvgPool2d(1)], ids=repr)
def test_averages_of_large_maps(isa, layer, way):
    x = images(2, 3, 224, 224)
    want = x.astype(np.float64).mean((2, 3), keepdims=True)
    if way == "eager":
        got = layer(x)
    else:
        got = Plan(nn.Sequential(layer), x.shape[1:], training=False, batch_size=2, layout=way).forward(x)
    assert relative(got, want) < 3e-7


@pytest.mark.parametrize("size", [1000, 1001])
def test_averages_of_a_million_pixels(isa, size):
    x = images(1, 2, size, size)
    want = x.astype(np.float64).mean((2, 3), keepdims=True)
    assert relative(ops.avg_pool2d(x, size), want) < 2e-7
    assert relative(ops.adaptive_avg_pool2d(x, 1), want) < 2e-7


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("groups", [1, 4])
def test_gradients_of_large_maps(isa, groups, way):
    """Every pixel of 224 by 224 has the same gradient."""
    x = images(3, 4, 224, 224) + np.float32(0.5)
    layers = nn.Conv2d(4, 4, 3, padding=1, groups=groups), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    model = nn.Sequential(*layers).initialize(seed=0)
    exact = copy.deepcopy(model).double()
    dy = np.full(exact(x.astype(np.float64)).shape, 0.1)
    exact.backward(dy)
    if way == "eager":
        model(x)
        model.backward(dy.astype(np.float32))
    else:
        plan = Plan(model, x.shape[1:], training=True, batch_size=3, layout=way)
        plan.forward(x)
        plan.backward(dy.astype(np.float32))
    for (name, got), want in zip(model.named_parameters(), exact.parameters(), strict=True):
        assert relative(got.grad, want.grad) < 1e-5, name


def test_sums_of_channels(isa):
    x = np.full((3, 2, 300, 300), 0.1, np.float32)
    mean, var = np.zeros(2, np.float32), np.ones(2, np.float32)
    ops.batch_norm(x, mean, var, training=True, momentum=1.0)
    np.testing.assert_allclose(mean, x[0, 0, 0, 0], rtol=1e-7)
    assert var.max() < 1e-15
