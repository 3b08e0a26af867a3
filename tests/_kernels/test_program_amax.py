"""Maxima over pixels, channels or both in programs, and their gradient, which all that have them share."""

import numpy as np
import pytest

from .helpers import normal
from .layouts import SHAPES, Workbench, both_layouts

AXES = {"pixels": (2, 3), "channels": (1,), "all": (1, 2, 3)}


def run(name, x, over, g=None):
    """Return the maxima of x, or the gradient of x for that of the maxima."""
    bench, (channels, *sizes) = Workbench(name, x.dtype, x.shape[0]), x.shape[1:]
    out = (channels, 1, 1) if over == "pixels" else (1, *(sizes if over == "channels" else (1, 1)))
    y, source, dx = bench.empty(*out), bench.array(x), bench.empty(*x.shape[1:])
    options = {"y_vectors": bench.vectors(out[0]), "vectors": bench.vectors(channels), "channels": channels}
    options["over_channels"] = over != "pixels"
    bench.op.amax(y=y, x=source, **options)
    if g is not None:
        grad = bench.array(g.reshape(len(x), *out))
        bench.op.amax_grad(dx=dx, g=grad, y=y, x=source, **options)
    bench.run()
    found = y if g is None else dx
    found.assert_rest_is_zero()
    return found.get()


@both_layouts
@pytest.mark.parametrize("over", AXES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_maxima(isa, dtype, name, over, shape):
    """Those of numbers below 0, which what stands behind them is not to pass for."""
    x = -1 - np.abs(normal(shape, dtype))
    want = x.max(AXES[over], keepdims=True)
    np.testing.assert_array_equal(run(name, x, over), want)
    g = normal(want.shape, dtype, 1)
    np.testing.assert_array_equal(run(name, x, over, g), np.where(x == want, g, 0))


@both_layouts
@pytest.mark.parametrize("over", AXES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_all_that_are_largest_share_the_gradient(isa, dtype, name, over, shape):
    x = np.random.default_rng(0).integers(-2, 0, shape).astype(dtype)
    want = x.max(AXES[over], keepdims=True)
    g, largest = normal(want.shape, dtype, 1), x == want
    shares = g / largest.sum(AXES[over], keepdims=True).astype(dtype)
    np.testing.assert_array_equal(run(name, x, over, g), np.where(largest, shares, 0))


@both_layouts
@pytest.mark.parametrize("over", AXES)
@pytest.mark.parametrize("shape", [(3, 5, 2, 2), (1, 17, 1, 3)], ids=str)
def test_by_hand(isa, dtype, name, over, shape):
    """A NaN is the maximum, and with a second one shares its gradient; infinities are ordinary."""
    x = np.full(shape, 0.5, dtype)
    x[0, 1, 0, 0], x[0, 2, 0, 0], x[0, 3, 0, 1] = np.nan, np.inf, -np.inf
    x[0, 1, -1, -1] = np.nan
    y, g = run(name, x, over), np.full_like(x.max(AXES[over], keepdims=True), 6)
    np.testing.assert_array_equal(y, x.max(AXES[over], keepdims=True))
    dx = run(name, x, over, g)
    assert dx[0, 1, 0, 0] == dx[0, 1, -1, -1] == (6 if over == "channels" else 3)
    assert dx[0, 2, 0, 0] == (6 if over == "pixels" else 0)
    assert dx[0, 3, 0, 1] == 0
