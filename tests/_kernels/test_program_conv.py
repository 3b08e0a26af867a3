"""Convolution as operations of programs, in both layouts: products, and weight gradients."""

import numpy as np
import pytest

from fastcnn._kernels import program as kernels
from fastcnn._kernels.elementwise import ACTIVATIONS
from fastcnn._shapes import Window

from . import reference
from .geometry import GEOMETRIES, make
from .helpers import assert_sums, normal
from .layouts import Workbench, both_layouts
from .products import HALO, multiply, pack, table, tables_of, weight_places, weight_sum

RELU = ACTIVATIONS["relu"]

# (images, input channels, output channels): blocks of vectors, whole and partial.
SIZES = [(1, 1, 1), (3, 3, 17), (19, 5, 4), (2, 16, 33), (1, 2, 70)]


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
    multiply(bench, window, y, source, pack(bench, weight), bias=bench.row(bias))
    bench.run()
    expected = reference.conv2d(x, weight, bias, 1, window)
    magnitude = reference.conv2d(abs(x), abs(weight), abs(bias), 1, window)
    assert_sums(y.get(), expected, magnitude, weight[0].size)
    if bench.layout.by_channels:
        y.assert_rest_is_zero()

    gradient = bench.array(dy, halo=2)
    corner, _, taps = tables_of(window, source)
    dweight, vectors = np.full_like(weight, np.nan), bench.vectors(out)
    operands = {"x": source, "dy": gradient, "x_at": corner, "tap_at": taps}
    sums = bench.sums(taps.size * vectors)
    bench.op.conv_weight(sums=sums, vectors=vectors, in_channels=inner, **operands)
    weight_sum(bench, dweight, sums)
    bench.run()
    expected = reference.conv2d_backward_weight(dy, x, 1, window)
    magnitude = reference.conv2d_backward_weight(abs(dy), abs(x), 1, window)
    terms = batch * window.out_h * window.out_w
    assert_sums(dweight, expected, magnitude, terms)
    dweight[...] = np.nan
    if bench.layout.by_channels:  # several images between a load and a store of a sum
        bench.held[sums][...] = np.nan
        bench.op.conv_weight(sums=sums, vectors=vectors, in_channels=inner, whole_chunk=True, **operands)
        weight_sum(bench, dweight, sums)
    else:  # over all images at once
        bench.op.weight_of_all(
            dweight=dweight,
            tasks=-(-taps.size // kernels.TASK_TAPS),
            **operands,
            **weight_places(weight),
        )
    bench.run()
    assert_sums(dweight, expected, magnitude, terms)


@pytest.mark.parametrize("size", [(1, 1, 1), (3, 13, 17), (70, 7, 150), (40, 25, 33)], ids=str)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_weight_gradient_of_all_images_at_once(isa, dtype, geometry, size):
    """Tasks of some input channels; hands of several images; the last places are left out."""
    window, (batch, inner, out) = make(geometry), size
    bench, places = Workbench("channels", dtype, batch), window.kernel_h * window.kernel_w
    x, dy = (
        normal((batch, inner, window.in_h, window.in_w), dtype),
        normal((batch, out, window.out_h, window.out_w), dtype, 1),
    )
    source, gradient = bench.array(x, HALO), bench.array(dy, halo=2)
    corner, spans, _ = tables_of(window, source)
    dweight = np.full((out, inner, window.kernel_h, window.kernel_w), np.nan, dtype)
    pixels, some = window.out_h * window.out_w, 5
    place, pixel = np.divmod(np.arange(places * pixels), pixels)
    read = (place < places - 1) | (places == 1)
    room = kernels.ROWS_IN_HAND * (kernels.VECTORS_IN_HAND + bench.vectors(some))
    bench.op.conv_weight_of_all(
        dweight=dweight,
        x=source,
        dy=gradient,
        scratch=bench.of_threads(room + some * places * kernels.VECTORS_IN_HAND),
        x_at=corner,
        tap_at=spans,
        place_at=table(np.searchsorted(place[read], np.arange(places + 1))),
        pixel_at=table(pixel[read]),
        dy_at=gradient.pixels(),
        channel_at=table(np.arange(out) * inner * places),
        depth=inner * places,
        in_channels=inner,
        vectors=bench.vectors(out),
        task_channels=some,
        tasks=-(-inner // some),
    )
    bench.run()
    expected, magnitude = (
        reference.conv2d_backward_weight(each, of, 1, window) for each, of in ((dy, x), (abs(dy), abs(x)))
    )
    if places > 1:
        expected[..., -1, -1] = magnitude[..., -1, -1] = 0
    assert_sums(dweight, expected, magnitude, batch * pixels)


@pytest.mark.parametrize("inner", [1, 2, 3])
@pytest.mark.parametrize("out", [5, 16, 40])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 2), (4, 13), (2, 31), (5, 60)])
def test_samples_read_by_elements(isa, dtype, inner, out, height, width):
    """Pixels that do not fill a vector, a number or three apart: blocks of neighbours end with a row."""
    window = Window(height, width, height, width, 3, 3, 1, 1, 1, 1, 1, 1)
    bench = Workbench("channels", dtype, 2)
    x = normal((2, inner, height, width), dtype)
    weight, bias = normal((out, inner, 3, 3), dtype, 2), normal(out, dtype, 3)
    source, y = bench.array(x, 1, padded=False), bench.empty(out, height, width, halo=1)
    multiply(bench, window, y, source, pack(bench, weight), bias=bench.row(bias))
    bench.run()
    expected = reference.conv2d(x, weight, bias, 1, window)
    magnitude = reference.conv2d(abs(x), abs(weight), abs(bias), 1, window)
    assert_sums(y.get(), expected, magnitude, weight[0].size)
    y.assert_rest_is_zero()


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

    packed, y = pack(bench, weight, bench.row(scale)), bench.empty(*before.shape[1:])
    multiply(bench, window, y, source, packed, position_bias=position, activation=RELU)
    bench.run()
    expected = np.maximum(factor * plain + at, 0)
    assert_sums(y.get(), expected, abs(factor) * magnitude + abs(at), terms)

    y = bench.array(before)
    multiply(bench, window, y, source, pack(bench, weight), add=True)
    bench.run()
    assert_sums(y.get(), plain + before, magnitude + abs(before), terms)
    if bench.layout.by_channels:
        y.assert_rest_is_zero()


