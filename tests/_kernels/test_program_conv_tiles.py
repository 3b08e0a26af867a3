"""Convolutions by tiles, in the plain form too: rows of any length are cut into tiles, or gathered."""

import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.algorithms import Wanted

from .helpers import BY_TILES, using_isa

pytestmark = pytest.mark.skipif(not BY_TILES, reason="the plain form is of vectors of 512 bits")


@pytest.fixture(params=BY_TILES, autouse=True)
def isa(request):
    """Run the test on each instruction set with tiles, or their plain form."""
    with using_isa(request.param):
        yield request.param


def signs(shape, seed):
    """Return numbers of -1, 0 and 1, most of them 0: sums of some hundred of their products are exact."""
    return np.random.default_rng(seed).choice(np.float32([-1, 0, 0, 0, 1]), shape)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    in_channels=st.sampled_from([4, 8, 11, 16, 24, 33, 64]),
    out_channels=st.integers(1, 70),
    size=st.tuples(st.integers(1, 6), st.integers(1, 40)),
    kernel_size=st.tuples(st.integers(1, 3), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    padding=st.integers(0, 2),
    batch=st.integers(1, 3),
    bands=st.integers(1, 3),
)
def test_any_geometry(isa, in_channels, out_channels, size, kernel_size, stride, padding, batch, bands):
    if any(n + 2 * padding < k for n, k in zip(size, kernel_size, strict=True)):
        return
    # The pooling takes no part in it: a value behind a convolution is stored as bfloat16.
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=padding)
    model = nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(1))
    conv.weight.data[...], conv.bias.data[...] = signs(conv.weight.shape, 1), signs(conv.bias.shape, 2)
    x = signs((batch, in_channels, *size), 3)
    options = {"batch_size": batch, "bands": bands, "wanted": Wanted("medium", "direct")}
    plan = Plan(model, x.shape[1:], training=True, input_gradient=True, **options)
    y = plan.forward(x)
    dy = signs(y.shape, 4)
    exact = copy.deepcopy(model).double()
    np.testing.assert_array_equal(y, exact(x.astype(np.float64)))
    np.testing.assert_array_equal(plan.backward(dy), exact.backward(dy.astype(np.float64)))


@pytest.mark.parametrize("width", range(1, 36))
def test_rows_of_every_length(isa, width):
    """Tiles of 8 to 16 pixels, the last of a row within the one before: infinite numbers stay in windows."""
    conv = nn.Conv2d(32, 20, (1, 3), padding=(0, 1), bias=False)
    conv.weight.data[...] = signs(conv.weight.shape, 1)
    x = signs((2, 32, 3, width), 3)
    for column in range(0, width, 5):
        given = x.copy()
        given[0, :, 1, column] = np.inf
        plan = Plan(
            nn.Sequential(conv, nn.MaxPool2d(1)), x.shape[1:], batch_size=2, wanted=Wanted("medium", "direct")
        )
        with np.errstate(all="ignore"):
            y = plan.forward(given)
        finite = np.isfinite(y).all(axis=1)
        assert finite.sum() == finite.size - min(width, column + 2) + max(0, column - 1)
        assert not finite[0, 1, max(0, column - 1) : column + 2].any()
        kept = np.broadcast_to(finite[:, None], y.shape)
        np.testing.assert_array_equal(y[kept], plan.forward(x)[kept])
