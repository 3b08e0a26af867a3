"""Depthwise convolution as operations of programs, in the layout "channels"."""

import numpy as np
import pytest

from fastcnn._kernels.elementwise import ACTIVATIONS

from . import reference
from .geometry import GEOMETRIES, make
from .helpers import assert_sums, normal
from .layouts import Workbench
from .products import HALO, depthwise, pack, slotted_weight, tables_of

RELU = ACTIVATIONS["relu"]

# (images, channels): vectors, whole and partial, and more than a block of them.
SIZES = [(1, 1), (3, 5), (2, 16), (5, 33), (1, 70)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_convolution_and_its_weight_gradient(isa, dtype, geometry, size):
    window, (batch, channels) = make(geometry), size
    bench = Workbench("channels", dtype, batch)
    x, dy = (
        normal((batch, channels, window.in_h, window.in_w), dtype),
        normal((batch, channels, window.out_h, window.out_w), dtype, 1),
    )
    weight = normal((channels, 1, window.kernel_h, window.kernel_w), dtype, 2)
    bias = normal(channels, dtype, 3)
    source, y = bench.array(x, HALO), bench.empty(*dy.shape[1:])
    depthwise(bench, window, y, source, pack(bench, weight), bias=bench.row(bias))
    bench.run()
    expected = reference.conv2d(x, weight, bias, channels, window)
    magnitude = reference.conv2d(abs(x), abs(weight), abs(bias), channels, window)
    assert_sums(y.get(), expected, magnitude, weight[0].size)
    y.assert_rest_is_zero()

    corner, taps, _ = tables_of(window, source)
    operands = {"x": source, "dy": bench.array(dy, halo=2), "x_at": corner, "tap_at": taps}
    expected = reference.conv2d_backward_weight(dy, x, channels, window)
    magnitude = reference.conv2d_backward_weight(abs(dy), abs(x), channels, window)
    for whole_chunk in (False, True):
        dweight = np.full_like(weight, np.nan)
        vectors = bench.vectors(channels)
        slotted_weight(bench, dweight, "depthwise_weight", 64, vectors, whole_chunk=whole_chunk, **operands)
        bench.run()
        assert_sums(dweight, expected, magnitude, batch * window.out_h * window.out_w)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_goes_with_a_product(isa, dtype, size):
    """A bias for each position, ReLU or slopes, and products added to what is there."""
    window, (batch, channels) = make("3x3"), size
    bench, pixels = Workbench("channels", dtype, batch), window.out_h * window.out_w
    x, weight = (
        normal((batch, channels, window.in_h, window.in_w), dtype),
        normal((channels, 1, 3, 3), dtype, 1),
    )
    bias = normal((channels, pixels), dtype, 2)
    before = normal((batch, channels, window.out_h, window.out_w), dtype, 3)
    source, terms = bench.array(x, HALO), weight[0].size + 2
    plain = reference.conv2d(x, weight, None, channels, window)
    magnitude = reference.conv2d(abs(x), abs(weight), None, channels, window)
    at = bias.reshape(channels, window.out_h, window.out_w)
    position = np.concatenate([bench.row(each) for each in bias.T])
    y, added, sloped = bench.empty(*before.shape[1:]), bench.array(before), bench.array(before)
    packed, slopes = pack(bench, weight), np.linspace(-1, 2, channels).astype(dtype)
    slope = {"activation": ACTIVATIONS["leaky_relu"], "slope": bench.row(slopes)}
    depthwise(bench, window, y, source, packed, position_bias=position, activation=RELU)
    depthwise(bench, window, added, source, packed, add=True)
    depthwise(bench, window, sloped, source, packed, add=True, **slope)
    bench.run()
    passed = added.get() > 0
    np.testing.assert_array_equal(sloped.get(), np.where(passed, 1, slopes[:, None, None]) * added.get())
    assert_sums(y.get(), np.maximum(plain + at, 0), magnitude + abs(at), terms)
    assert_sums(added.get(), plain + before, magnitude + abs(before), terms)
    y.assert_rest_is_zero()
    added.assert_rest_is_zero()


def test_segments_leave_out_taps_that_read_the_halo(isa, dtype):
    """The first row of windows skips the first row of the kernel; bitwise as if it had read zeros."""
    window, bench = make("3x3"), Workbench("channels", dtype, 2)
    x, weight = normal((2, 20, window.in_h, window.in_w), dtype), normal((20, 1, 3, 3), dtype, 1)
    source, results = bench.array(x, HALO), []
    pixels, width = window.out_h * window.out_w, window.out_w
    for segments in (None, [(0, width, 3, 9), (width, pixels - width, 0, 9), (pixels - width, pixels, 0, 6)]):
        y = bench.empty(20, window.out_h, window.out_w)
        depthwise(bench, window, y, source, pack(bench, weight), segments)
        bench.run()
        results.append(y.get())
    np.testing.assert_array_equal(*results)
