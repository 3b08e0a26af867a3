"""The layers that drop: what they take, and that files have them."""

import numpy as np
import pytest

import fastcnn.nn.functional as F
from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError


def test_stochastic_depth_is_drawn_from_its_own_stream():
    x = np.ones((30, 2, 2, 2), np.float32)
    one, other = (nn.StochasticDepth(0.5, "row").reseed(7) for _ in range(2))
    y = one(x)
    np.testing.assert_array_equal(y, other(x))
    assert set(y[:, 0, 0, 0]) == {0, 2}
    assert (one(x) != y).any()
    np.testing.assert_array_equal(one.eval()(x), x)
    given = nn.StochasticDepth(0.5, "row", generator=np.random.default_rng(1))
    want = F.stochastic_depth(x, 0.5, "row", generator=np.random.default_rng(1))
    np.testing.assert_array_equal(given(x), want)


def test_gradients_are_those_of_the_samples_that_were_kept():
    x = np.ones((30, 3), np.float32)
    layer = nn.StochasticDepth(0.5, "row").reseed(1)
    y = layer(x)
    np.testing.assert_array_equal(layer.backward(3 * x), 3 * y)


def test_what_it_takes():
    assert repr(nn.StochasticDepth(0.2, "batch")) == "StochasticDepth(p=0.2, mode='batch')"
    with pytest.raises(ArgumentError, match=r"StochasticDepth: p must lie in \[0, 1\], got 1.5"):
        nn.StochasticDepth(1.5, "row")
    with pytest.raises(ArgumentError, match="StochasticDepth: mode must be 'row' or 'batch', got 'rows'"):
        nn.StochasticDepth(0.5, "rows")


class Dropping(nn.Module):
    """A layer and a function that drop samples."""

    def __init__(self):
        super().__init__()
        self.conv, self.drop = nn.Conv2d(2, 2, 1), nn.StochasticDepth(0.25, "row")

    def forward(self, x):
        y = F.stochastic_depth(self.conv(x), 0.5, "batch", self.training)
        return self.drop(x) + y


def test_files_have_it():
    model, shape = Dropping(), (2, 3, 3)
    written = zoo.to_dicts(model, shape)
    drops = [node for node in written["nodes"] if node["type"] == "StochasticDepth"]
    assert [(node["p"], node["mode"]) for node in drops] == [(0.5, "batch"), (0.25, "row")]
    again = zoo.from_dicts(written, shape)
    again.load_state_dict(model.state_dict())
    x = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert zoo.to_dicts(again, shape) == written
