"""Convolution as operations of programs, in both layouts: products, and weight gradients."""

import numpy as np
import pytest

from fastcnn._kernels import program as kernels

from . import reference
from .geometry import GEOMETRIES, make
from .helpers import assert_sums, normal
from .layouts import Workbench, both_layouts

# (images, input channels, output channels): blocks of vectors, whole and partial.
SIZES = [(1, 1, 1), (3, 3, 17), (19, 5, 4), (2, 16, 33), (1, 2, 70)]
HALO = 8


def tables_of(bench, window, x, y):
    """Return (places of y, places of windows, first taps of runs, all taps): a run is a pixel's channels."""
    i, j = np.arange(window.out_h), np.arange(window.out_w)
    u, v = np.divmod(np.arange(window.kernel_h * window.kernel_w), window.kernel_w)
    corner = x.blob.grid(i * window.stride_h - window.pad_top, j * window.stride_w - window.pad_left)
    runs = x.blob.offset(u * window.dilation_h, v * window.dilation_w)
    taps = runs[:, None] + x.blob.channel(np.arange(x.blob.channels))
    return y.at, corner, runs, taps.ravel()


def weight_places(weight):
    """Return the places of taps, in the order (row, column, channel), and of output channels in a weight."""
    out, inner, *kernel = weight.shape
    size = int(np.prod(kernel))
    taps = (np.arange(inner) * size + np.arange(size)[:, None]).ravel()
    return taps, np.arange(out) * inner * size


