"""Dropout of whole channels in programs, joined with what stands before and behind it: against eager mode."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.fuse import fuse
from fastcnn.engine.lower import lower

from .test_arithmetic import SHAPE, assert_compiled
from .test_softmax import both_layouts

# Layers behind a convolution, and how many nodes they are.
LAYERS = {
    "alone": ([nn.Dropout2d(0.4)], 1),
    "behind ReLU": ([nn.ReLU(), nn.Dropout2d(0.4)], 1),
    "behind SiLU": ([nn.SiLU(), nn.Dropout2d(0.4)], 2),
    "normalised": ([nn.BatchNorm2d(20), nn.Dropout2d(0.4)], 1),
    "normalised, ReLU": ([nn.BatchNorm2d(20), nn.ReLU(), nn.Dropout2d(0.4)], 1),
    "pooled": ([nn.BatchNorm2d(20), nn.ReLU(), nn.Dropout2d(0.4), nn.MaxPool2d(2)], 1),
    "pooled, all dropped": ([nn.BatchNorm2d(20), nn.ReLU(), nn.Dropout2d(1.0), nn.MaxPool2d(2)], 1),
    "pooled apart": ([nn.ReLU(), nn.Dropout2d(0.4), nn.MaxPool2d(2, 1)], 2),
    "twice": ([nn.Dropout2d(0.4), nn.ReLU(), nn.Dropout2d(0.2)], 2),
}


@both_layouts
@pytest.mark.parametrize("name", LAYERS)
def test_channels_that_eager_mode_drops(isa, name, layout):
    fastcnn.manual_seed(3)
    layers, count = LAYERS[name]
    model = nn.Sequential(nn.Conv2d(3, 20, 3, padding=1), *layers, nn.Conv2d(20, 2, 2)).double()
    assert len(fuse(lower(model, SHAPE, training=True)).nodes) == 2 + count
    for threads in (1, 3):
        fastcnn.set_num_threads(threads)
        assert_compiled(model.reseed(4), layout, SHAPE)


@both_layouts
def test_a_channel_of_a_line(layout):
    fastcnn.manual_seed(3)
    model = nn.Sequential(nn.Conv1d(3, 9, 3), nn.ReLU(), nn.Dropout2d(0.5), nn.Conv1d(9, 4, 2))
    assert_compiled(model.double().reseed(4), layout, (3, 8))


@both_layouts
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits(dtype, layout):
    """A channel is 0, or all of it what it was times 1 / (1 - p)."""
    identity = nn.Conv2d(18, 18, 1, groups=18, bias=False)
    identity.weight.data[...] = 1
    model = nn.Sequential(identity, nn.ReLU(), nn.Dropout2d(0.3)).astype(dtype).reseed(1)
    x = np.random.default_rng(0).standard_normal((21, 18, 2, 3)).astype(dtype)
    y = Plan(model, x.shape[1:], training=True, batch_size=21, layout=layout).forward(x)
    np.testing.assert_array_equal(y, model.reseed(1)(x))
    kept = (y != 0).any((2, 3))
    assert 0.5 < kept.mean() < 0.9
    np.testing.assert_array_equal(y, np.where(kept[..., None, None], np.maximum(x, 0) * dtype(1 / 0.7), 0))
