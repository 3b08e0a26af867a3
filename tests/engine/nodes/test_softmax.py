"""Softmax along any axis in programs, and gates made of halves: against eager mode."""

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.rearrange import Rearrange

from .test_arithmetic import SHAPE, assert_compiled

both_layouts = pytest.mark.parametrize("layout", ["images", "channels"])


class Behind(nn.Module):
    """A function of what a convolution makes; another one reads what that returns."""

    def __init__(self, function, channels=6, out=None):
        super().__init__()
        self.conv, self.function = nn.Conv2d(3, channels, 3, padding=1), function
        self.last = nn.Conv2d(channels if out is None else out, 2, 3, padding=1)

    def forward(self, x):
        return self.last(self.function(self.conv(x)))


FUNCTIONS = {
    "channels": lambda: Behind(lambda x: F.softmax(x, 1)),
    "more channels than lanes": lambda: Behind(nn.Softmax2d(), 37),
    "logarithms": lambda: Behind(nn.LogSoftmax(1), 17),
    "softmin": lambda: Behind(nn.Softmin(-3)),
    "one channel": lambda: Behind(nn.Softmax(1), 1),
    "rows": lambda: Behind(nn.Softmax(2)),
    "the last axis": lambda: Behind(nn.LogSoftmax(-1)),
    "as the last axis": lambda: Behind(lambda x: F.softmax(x.permute(0, 2, 3, 1), -1).permute(0, 3, 1, 2)),
    "pixels": lambda: Behind(lambda x: F.softmax(x.reshape(-1, 6, 20), 2).reshape(-1, 6, 5, 4) * x),
    "padded": lambda: Behind(lambda x: F.softmax(F.pad(x, (1, 0, 0, 1)), 1)),
    "gates": lambda: Behind(nn.GLU(1), 6, 3),
    "gates of rows": lambda: Behind(lambda x: F.glu(x, 3)),
}


@both_layouts
@pytest.mark.parametrize("name", FUNCTIONS)
def test_equals_eager(isa, name, layout):
    fastcnn.manual_seed(1)
    assert_compiled(FUNCTIONS[name]().double(), layout)


@both_layouts
def test_lines(layout):
    fastcnn.manual_seed(1)
    model = nn.Sequential(nn.Conv1d(3, 9, 3), nn.Softmax(1), nn.Conv1d(9, 4, 2), nn.LogSoftmax(2))
    assert_compiled(model.double(), layout, (3, 8))


def test_a_row_is_the_same_in_any_batch():
    fastcnn.manual_seed(1)
    model = FUNCTIONS["logarithms"]().eval()
    x = np.random.default_rng(0).standard_normal((40, *SHAPE)).astype(np.float32)
    whole = model.predict(x)
    for rows in (slice(0, 1), slice(7, 10), slice(3, 36)):
        np.testing.assert_array_equal(model.predict(x[rows]), whole[rows])


@pytest.mark.parametrize("name", ["channels", "as the last axis"])
def test_channels_are_not_moved(name):
    assert not any(isinstance(node, Rearrange) for node in lower(FUNCTIONS[name](), SHAPE).nodes)
