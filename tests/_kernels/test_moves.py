"""Kernels that gather, fill, mix and resize: against NumPy, on every instruction set."""

import numpy as np
import pytest

from fastcnn._kernels import augment, cpu

from .test_augment import isa  # noqa: F401 - a fixture


def over_threads(run):
    """Return what `run()` returns, which must be the same for any number of threads."""
    before, results = cpu.get_num_threads(), []
    for count in (1, 2, 3, 8):
        cpu.set_num_threads(count)
        results.append(run())
    cpu.set_num_threads(before)
    for each in results[1:]:
        np.testing.assert_array_equal(each, results[0])
    return results[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 2, 4, 5), (2, 1, 1, 1), (30, 3, 120, 110)], ids=str)
def test_gather(isa, dtype, shape):  # noqa: F811
    rng = np.random.default_rng(1)
    n, c, h, w = shape
    x = rng.integers(0, 256, shape).astype(dtype)
    fill = np.arange(1, c + 1).astype(dtype)
    kernel = augment.gather_u8 if dtype == np.uint8 else augment.gather
    straight = np.tile(np.arange(-2, w + 1), (n, 1))
    straight[(straight < 0) | (straight >= w)] = -1
    tables = [straight, straight[:, ::-1].copy(), rng.integers(-1, w, (n, w + 3))]
    tables += [np.full((n, 2), -1), np.zeros((n, 1), np.int64)]
    for columns in tables:
        rows = rng.integers(-1, h, (n, h + 1))

        def run(columns=columns, rows=rows):
            y = np.full((n, c, h + 1, columns.shape[1]), 99, dtype)
            kernel(y, x, rows, columns, fill)
            return y

        expected = x[np.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].transpose(
            0, 3, 1, 2
        )
        outside = (rows[:, :, None] < 0) | (columns[:, None, :] < 0)
        expected = np.where(outside[:, None], fill[:, None, None], expected)
        np.testing.assert_array_equal(over_threads(run), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_fill_rectangles(isa, dtype):  # noqa: F811
    x = np.zeros((3, 2, 4, 5), dtype)
    rectangles = np.array([[[0, 0, 0, 0], [1, 1, 2, 3]], [[0, 0, 4, 5], [0, 0, 0, 5]], [[3, 4, 1, 1]] * 2])
    kernel = augment.fill_rectangles_u8 if dtype == np.uint8 else augment.fill_rectangles
    kernel(x, rectangles, np.array([7, 8], dtype))
    expected = np.zeros((3, 2, 4, 5), dtype)
    value = np.array([7, 8], dtype)[:, None, None]
    expected[0, :, 1:3, 1:4], expected[1], expected[2, :, 3, 4] = value, value, value[:, 0, 0]
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0])
def test_mix(isa, weight):  # noqa: F811
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 256, (2, 40, 30001), dtype=np.uint8)
    exact = weight * a.astype(float) + (1 - weight) * b.astype(float)

    def run():
        y = np.empty_like(a)
        augment.mix_u8(y, a, b, weight)
        return y

    assert np.abs(over_threads(run) - exact).max() <= 0.501
    for dtype, tolerance in ((np.float32, 1e-4), (np.float64, 1e-12)):
        y = np.full(a.shape, np.nan, dtype)
        augment.mix(y, a.astype(dtype), b.astype(dtype), weight)
        np.testing.assert_allclose(y, exact, atol=tolerance)


def weights(size, out, method):
    """Return the matrix (out, size) of an axis, in float64."""
    matrix, scale = np.zeros((out, size)), size / out
    for i in range(out):
        centre = scale * (i + 0.5)
        if method == augment.MEAN:
            matrix[i, i * size // out : -(-(i + 1) * size // out)] = 1
        elif method == augment.TWO_TAPS:
            place = max(centre - 0.5, 0)
            left = min(int(place), size - 1)
            matrix[i, left] += 1 - (place - left)
            matrix[i, min(left + 1, size - 1)] += place - left
        else:
            matrix[i] = np.maximum(0, 1 - np.abs(np.arange(size) + 0.5 - centre) / max(scale, 1))
        matrix[i] /= matrix[i].sum()
    return matrix


@pytest.mark.parametrize("method", [augment.TWO_TAPS, augment.TRIANGLE, augment.MEAN])
@pytest.mark.parametrize(
    ("size", "out"),
    [
        ((1, 1), (1, 1)),
        ((5, 7), (5, 7)),
        ((5, 7), (12, 3)),
        ((33, 20), (8, 31)),
        ((9, 64), (1, 1)),
        ((2, 1), (9, 4)),
    ],
)
def test_resize(isa, method, size, out):  # noqa: F811
    rng = np.random.default_rng(3)
    x = rng.integers(0, 256, (6, 3, *size), dtype=np.uint8)
    heights, widths = rng.integers(1, size[0] + 1, 6), rng.integers(1, size[1] + 1, 6)
    boxes = np.stack(
        [rng.integers(0, size[0] - heights + 1), rng.integers(0, size[1] - widths + 1), heights, widths], 1
    )
    boxes[0] = [0, 0, *size]
    exact = np.empty((6, 3, *out))
    for image, (top, left, height, width), y in zip(x, boxes, exact, strict=True):
        part = image[:, top : top + height, left : left + width].astype(float)
        y[:] = weights(height, out[0], method) @ part @ weights(width, out[1], method).T
    y = np.full(exact.shape, 99, np.uint8)
    augment.resize_u8(y, x, boxes, method)
    assert np.abs(y - exact).max() <= 0.501
    for dtype, tolerance in ((np.float32, 2e-4), (np.float64, 1e-11)):
        y = np.full(exact.shape, np.nan, dtype)
        augment.resize(y, x.astype(dtype), boxes, method)
        np.testing.assert_allclose(y, exact, atol=tolerance)


def test_resize_does_not_depend_on_threads(isa):  # noqa: F811
    x = np.random.default_rng(4).integers(0, 256, (30, 3, 110, 120), dtype=np.uint8)
    boxes = np.tile([0, 0, 110, 120], (30, 1))
    boxes[::3] = [5, 6, 50, 70]

    def run():
        y = np.empty((30, 3, 40, 41), np.uint8)
        augment.resize_u8(y, x, boxes, augment.TRIANGLE)
        return y

    over_threads(run)
