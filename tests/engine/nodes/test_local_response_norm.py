"""Local response normalisation in programs: against eager mode."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.lower import lower

from .test_arithmetic import assert_compiled

SHAPE = (3, 5, 4)
both_layouts = pytest.mark.parametrize("layout", ["images", "channels"])


def behind_conv(channels, *layers):
    return nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), *layers)


# Channels that fill vectors and that end within them; windows of odd and even sizes, and wider than channels.
NETWORKS = {
    "usual": lambda: behind_conv(7, nn.ReLU(), nn.LocalResponseNorm(5, 0.5), nn.MaxPool2d(2)),
    "even": lambda: behind_conv(33, nn.LocalResponseNorm(4, 0.5, 0.5, 2.0), nn.Conv2d(33, 2, 3)),
    "vectors": lambda: behind_conv(32, nn.LocalResponseNorm(19, 0.5, 0.6, 2.0)),
    "wide": lambda: behind_conv(2, nn.LocalResponseNorm(9, 0.5, 1.0)),
    "one": lambda: behind_conv(5, nn.LocalResponseNorm(1, 0.5, 2.0), nn.ReLU()),
    "of the input": lambda: nn.Sequential(nn.LocalResponseNorm(2, 0.5), nn.Conv2d(3, 4, 3)),
    "padded": lambda: behind_conv(4, nn.ZeroPad2d(1), nn.LocalResponseNorm(3, 0.5), nn.Conv2d(4, 2, 3)),
}


@both_layouts
@pytest.mark.parametrize("name", NETWORKS)
def test_equals_eager(isa, name, layout):
    fastcnn.manual_seed(1)
    assert_compiled(NETWORKS[name]().double(), layout)


@both_layouts
def test_lines(layout):
    fastcnn.manual_seed(1)
    model = nn.Sequential(nn.Conv1d(3, 9, 3), nn.LocalResponseNorm(3, 0.5), nn.Conv1d(9, 2, 2))
    assert_compiled(model.double(), layout, (3, 8))


@both_layouts
def test_lanes_without_an_image_stay_finite(layout):
    """Where k is 0, so is what images of zeros would be divided by."""
    model = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), nn.LocalResponseNorm(3, k=0.0), nn.Conv2d(2, 2, 3))
    plan = Plan(model.double(), SHAPE, training=True, batch_size=1, layout=layout)
    y = plan.forward(np.random.default_rng(0).standard_normal((1, *SHAPE)))
    plan.backward(np.ones_like(y))
    assert all(np.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_a_row_is_the_same_in_any_batch():
    model = NETWORKS["even"]().eval()
    x = np.random.default_rng(0).standard_normal((40, *SHAPE)).astype(np.float32)
    whole = model.predict(x)
    for rows in (slice(0, 1), slice(7, 10), slice(3, 36)):
        np.testing.assert_array_equal(model.predict(x[rows]), whole[rows])


def test_it_is_one_node():
    assert [type(node).__name__ for node in lower(NETWORKS["one"](), SHAPE).nodes][1] == "LocalResponseNorm"
