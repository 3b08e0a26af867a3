"""Winograd's filtering as operations of programs: what engine/nodes/conv_winograd.py writes."""

import numpy as np
import pytest

from fastcnn import _shapes
from fastcnn._kernels import program as kernels
from fastcnn._kernels.elementwise import ACTIVATIONS
from fastcnn.engine.memory import table

from . import reference
from .helpers import normal
from .layouts import Workbench, same_on_any_threads
from .products import weight_places, weight_sum

# (images, input channels, output channels, height, width): one tile, tiles of all kinds, blocks of vectors, a
# chain of products and a second one, more tiles than are in hand.
SIZES = [(1, 1, 1, 4, 4), (3, 5, 17, 7, 9), (19, 16, 4, 3, 6), (2, 70, 33, 8, 7), (5, 3, 40, 24, 21)]
# Errors as a share of the largest number.
BOUND = {"float32": 4e-6, "float64": 4e-15}


def window_of(size):
    _, _, _, height, width = size
    return _shapes.window((height, width), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), "3x3")


KINDS = [(4, 3), (4, 4), (3, 4), (3, 3)]


def cut(size):
    """Return where tiles start, and their sizes: as many of 4 pixels as there can be, then of 3."""
    fours = next(n for n in range(size // 4, -1, -1) if (size - 4 * n) % 3 == 0)
    sizes = [4] * fours + [3] * ((size - 4 * fours) // 3)
    return list(zip(np.cumsum([0, *sizes[:-1]]).tolist(), sizes, strict=True))


def tiles_of(x, height, width):
    """Return the tables of a plane's tiles whose windows begin a pixel above and to the left."""
    tiles = [(KINDS.index((m, n)), i, j, m, n) for i, m in cut(height) for j, n in cut(width)]
    tiles.sort(key=lambda tile: tile[0])
    kinds = [tile[0] for tile in tiles]
    place = lambda i, j: x.grid(np.array([i]), np.array([j]))[0]  # noqa: E731
    return {
        "x_at": np.array([place(i - 1, j - 1) for _, i, j, _, _ in tiles]),
        "x_last": np.array([place(i + m, j + n) for _, i, j, m, n in tiles]),
        "tile_at": table(np.array([(i * width + j, m, n) for _, i, j, m, n in tiles]).ravel()),
        "kind_at": table(np.array([sum(kind < k for kind in kinds) for k in range(5)])),
        "x_row": int(x.offset(1, 0)),
        "x_pixel": int(x.offset(0, 1)),
        "row_pixels": width,
        "in_channels": x.channels,
        "in_vectors": x.bench.vectors(x.channels),
    }


def room(bench, rows, channels):
    """Return the vectors of 36 positions, each of so many rows and a cache line."""
    line = -(-64 // (bench.layout.lanes * bench.dtype.itemsize))
    return 36 * (rows * bench.vectors(channels) + line)


def in_hand(bench, *channels, most=24):
    """Return what operations are told of the tiles that they take in hand."""
    return {
        "most_in_hand": most,
        "scratch": bench.of_threads(sum(room(bench, most, each) for each in channels)),
    }


def pack(bench, weight, scale=None):
    out, inner = weight.shape[:2]
    packed = np.full(36 * inner * bench.layout.row(out), np.nan, bench.dtype)
    bench.op.winograd_weights(
        packed=packed, weight=weight, scale=scale, tasks=bench.op.blocks(out), **weight_places(weight)
    )
    return packed


def near(got, expected):
    bound = BOUND[got.dtype.name] * np.abs(expected).max()
    np.testing.assert_allclose(got, expected, rtol=0, atol=bound)


@pytest.mark.parametrize(("whole_chunk", "most"), [(False, 24), (True, 24), (True, kernels.MOST_TILES)])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_convolution(isa, dtype, size, whole_chunk, most):
    """With a scale in the weights, a bias and ReLU; nothing is written but y."""
    batch, inner, out, height, width = size
    x, weight = normal((batch, inner, height, width), dtype), normal((out, inner, 3, 3), dtype, 1)
    scale, bias = normal(out, dtype, 2), normal(out, dtype, 3)
    expected = reference.conv2d(x, weight * scale[:, None, None, None], bias, 1, window_of(size))

    def results_of(threads):
        bench = Workbench("channels", dtype, batch)
        source, y = bench.array(x), bench.empty(out, height, width)
        bench.op.winograd(
            y=y,
            x=source,
            weight=pack(bench, weight, bench.row(scale)),
            bias=bench.row(bias),
            **in_hand(bench, inner, out, most=most),
            vectors=bench.vectors(out),
            activation=ACTIVATIONS["relu"],
            whole_chunk=whole_chunk,
            **tiles_of(source, height, width),
        )
        bench.run(threads=threads)
        y.assert_rest_is_zero()
        return y.get()

    near(same_on_any_threads(results_of), np.maximum(expected, 0))


@pytest.mark.parametrize("activation", [None, "leaky_relu", "slopes"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_goes_with_a_product(isa, dtype, size, activation):
    """A bias for each position, an activation, and products added to what is there."""
    batch, inner, out, height, width = size
    bench = Workbench("channels", dtype, batch)
    x, weight = normal((batch, inner, height, width), dtype), normal((out, inner, 3, 3), dtype, 1)
    bias, before = normal((out, height * width), dtype, 2), normal((batch, out, height, width), dtype, 3)
    rows = np.zeros((height * width, bench.layout.row(out)), dtype)
    rows[:, :out] = bias.T
    source, y = bench.array(x), bench.array(before)
    behind = {} if activation is None else {"activation": ACTIVATIONS["leaky_relu"], "alpha": 0.25}
    slopes = np.linspace(-1, 2, out).astype(dtype) if activation == "slopes" else np.full(out, 0.25)
    if activation == "slopes":
        behind["slope"] = bench.row(slopes)
    bench.op.winograd(
        y=y,
        x=source,
        weight=pack(bench, weight),
        bias=rows.ravel(),
        by_position=True,
        **in_hand(bench, inner, out),
        vectors=bench.vectors(out),
        add=True,
        **behind,
        **tiles_of(source, height, width),
    )
    bench.run()
    expected = (
        before + reference.conv2d(x, weight, None, 1, window_of(size)) + bias.reshape(out, height, width)
    )
    near(y.get(), np.where(expected > 0, 1, slopes[:, None, None] if activation else 1) * expected)


# Tiles in hand, and the input channels and vectors that a total has room for; none: for all.
TOTALS = [(24, None), (24, (3, 1)), (kernels.MOST_TILES, (64, 4)), (kernels.MOST_TILES, (32, 2))]


@pytest.mark.parametrize("whole_chunk", [False, True])
@pytest.mark.parametrize("most_slots", [1, 3, kernels.MOST_SLOTS])
@pytest.mark.parametrize(("most", "block"), TOTALS)
@pytest.mark.parametrize("size", [*SIZES, (75, 4, 6, 3, 4)], ids=str)
def test_weight_gradient(isa, dtype, size, most, block, most_slots, whole_chunk):
    """Slots of several images, of which some calls take a part; totals of all channels or of a block."""
    batch, inner, out, height, width = size
    x, dy = normal((batch, inner, height, width), dtype), normal((batch, out, height, width), dtype, 1)
    expected = reference.conv2d_backward_weight(dy, x, 1, window_of(size))

    def results_of(threads):
        bench = Workbench("channels", dtype, batch)
        source, gradient = bench.array(x), bench.array(dy)
        dweight, vectors = np.full((out, inner, 3, 3), np.nan, dtype), bench.vectors(out)
        sums = bench.sums(9 * inner * vectors, most_slots)
        total_channels, total_vectors = block or (inner, vectors)
        bench.op.winograd_weight(
            sums=sums,
            x=source,
            dy=gradient,
            **in_hand(bench, inner, out, most=most),
            total=bench.of_threads(room(bench, total_channels, total_vectors * bench.layout.lanes)),
            total_channels=total_channels,
            total_vectors=total_vectors,
            vectors=vectors,
            whole_chunk=whole_chunk,
            **tiles_of(source, height, width),
        )
        weight_sum(bench, dweight, sums)
        bench.run(threads=threads)
        return dweight

    near(same_on_any_threads(results_of), expected)
