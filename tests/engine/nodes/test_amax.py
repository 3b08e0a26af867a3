"""Maxima over axes in programs, whose gradient all that have them share: against eager mode."""

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.amax import Amax
from fastcnn.engine.nodes.conv import Conv
from fastcnn.engine.tracing import UnsupportedError

from .test_arithmetic import SHAPE, assert_compiled
from .test_softmax import Behind, both_layouts

FUNCTIONS = {
    "pixels": lambda: Behind(lambda x: x * x.amax((2, 3), keepdim=True)),
    "pixels, dropped": lambda: nn.Sequential(Behind(lambda x: x, 20), Computed(lambda x: x.amax((-1, -2)))),
    "channels": lambda: Behind(lambda x: x.amax(1, keepdim=True), 21, 1),
    "channels, dropped": lambda: Behind(lambda x: x.amax(1)[:, None] + x[:, :1], 6, 1),
    "one channel": lambda: Behind(lambda x: x.amax(1, keepdim=True), 1),
    "all": lambda: Behind(lambda x: x + x.amax((1, 2, 3), keepdim=True), 19),
    "features": lambda: Behind(lambda x: F.flatten(x, 1).amax(1, keepdim=True)[:, :, None, None] * x, 5),
    "rows": lambda: Behind(lambda x: x * x.amax(2, keepdim=True)),
    "channels and rows": lambda: Behind(lambda x: x * x.amax((1, 2), keepdim=True)),
    "channels last": lambda: Behind(lambda x: x * x.permute(0, 2, 3, 1).amax(3)[:, None]),
    "a gate of two": lambda: Behind(
        lambda x: fastcnn.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1), 7, 2
    ),
    "of a ReLU": lambda: Behind(lambda x: F.relu(x) * F.relu(x - 1).amax((2, 3), keepdim=True), 17),
    "padded": lambda: Behind(lambda x: x * F.pad(x - 9, (0, 1, 1, 0)).amax((2, 3), keepdim=True)),
    "lines": lambda: nn.Sequential(
        nn.Conv1d(3, 9, 3),
        Computed(lambda x: x.amax(1, keepdim=True) + x.amax(2, keepdim=True)),
        nn.Conv1d(9, 4, 2),
    ),
    "twice": lambda: Behind(lambda x: x.amax(2, keepdim=True) + x.amax(3, keepdim=True)),
}


class Computed(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@both_layouts
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients(isa, name, layout):
    """Those of eager mode."""
    fastcnn.manual_seed(1)
    shape = (3, 8) if name == "lines" else SHAPE
    assert_compiled(FUNCTIONS[name]().double(), layout, shape)


@both_layouts
@pytest.mark.parametrize("axes", [(2, 3), (1,), (1, 2, 3)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ties_and_numbers_that_are_not_finite(dtype, axes, layout):
    """The bits of eager mode: sixths of a gradient, a NaN among other numbers, images of infinities."""
    identity = nn.Conv2d(18, 18, 1, groups=18, bias=False)
    identity.weight.data[...] = 1
    model = nn.Sequential(identity, Computed(lambda x: x.amax(axes, keepdim=True))).astype(dtype)
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 1, (7, 18, 2, 3)).astype(dtype)
    x[1, 2, 1, 1], x[3], x[5, :, 0] = np.nan, -np.inf, np.inf
    y = model(x)
    dy = rng.standard_normal(y.shape).astype(dtype)
    dx = model.backward(dy)
    plan = Plan(model, x.shape[1:], training=True, batch_size=7, layout=layout, input_gradient=True)
    np.testing.assert_array_equal(plan.forward(x), y)
    np.testing.assert_array_equal(plan.backward(dy), dx)


def test_a_row_is_the_same_in_any_batch():
    fastcnn.manual_seed(1)
    model = FUNCTIONS["a gate of two"]().eval()
    x = np.random.default_rng(0).standard_normal((40, *SHAPE)).astype(np.float32)
    whole = model.predict(x)
    for rows in (slice(0, 1), slice(7, 10), slice(3, 36)):
        np.testing.assert_array_equal(model.predict(x[rows]), whole[rows])


@pytest.mark.parametrize("name", ["pixels", "channels", "all"])
def test_nothing_is_moved(name):
    nodes = lower(FUNCTIONS[name](), SHAPE).nodes
    maximum = next(node for node in nodes if isinstance(node, Amax))
    assert isinstance(maximum.x.producer, Conv)


def test_one_number_for_each_sample_runs_eagerly():
    model = nn.Sequential(nn.Conv2d(3, 2, 1), Computed(lambda x: x.amax((1, 2, 3))))
    with pytest.raises(UnsupportedError, match=r"^one number for each sample$"):
        lower(model, SHAPE)
