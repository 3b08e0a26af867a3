"""Operations of programs that move data or act on single elements, in both layouts."""

import itertools

import numpy as np
import pytest

from fastcnn._kernels import elementwise
from fastcnn._kernels import program as kernels

from .helpers import assert_near, normal
from .layouts import SHAPES, Workbench, both_layouts

KEY = 0x123456789ABCDEF1


@both_layouts
@pytest.mark.parametrize("shape", [*SHAPES, (2, 300, 1, 1), (1, 1, 12, 12), (33, 5, 7, 7)], ids=str)
def test_images_in_and_results_out(isa, dtype, name, shape):
    batch, channels, height, width = shape
    bench, x = Workbench(name, dtype, batch), normal(shape, dtype)
    sizes = [height * width, channels]
    for padded in (True, False):
        blob = bench.empty(*shape[1:], padded=padded)
        bench.run(("pack", [blob, bench.outside(x)], [blob.at], sizes, [], None))
        np.testing.assert_array_equal(blob.get(), x)
        blob.assert_rest_is_zero(past_the_batch=True)
        back = np.full_like(x, np.nan)
        bench.run(("unpack", [bench.outside(back), blob], [blob.at], sizes, [], None))
        np.testing.assert_array_equal(back, x)


@both_layouts
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_apply(isa, dtype, name, shape):
    """Each combination of mean, scale and offset, an array to add, ReLU and dropout, in place or not."""
    batch, channels, height, width = shape
    bench, pixels = Workbench(name, dtype, batch), height * width
    y, r = normal(shape, dtype), normal(shape, dtype, 1)
    scale, offset, mean = (normal(channels, dtype, i) for i in (2, 3, 4))
    state = np.concatenate([bench.row(scale), bench.row(offset), bench.row(mean)])
    mask = np.empty((batch, channels * pixels), dtype)
    elementwise.dropout_mask(mask, KEY, 0.3)
    for normed, added, relu, dropout in itertools.product((0, 1), repeat=4):
        source, other = bench.array(y), bench.array(r, halo=0)
        z = source if relu else bench.empty(*shape[1:], halo=2)
        buffers = [z, source, state if normed else None, other if added else None]
        sizes = [pixels, bench.vectors(channels), relu, dropout]
        bench.run(("apply", buffers, [z.at, source.at, other.at], sizes, [0.3], None), keys=[KEY])
        expected = y.astype(np.float64)
        if normed:
            expected = (expected - mean[:, None, None]) * scale[:, None, None] + offset[:, None, None]
        if added:
            expected = expected + r
        if relu:
            expected = np.maximum(expected, 0)
        if dropout:
            expected = expected * mask.reshape(shape)
        assert_near(z.get(), expected, 16, (normed, added, relu, dropout))
        z.assert_rest_is_zero()


@both_layouts
def test_relu_keeps_nan(isa, dtype, name):
    bench = Workbench(name, dtype, 1)
    y = bench.array(np.array([-1, 2, np.nan, -np.inf, np.inf, -0.0]).reshape(1, 6, 1, 1))
    bench.run(("apply", [y, y], [y.at, y.at], [1, bench.vectors(6), 1, 0], [0.0], None))
    np.testing.assert_array_equal(y.get().ravel(), [0, 2, np.nan, 0, np.inf, 0])


@both_layouts
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_relu_gradient(isa, dtype, name, shape):
    bench, g, z = Workbench(name, dtype, shape[0]), normal(shape, dtype), normal(shape, dtype, 1)
    dx, dy, behind = bench.empty(*shape[1:]), bench.array(g, halo=0), bench.array(z, halo=2)
    sizes = [shape[2] * shape[3], bench.vectors(shape[1])]
    bench.run(("relu_grad", [dx, dy, behind], [dx.at, dy.at, behind.at], sizes, [1.5], None))
    np.testing.assert_array_equal(dx.get(), np.where(z > 0, dtype(1.5) * g, 0))
    dx.assert_rest_is_zero()


@both_layouts
@pytest.mark.parametrize("by_position", [0, 1])
@pytest.mark.parametrize("shape", [*SHAPES, (150, 3, 2, 2)], ids=str)
def test_gradient_of_a_bias(isa, dtype, name, by_position, shape):
    """One for each channel, or for each element; whatever the threads."""
    batch, channels, height, width = shape
    bench, g, pixels = Workbench(name, dtype, batch), normal(shape, dtype), height * width
    dy, vectors = bench.array(g), bench.vectors(channels)
    positions = np.arange(pixels if by_position else 1)
    place = (np.arange(channels) * positions.size + positions[:, None]).ravel()
    source = (np.arange(channels) + bench.layout.row(channels) * positions[:, None]).ravel()
    tasks = -(-place.size // kernels.TASK_TOTALS)
    results = []
    for threads in (1, 3):
        out = np.full(place.size, np.nan, dtype)
        sums = bench.scratch(positions.size * vectors, kernels.SLOTS)
        bench.run(
            ("grad_sums", [sums, dy], [dy.at], [pixels, vectors, by_position], [], None),
            ("total", [out, sums], [place, source], [place.size], [], tasks),
            threads=threads,
        )
        results.append(out)
    expected = g.astype(np.float64).sum(axis=0 if by_position else (0, 2, 3)).ravel()
    assert_near(results[0], expected, 16 * batch)
    assert results[0].tobytes() == results[1].tobytes()


@both_layouts
def test_gather(isa, dtype, name):
    bench, source, place = Workbench(name, dtype, 1), normal(9, dtype), [3, 0, 8, 8]
    out = np.full(4, np.nan, dtype)
    bench.run(("gather", [out, source], [place], [4], [], 1))
    np.testing.assert_array_equal(out, source[place])