@both_layouts
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_slopes_behind_a_product(isa, dtype, name, size):
    """Bitwise those of what the product alone writes; a normalisation may follow."""
    window, (batch, inner, out) = make("3x3"), size
    bench = Workbench(name, dtype, batch)
    source = bench.array(normal((batch, inner, window.in_h, window.in_w), dtype), HALO)
    weight, bias = normal((out, inner, 3, 3), dtype, 1), normal(out, dtype, 2)
    slopes, scale, shift = np.linspace(-1, 2, out).astype(dtype), *normal((2, out), dtype, 3)
    alone, sloped, normed = (bench.empty(out, window.out_h, window.out_w) for _ in range(3))
    slope = {"activation": ACTIVATIONS["leaky_relu"], "slope": bench.row(slopes)}
    behind = {"scale": bench.row(scale), "shift": bench.row(shift)}
    for y, ends in ((alone, {}), (sloped, slope), (normed, {**slope, **behind})):
        multiply(bench, window, y, source, pack(bench, weight), bias=bench.row(bias), **ends)
    bench.run()
    x = alone.get()
    expected = np.where(x > 0, x, slopes[:, None, None] * x)
    np.testing.assert_array_equal(sloped.get(), expected)
    terms = expected.astype(np.float64) * scale[:, None, None], shift[:, None, None]
    assert_sums(normed.get(), sum(terms), sum(map(abs, terms)), 2)
    sloped.assert_rest_is_zero()


@both_layouts
def test_segments_leave_out_taps_that_read_the_halo(isa, dtype, name):
    """The first row of windows skips the first row of the kernel; bitwise as if it had read zeros."""
    window, bench = make("3x3"), Workbench(name, dtype, 2)
    x, weight = normal((2, 3, window.in_h, window.in_w), dtype), normal((20, 3, 3, 3), dtype, 1)
    source, results = bench.array(x, HALO), []
    pixels, width = window.out_h * window.out_w, window.out_w
    for segments in (
        None,
        [(0, width, 3, 9), (width, pixels, 0, 9)],
        [(0, width, 3, 9), (width, pixels - width, 0, 9), (pixels - width, pixels, 0, 6)],
    ):
        y = bench.empty(20, window.out_h, window.out_w)
        multiply(bench, window, y, source, pack(bench, weight), segments)
        bench.run()
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
            source = bench.array(x, HALO, padded)
            multiply(bench, window, y, source, pack(bench, weight), bias=bench.row(bias), activation=RELU)
            bench.run()
            results.append(y.get())
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
