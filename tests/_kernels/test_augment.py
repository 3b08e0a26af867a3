"""Kernels of augmentation: every instruction set and number of threads, on poisoned outputs."""

import numpy as np
import pytest

from fastcnn._kernels import augment, cpu


@pytest.fixture(params=cpu.available_isas("float32"))
def isa(request):
    before = cpu.get_isa()
    cpu.set_isa(request.param)
    yield request.param
    cpu.set_isa(before)


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = cpu.get_num_threads()
    cpu.set_num_threads(request.param)
    yield request.param
    cpu.set_num_threads(before)


def sample(x, matrices, fill):
    """The equation of csrc/data/augment.c in float64, on an image padded far enough for every tap."""
    count, channels, height, width = x.shape
    padded = np.empty((count, channels, height + 4, width + 4))
    padded[:] = fill[:, None, None]
    padded[:, :, 2:-2, 2:-2] = x
    i, j = np.mgrid[:height, :width]
    y = np.empty(x.shape)
    for n, m in enumerate(matrices):
        column = np.clip(m[0] * j + m[1] * i + m[2], -2, width) + 2
        row = np.clip(m[3] * j + m[4] * i + m[5], -2, height) + 2
        left, top = np.floor(column).astype(int), np.floor(row).astype(int)
        right_share, bottom_share = column - left, row - top
        image = padded[n]
        y[n] = (1 - bottom_share) * (
            (1 - right_share) * image[:, top, left] + right_share * image[:, top, left + 1]
        ) + bottom_share * (
            (1 - right_share) * image[:, top + 1, left] + right_share * image[:, top + 1, left + 1]
        )
    return y


def random_maps(count, height, width, rng):
    maps = np.array([1, 0, 0, 0, 1, 0]) + rng.normal(0, 0.3, (count, 6))
    maps[:, [2, 5]] += rng.uniform(-1, 1, (count, 2)) * [width, height]
    return maps


# The last is large enough to be cut into threads.
SHAPES = [(1, 1, 1, 1), (3, 2, 5, 4), (2, 1, 28, 28), (2, 3, 33, 17), (1, 1, 3, 65), (40, 3, 96, 100)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_affine(isa, threads, shape):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, shape, dtype=np.uint8)
    matrices = random_maps(shape[0], shape[2], shape[3], rng)
    fill = rng.integers(0, 256, shape[1], dtype=np.uint8)
    exact = sample(x, matrices, fill)
    y = np.full(shape, 99, np.uint8)
    augment.affine_u8(y, x, matrices, fill)
    assert np.abs(y - exact).max() <= 0.51
    for dtype, tolerance in ((np.float32, 0.02), (np.float64, 1e-9)):
        y = np.full(shape, np.nan, dtype)
        augment.affine(y, x.astype(dtype), matrices, fill.astype(dtype))
        np.testing.assert_allclose(y, exact, atol=tolerance)


def test_affine_does_not_depend_on_threads(isa):
    rng = np.random.default_rng(2)
    x = rng.integers(0, 256, SHAPES[-1], dtype=np.uint8)
    matrices, fill = random_maps(len(x), 96, 100, rng), np.zeros(3, np.uint8)
    before, results = cpu.get_num_threads(), []
    for count in (1, 2, 4):
        cpu.set_num_threads(count)
        results.append(np.empty_like(x))
        augment.affine_u8(results[-1], x, matrices, fill)
    cpu.set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300, -1e300])
@pytest.mark.parametrize("place", range(6))
def test_affine_stays_inside_for_any_map(isa, bad, place):
    matrices = np.array([[1, 0, 0, 0, 1, 0]], dtype=np.float64)
    matrices[0, place] = bad
    x = np.full((1, 1, 6, 5), 100, np.uint8)
    y = np.zeros_like(x)
    augment.affine_u8(y, x, matrices, np.array([20], np.uint8))
    assert set(y.ravel().tolist()) <= {20, 100}
    z = np.full(x.shape, np.nan, np.float32)
    augment.affine(z, x.astype(np.float32), matrices, np.array([20], np.float32))
    assert set(z.ravel().tolist()) <= {20.0, 100.0}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 35), (60, 3, 7000)], ids=str)
def test_normalize(isa, threads, dtype, shape):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 256, shape, dtype=np.uint8)
    table = rng.normal(size=(shape[1], 256)).astype(dtype)
    y = np.full(shape, np.nan, dtype)
    augment.normalize_u8(y, x, table)
    np.testing.assert_array_equal(y, table[np.arange(shape[1])[None, :, None], x])
