"""Weight gradients by tiles, in the plain form too: of integers they are exact."""

import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.algorithms import Wanted

from .helpers import BY_TILES, on_any_threads, using_isa

pytestmark = pytest.mark.skipif(not BY_TILES, reason="the plain form is of vectors of 512 bits")


@pytest.fixture(params=BY_TILES, autouse=True)
def isa(request):
    """Run the test on each instruction set with tiles, or their plain form."""
    with using_isa(request.param):
        yield request.param


def convolution(in_channels, out_channels=16, kernel_size=3, **options):
    # The pooling takes no part in it: a value behind a convolution is stored as bfloat16.
    model = nn.Sequential(nn.Conv2d(in_channels, out_channels, kernel_size, **options), nn.MaxPool2d(1))
    model[0].weight.data[...] = integers(model[0].weight.shape, 3)
    return model


def integers(shape, seed):
    return np.random.default_rng(seed).integers(-2, 3, shape).astype(np.float32)


def plan_of(model, x, algorithm="direct", **options):
    given = {"batch_size": len(x), "wanted": Wanted("medium", algorithm), **options}
    return Plan(model, x.shape[1:], training=True, **given)


def kernels_of(plan):
    return {op.kernel for op in plan.executable.writer.ops}


def gradient(model, plan, x):
    """Return the weight's gradient, and what is exact."""
    y = plan.forward(x)
    dy = integers(y.shape, 2)
    model.zero_grad()
    plan.backward(dy)
    exact = copy.deepcopy(model[0]).double()
    exact.zero_grad()
    exact(x.astype(np.float64))
    exact.backward(dy.astype(np.float64))
    return model[0].weight.grad, exact.weight.grad


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    in_channels=st.integers(8, 40),
    out_channels=st.integers(1, 70),
    size=st.tuples(st.integers(3, 24), st.integers(3, 40)),
    kernel_size=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    padding=st.integers(0, 2),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    batch=st.integers(1, 9),
)
def test_any_geometry(isa, in_channels, out_channels, size, kernel_size, stride, padding, dilation, batch):
    if any(n + 2 * padding < d * (k - 1) + 1 for n, k, d in zip(size, kernel_size, dilation, strict=True)):
        return
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    model = convolution(in_channels, out_channels, kernel_size, **options)
    x = integers((batch, in_channels, *size), 1)
    found, exact = gradient(model, plan_of(model, x), x)
    np.testing.assert_array_equal(found, exact)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [4, 7, 14, 33])
@pytest.mark.parametrize("channels", [(8, 5), (16, 16), (24, 50), (33, 64), (64, 33)])
def test_tiles_take_them(channels, size, stride):
    """Several images of few pixels, and parts of large ones; blocks of channels that are full and not."""
    model, x = convolution(*channels, padding=1, stride=stride), integers((19, channels[0], size, size), 1)
    plan = plan_of(model, x)
    if size > 4 or stride == 1:
        assert kernels_of(plan) >= {"conv_weight_tiles", "conv_weight_tiles_sum"}
        assert "conv_weight" not in kernels_of(plan)
    found, exact = gradient(model, plan, x)
    np.testing.assert_array_equal(found, exact)
    again, exact = gradient(model, plan, x[:3])  # sums that were there before are not added to
    np.testing.assert_array_equal(again, exact)


def test_by_hand():
    """2 * 1 + 3 * 5 = 17 of the first channel, 2 * 5 + 3 * -1 = 7 a place further, and 0 of the others."""
    model = convolution(8, 1, (1, 2), bias=False)
    x, dy = np.zeros((1, 8, 1, 3), np.float32), np.float32([[[[2, 3]]]])
    x[0, 0, 0] = [1, 5, -1]
    plan = plan_of(model, x)
    assert "conv_weight_tiles" in kernels_of(plan)
    plan.forward(x)
    plan.backward(dy)
    np.testing.assert_array_equal(model[0].weight.grad[0, :, 0], [[17, 7]] + [[0, 0]] * 7)


