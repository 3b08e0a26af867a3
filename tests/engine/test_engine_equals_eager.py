"""Random networks: the engine gives what eager mode gives in float64, forward, backward and statistics."""

import copy
import functools
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import fastcnn
from fastcnn import nn, ops
from fastcnn.engine import Plan
from fastcnn.errors import ShapeError
from fastcnn.nn import passive

from .networks import freeze, random_network

seeds = st.integers(0, 2**32 - 1)
WINDOW = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
relaxed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


def is_ill_conditioned(model, x, eps=1e-5):
    """Tell whether rounding in float32 could change a step on x by much.

    An element is near the kink of a ReLU; two are near the maximum of a window; or a channel's spread, which
    batch normalisation divides by, is small beside its mean, whose rounding errors it has, or the spread of
    other channels.
    """
    rng, found = np.random.default_rng(0), []

    def observer(module, x, y):
        if not np.isfinite(x).all():
            return  # an empty window of max-pooling; the caller leaves the network out
        scale = eps * np.abs(x).max(initial=0)
        if isinstance(module, nn.ReLU | nn.PReLU):
            found.append(bool((np.abs(x[x != 0]) < scale).any()))
        elif isinstance(module, nn.BatchNorm2d):
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3)) + module.eps
            found.append(bool((var < np.maximum(0.03 * mean**2, 0.002 * var.max())).any()))
        elif isinstance(module, nn.MaxPool2d | nn.AdaptiveMaxPool2d):
            if isinstance(module, nn.MaxPool2d):
                window = module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode
                pool = functools.partial(ops.max_pool2d, **dict(zip(WINDOW, window, strict=True)))
            else:
                pool = functools.partial(ops.adaptive_max_pool2d, output_size=module.output_size)
            _, winners = pool(x)
            _, others = pool(x + rng.uniform(-scale, scale, x.shape))
            planes = x.reshape(*x.shape[:2], -1)
            values = [np.take_along_axis(planes, w.reshape(*x.shape[:2], -1), 2) for w in (winners, others)]
            found.append(bool((values[0] != values[1]).any()))

    with passive.observed(observer):
        copy.deepcopy(model)(x)
    return any(found)


def largest(arrays):
    return max((float(np.abs(a).max(initial=0)) for a in arrays if a is not None), default=0.0)


def assert_near(got, want, tolerance, floor, what):
    """The largest difference is at most `tolerance` of the largest element wanted, or of floor."""
    assert got.shape == want.shape, what
    scale = max(largest([want]), floor)
    assert largest([got - want]) <= tolerance * scale, what


def assert_same_gradients(model, reference, tolerance, dx, dx_wanted):
    """The gradient of a bias before normalisation is 0 but for rounding: the scale is that of all of them."""
    both = zip(model.named_parameters(), reference.parameters(), strict=True)
    pairs = [(name, p.grad, q.grad) for (name, p), q in both]
    for (name, p), q in zip(model.named_parameters(), reference.parameters(), strict=True):
        assert (p.grad is None) == (q.grad is None) == (not p.requires_grad), name
    floor = largest([want for _, _, want in pairs] + [dx_wanted]) * (1e-3 if tolerance < 1e-6 else 0.1)
    if dx is not None:
        assert_near(dx, dx_wanted, tolerance, floor, "dx")
    for name, got, want in pairs:
        if want is not None:
            assert_near(got, want, tolerance, floor, f"gradient of {name}")


@np.errstate(all="ignore")  # networks with infinite values are left out, once they are known
def assert_same_as_eager(seed, dtype, tolerance, frozen=False, input_gradient=True):
    """Two steps of training with batches of different sizes, gradients added up, then evaluation."""
    model, shape, batch = random_network(seed)
    model.astype(dtype).reseed(seed)
    if frozen:
        freeze(model, seed)
    reference = copy.deepcopy(model).double()
    compiled = fastcnn.compile(model, input_gradient=input_gradient)
    rng = np.random.default_rng(seed)
    found = compiled._plans.find(model, np.zeros((batch, *shape), dtype))
    assert isinstance(found, Plan), found.reason
    for size in (batch, (batch + 1) // 2):
        x = rng.standard_normal((size, *shape)).astype(dtype)
        try:
            if dtype == np.float32:
                assume(not is_ill_conditioned(reference, x.astype(np.float64)))
            want = reference(x.astype(np.float64))
        except ShapeError as refused:  # batch normalisation of a single value: the engine says the same
            with pytest.raises(ShapeError, match=re.escape(str(refused))):
                compiled(x)
            return
        assume(np.isfinite(want).all())
        got = compiled(x)
        assert isinstance(compiled._last, Plan)
        assert got.dtype == dtype
        assert_near(got, want, tolerance, 0.01, "output")
        dy = rng.standard_normal(want.shape).astype(dtype)
        dx, dx_wanted = compiled.backward(dy), reference.backward(dy.astype(np.float64))
        assert (dx is None) == (not input_gradient)
        assert dx is None or dx.dtype == dtype
        assert_same_gradients(model, reference, tolerance, dx, dx_wanted)
    for (name, got), (_, want) in zip(model.named_buffers(), reference.named_buffers(), strict=True):
        assert_near(got, want, tolerance, 0.1, name)
    x = rng.standard_normal((batch, *shape)).astype(dtype)
    want = reference.predict(x.astype(np.float64), engine=False)
    assert_near(compiled.predict(x), want, tolerance, 0.01, "prediction")


@settings(max_examples=300, suppress_health_check=relaxed)
@given(seeds)
def test_in_double_precision(isa, seed):
    assert_same_as_eager(seed, np.float64, 1e-9)


@pytest.mark.parametrize("input_gradient", [True, False])
@settings(max_examples=150, suppress_health_check=relaxed)
@given(seeds)
def test_with_frozen_layers(isa, input_gradient, seed):
    assert_same_as_eager(seed, np.float64, 1e-9, frozen=True, input_gradient=input_gradient)


@settings(max_examples=300, suppress_health_check=relaxed)
@given(seeds)
def test_in_single_precision(isa, seed):
    assert_same_as_eager(seed, np.float32, 1e-4)


def test_nearly_all_networks_run_compiled():
    """The two tests above leave out what the engine has no nodes for: it is rare."""
    networks = [random_network(seed) for seed in range(100)]
    plans = [
        fastcnn.compile(m)._plans.find(m, np.zeros((16, *shape), np.float32)) for m, shape, _ in networks
    ]
    assert sum(isinstance(plan, Plan) for plan in plans) >= 95