def blocks(bench, channels):
    largest = kernels.max_vectors if bench.layout.by_channels else kernels.max_block
    return -(-bench.vectors(channels) // largest(bench.dtype.itemsize))


def packing(bench, weight, scale=None):
    """Return (array for packed weights, the operation that packs them)."""
    taps, channels = weight_places(weight)
    packed = np.full(taps.size * bench.layout.row(channels.size), np.nan, bench.dtype)
    sizes = [taps.size, channels.size]
    tasks = blocks(bench, channels.size)
    return packed, ("conv_pack", [packed, weight, scale], [taps, channels], sizes, [], tasks)


def product(bench, window, y, x, packed, bias=None, position=None, relu=0, add=0, segments=None):
    """Return the operation y = conv(x); segments are (first pixel, last + 1, first run, last run + 1)."""
    y_at, corner, runs, taps = tables_of(bench, window, x, y)
    pixels, inner, out = y_at.size, x.blob.channels, y.blob.channels
    segments = np.array(segments or [(0, pixels, 0, runs.size)])
    buffers = [y, x, packed, bias, position]
    if bench.layout.by_channels:
        sizes = [pixels, inner, bench.vectors(out), relu, add, runs.size, len(segments)]
        return "conv", buffers, [y_at, corner, runs, segments.ravel()], sizes, [], None
    sizes = [pixels, taps.size, out, relu, add, out, 0, len(segments)]
    return "conv", buffers, [y_at, corner, taps, (segments * [1, 1, inner, inner]).ravel()], sizes, [], None


@both_layouts
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_convolution_and_its_weight_gradient(isa, dtype, name, geometry, size):
    window, (batch, inner, out) = make(geometry), size
    bench = Workbench(name, dtype, batch)
    x, dy = (
        normal((batch, inner, window.in_h, window.in_w), dtype),
        normal((batch, out, window.out_h, window.out_w), dtype, 1),
    )
    weight, bias = normal((out, inner, window.kernel_h, window.kernel_w), dtype, 2), normal(out, dtype, 3)
    source, y = bench.array(x, HALO), bench.empty(*dy.shape[1:], halo=1)
    packed, pack = packing(bench, weight)
    bench.run(pack, product(bench, window, y, source, packed, bench.row(bias)))
    expected = reference.conv2d(x, weight, bias, 1, window)
    magnitude = reference.conv2d(abs(x), abs(weight), abs(bias), 1, window)
    assert_sums(y.get(), expected, magnitude, weight[0].size)
    if bench.layout.by_channels:
        y.assert_rest_is_zero()

    gradient = bench.array(dy, halo=2)
    y_at, corner, _, taps = tables_of(bench, window, source, gradient)
    depth, dweight = taps.size, np.full_like(weight, np.nan)
    sums = bench.scratch(depth * bench.vectors(out), kernels.SLOTS)
    tasks = -(-depth // kernels.TASK_TAPS) if bench.layout.by_channels else blocks(bench, out)
    sizes = [y_at.size, depth, bench.vectors(out), inner]
    bench.run(
        ("conv_weight", [sums, source, gradient], [y_at, corner, taps], sizes, [], None),
        ("conv_weight_sum", [dweight, sums], weight_places(weight), [depth, out], [], tasks),
    )
    expected = reference.conv2d_backward_weight(dy, x, 1, window)
    magnitude = reference.conv2d_backward_weight(abs(dy), abs(x), 1, window)
    terms = batch * y_at.size
    assert_sums(dweight, expected, magnitude, terms)
    if bench.layout.by_channels:  # several images between a load and a store of a sum
        dweight[...] = np.nan
        bench.run(
            ("conv_weight", [sums, source, gradient], [y_at, corner, taps], sizes, [], None, True),
            ("conv_weight_sum", [dweight, sums], weight_places(weight), [depth, out], [], tasks),
        )
    else:  # over all images at once
        dweight[...] = np.nan
        places = np.concatenate(weight_places(weight))
        tasks = -(-depth // kernels.TASK_TAPS)
        sizes = [y_at.size, depth, out, 0]
        bench.run(
            ("weight_of_all", [dweight, source, gradient], [y_at, corner, taps, places], sizes, [], tasks)
        )
    assert_sums(dweight, expected, magnitude, terms)


@both_layouts
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_goes_with_a_product(isa, dtype, name, size):
    """A scale in the weights, a bias for each position, ReLU, and products added to what is there."""
    window, (batch, inner, out) = make("3x3"), size
    bench, pixels = Workbench(name, dtype, batch), window.out_h * window.out_w
    x = normal((batch, inner, window.in_h, window.in_w), dtype)
    weight, scale, bias = (
        normal((out, inner, 3, 3), dtype, 1),
        normal(out, dtype, 2),
        normal((out, pixels), dtype, 3),
    )
    before = normal((batch, out, window.out_h, window.out_w), dtype, 4)
    source, terms = bench.array(x, HALO), weight[0].size + 2
    plain = reference.conv2d(x, weight, None, 1, window)
    magnitude = reference.conv2d(abs(x), abs(weight), None, 1, window)
    at = bias.reshape(out, window.out_h, window.out_w)
    factor = scale[:, None, None].astype(np.float64)
    position = np.concatenate([bench.row(each) for each in bias.T])

    packed, pack = packing(bench, weight, bench.row(scale))
    y = bench.empty(*before.shape[1:])
    bench.run(pack, product(bench, window, y, source, packed, position=position, relu=1))
    expected = np.maximum(factor * plain + at, 0)
    assert_sums(y.get(), expected, abs(factor) * magnitude + abs(at), terms)

    packed, pack = packing(bench, weight)
    y = bench.array(before)
    bench.run(pack, product(bench, window, y, source, packed, add=1))
    assert_sums(y.get(), plain + before, magnitude + abs(before), terms)
    if bench.layout.by_channels:
        y.assert_rest_is_zero()


@both_layouts
def test_segments_leave_out_taps_that_read_the_halo(isa, dtype, name):
    """The first row of windows skips the first row of the kernel; bitwise as if it had read zeros."""
    window, bench = make("3x3"), Workbench(name, dtype, 2)
    x, weight = normal((2, 3, window.in_h, window.in_w), dtype), normal((20, 3, 3, 3), dtype, 1)
    source, results = bench.array(x, HALO), []
    packed, pack = packing(bench, weight)
    pixels, width = window.out_h * window.out_w, window.out_w
    for segments in (
        None,
        [(0, width, 3, 9), (width, pixels, 0, 9)],
        [(0, width, 3, 9), (width, pixels - width, 0, 9), (pixels - width, pixels, 0, 6)],
    ):
        y = bench.empty(20, window.out_h, window.out_w)
        bench.run(pack, product(bench, window, y, source, packed, segments=segments))
        results.append(y.get())
    np.testing.assert_array_equal(results[1], results[0])
    np.testing.assert_array_equal(results[2], results[0])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_both_layouts_give_the_same_to_the_bit(isa, dtype, geometry, size):
    """Each output is one chain of fused multiply-adds, in one order."""
    window, (batch, inner, out) = make(geometry), size
    x = normal((batch, inner, window.in_h, window.in_w), dtype)
    weight, bias = normal((out, inner, window.kernel_h, window.kernel_w), dtype, 2), normal(out, dtype, 3)
    results = []
    for name in ("images", "channels"):
        for padded in (True, False):
            bench = Workbench(name, dtype, batch)
            y = bench.empty(out, window.out_h, window.out_w)
            packed, pack = packing(bench, weight)
            source = bench.array(x, HALO, padded)
            bench.run(pack, product(bench, window, y, source, packed, bench.row(bias), relu=1))
            results.append(y.get())
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
