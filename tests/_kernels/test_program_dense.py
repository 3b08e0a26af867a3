"""Linear layers as operations of programs in the layout "channels", on the parameter's own layout."""

import itertools

import numpy as np
import pytest

from fastcnn._kernels import program as kernels
from fastcnn._kernels.elementwise import ACTIVATIONS

from .helpers import assert_sums, normal
from .layouts import Workbench

RELU = ACTIVATIONS["relu"]

# (images, depth, outputs): around vectors, register blocks, chunks of depth, and columns of a task.
SIZES = [
    *((1, 1, 1), (1, 3, 5), (2, 7, 4), (4, 16, 10), (5, 17, 9), (9, 33, 3), (16, 64, 17), (17, 65, 6)),
    *((3, 100, 49), (40, 31, 50), (1, 1100, 2), (21, 520, 7)),
]


def numbers(size, dtype):
    batch, depth, out = size
    shapes = [(batch, depth), (batch, out), (out, depth), (out,)]
    return [normal(shape, dtype, i) for i, shape in enumerate(shapes)]


def column(bench, array, halo=0):
    """Lay out (N, F) as one pixel of F channels."""
    return bench.array(array[:, :, None, None], halo)


def product(a, b):
    return a.astype(np.float64) @ b.astype(np.float64)


def weight_gradient(bench, dweight, x, dy):
    """Let the gradient of a weight (outputs, depth) be made."""
    out, depth = dweight.shape
    tasks = -(-depth // kernels.TASK_COLUMNS)
    bench.op.dense_weight(dweight=dweight, x=x, dy=dy, depth=depth, outputs=out, tasks=tasks)


@pytest.mark.parametrize("relu", [0, 1])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_dense(isa, dtype, size, relu):
    """Whole, and in two operations that make some of the outputs each."""
    (batch, depth, out), (x, _, weight, bias) = size, numbers(size, dtype)
    bench, results = Workbench("channels", dtype, batch), []
    source = column(bench, x, halo=1)
    for cuts in ([0, out], [0, out // 2, out]):
        y = bench.empty(out, 1, 1)
        for first, last in itertools.pairwise(cuts):
            if first < last:
                bench.op.dense(
                    y=y,
                    x=source,
                    weight=weight,
                    bias=bench.row(bias),
                    depth=depth,
                    outputs=last - first,
                    first_output=first,
                    activation=RELU if relu else 0,
                    whole_chunk=True,
                )
        bench.run()
        results.append(y.get().reshape(batch, out))
        y.assert_rest_is_zero()
    expected = product(x, weight.T) + bias
    magnitude = product(abs(x), abs(weight.T)) + abs(bias)
    assert_sums(results[0], np.maximum(expected, 0) if relu else expected, magnitude, depth + 1)
    np.testing.assert_array_equal(results[1], results[0])


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_an_image_is_the_same_to_the_bit_in_every_batch(isa, dtype, size):
    (batch, depth, out), (x, dy, weight, _) = size, numbers(size, dtype)
    whole, single = [], []
    for rows, results in (([slice(0, batch)], whole), ([slice(i, i + 1) for i in range(batch)], single)):
        for row in rows:
            bench = Workbench("channels", dtype, len(x[row]))
            source, gradient = column(bench, x[row]), column(bench, dy[row])
            y, dx = bench.empty(out, 1, 1), bench.empty(depth, 1, 1)
            layer = {"weight": weight, "depth": depth, "outputs": out, "whole_chunk": True}
            bench.op.dense(y=y, x=source, first_output=0, **layer)
            bench.op.dense_input(dx=dx, dy=gradient, first_column=0, last_column=depth, **layer)
            bench.run()
            results.append(np.hstack([y.get().reshape(-1, out), dx.get().reshape(-1, depth)]))
    np.testing.assert_array_equal(np.vstack(single), whole[0])


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_gradients(isa, dtype, size):
    (batch, depth, out), (x, dy, weight, _) = size, numbers(size, dtype)
    bench = Workbench("channels", dtype, batch)
    source, gradient, dx = column(bench, x, halo=1), column(bench, dy), bench.empty(depth, 1, 1)
    dweight = np.full_like(weight, np.nan)
    bench.op.dense_input(
        dx=dx,
        dy=gradient,
        weight=weight,
        depth=depth,
        outputs=out,
        first_column=0,
        last_column=depth,
        whole_chunk=True,
    )
    weight_gradient(bench, dweight, source, gradient)
    bench.run()
    expected, magnitude = product(dy, weight), product(abs(dy), abs(weight))
    assert_sums(dx.get().reshape(batch, depth), expected, magnitude, out)
    dx.assert_rest_is_zero()
    assert_sums(dweight, product(dy.T, x), product(abs(dy.T), abs(x)), batch)


@pytest.mark.parametrize("cut", [16, 17, 40, 64])
def test_columns_of_the_input_gradient_in_bands(isa, dtype, cut):
    size = (6, 100, 9)
    (batch, depth, out), (_, dy, weight, _) = size, numbers(size, dtype)
    bench, results = Workbench("channels", dtype, batch), []
    gradient = column(bench, dy)
    for ends in ([0, depth], [0, cut, depth]):
        dx = bench.empty(depth, 1, 1)
        for first, last in itertools.pairwise(ends):
            bench.op.dense_input(
                dx=dx,
                dy=gradient,
                weight=weight,
                depth=depth,
                outputs=out,
                first_column=first,
                last_column=last,
                whole_chunk=True,
            )
        bench.run()
        results.append(dx.get())
    np.testing.assert_array_equal(results[1], results[0])


@pytest.mark.parametrize(("first", "channels"), [(0, 1), (3, 5), (5, 17), (16, 16), (1, 40)])
def test_copies_of_channels(isa, dtype, first, channels):
    """Into the middle of other channels and out again, with nothing beside them touched."""
    bench, x = Workbench("channels", dtype, 3), normal((3, channels, 4, 3), dtype)
    whole = normal((3, first + channels + 2, 4, 3), dtype, 1)
    target, source = bench.array(whole), bench.array(x, halo=0)
    inside = target.pixels() + np.int32(first)
    bench.op.copy(z=target, y=source, z_at=inside, channels=channels)
    bench.run()
    expected = whole.copy()
    expected[:, first : first + channels] = x
    np.testing.assert_array_equal(target.get(), expected)
    target.assert_rest_is_zero()
    back = bench.empty(channels, 4, 3)
    bench.op.copy(z=back, y=target, y_at=inside, channels=channels)
    bench.run()
    np.testing.assert_array_equal(back.get(), x)
    back.assert_rest_is_zero()