@pytest.mark.parametrize("bands", [1, 2, 3, 8])
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_bands_change_no_bit(kernel_size, bands):
    """They depend on the number of threads. Each has some blocks of 16 input channels at a place."""
    rng = np.random.default_rng(0)
    model, x = convolution(40, 33, kernel_size), rng.standard_normal((2, 40, 17, 19)).astype(np.float32)
    found = []
    for count in (1, bands):
        plan = plan_of(model, x, bands=count)
        model.zero_grad()
        plan.backward(plan.forward(x))
        found.append(model[0].weight.grad.copy())
    kernels = [op.kernel for op in plan.executable.writer.ops]
    assert kernels.count("conv_weight_tiles") == min(bands, 3 * kernel_size**2)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("layer", "shape", "algorithm"),
    [
        (nn.Conv2d(48, 36, 3, padding=1, groups=3), (48, 7, 9), "direct"),
        (nn.ConvTranspose2d(20, 24, 3, stride=2, padding=1), (20, 9, 7), "direct"),
        (nn.ConvTranspose2d(20, 24, 2, dilation=2), (20, 9, 7), "direct"),
        (nn.Conv2d(20, 24, 3, stride=3, dilation=2, padding=2), (20, 13, 14), "gemm"),
    ],
)
def test_other_products(layer, shape, algorithm):
    """Groups have parts of a pixel's channels; a transposed convolution is the other way round."""
    model, x = nn.Sequential(layer, nn.MaxPool2d(1)), integers((11, *shape), 1)
    layer.weight.data[...] = integers(layer.weight.shape, 3)
    plan = plan_of(model, x, algorithm)
    assert "conv_weight_tiles" in kernels_of(plan)
    np.testing.assert_array_equal(*gradient(model, plan, x))


def test_channels_of_a_pixel_that_are_not_neighbours_of_the_next_ones():
    """What stands between them is no input channel, and makes no pixel a part of its own."""
    model = nn.Sequential(nn.Conv2d(3, 24, 1), nn.ReLU(), *convolution(24, padding=1))
    x = integers((7, 3, 11, 12), 1)
    plan = plan_of(model, x)
    (op,) = (op for op in plan.executable.writer.ops if op.kernel == "conv_weight_tiles")
    assert len(op.arguments["read_at"]) == 2
    plan.forward(x)
    hidden = model[1](model[0](x))
    with using_isa("avx512_bf16"):
        other = plan_of(model, x)
        model.zero_grad()
        other.backward(np.ones_like(other.forward(x)))
        expected = model[2].weight.grad.copy()
    model.zero_grad()
    plan.backward(np.ones_like(plan.forward(x)))
    np.testing.assert_allclose(model[2].weight.grad, expected, rtol=1e-5, atol=1e-4 * hidden.max())


def test_other_kernels_take_what_leaves_tiles_empty():
    for model, shape in (
        (convolution(7), (7, 9, 9)),
        (convolution(16, 16, groups=16), (16, 9, 9)),
        (convolution(16, padding=1, stride=2), (16, 3, 3)),  # four pixels at 16 places
        (convolution(16, 16, 3, stride=(1, 4)), (16, 5, 31)),  # rows of 7 pixels, a row further every 31 / 4
    ):
        plan = plan_of(model, integers((4, *shape), 1))
        assert "conv_weight_tiles" not in kernels_of(plan)


def test_threads_change_no_bit():
    rng = np.random.default_rng(0)
    model, x = convolution(20, 40, padding=1), rng.standard_normal((37, 20, 12, 11)).astype(np.float32)

    def gradients():
        plan = plan_of(model, x)
        model.zero_grad()
        plan.backward(plan.forward(x))
        return model[0].weight.grad.copy()

    on_any_threads(gradients)


def test_what_no_window_reads_may_be_no_number():
    model, x = convolution(16, kernel_size=1, stride=2), integers((19, 16, 9, 13), 1)
    x[:, :, 1::2] = np.nan
    x[:, :, :, 1::2] = np.inf
    plan = plan_of(model, x)
    assert "conv_weight_tiles" in kernels_of(plan)
    with np.errstate(invalid="ignore"):
        found, _ = gradient(model, plan, x)
    same = x.copy()
    same[~np.isfinite(x)] = 0
    np.testing.assert_array_equal(found, gradient(model, plan, same)[1])
