"""Group normalisation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn._kernels import cpu
from fastcnn._kernels import norm as kernels

from . import reference
from .helpers import SIZES, assert_sums, normal, on_any_threads, poisoned, using_isa


def statistics(x, groups):
    """Run the kernel on poisoned outputs."""
    mean, var = (poisoned((len(x), groups), np.float64) for _ in range(2))
    kernels.row_statistics(mean.reshape(-1), var.reshape(-1), x.reshape(mean.size, -1))
    return mean, var


def check(shape, groups, dtype, affine=True):
    case = (shape, groups, affine)
    batch, channels, size = shape
    x, dy = 2 * normal(shape, dtype, 1) + dtype(3), normal(shape, dtype, 2)
    weight, bias = (normal(channels, dtype, 3), normal(channels, dtype, 4)) if affine else (None, None)
    rows = x.astype(np.float64).reshape(batch, groups, -1)
    count = rows.shape[2]
    mean, var = on_any_threads(lambda: statistics(x, groups))
    eps = np.finfo(dtype).eps * (count + 4)
    assert (np.abs(mean - rows.mean(axis=2)) <= eps * np.abs(rows).mean(axis=2)).all(), case
    assert (np.abs(var - rows.var(axis=2)) <= eps * (rows.var(axis=2) + 1e-3)).all(), case
    invstd = 1 / np.sqrt(var + 1e-2)

    def run():
        y, dx = poisoned(shape, dtype), poisoned(shape, dtype)
        dweight, dbias = poisoned(channels, dtype), poisoned(channels, dtype)
        kernels.group_norm(y, x, mean, invstd, weight, bias)
        kernels.group_norm_backward_input(dx, dy, x, mean, invstd, weight)
        kernels.group_norm_backward_weight(dweight, dbias, dy, x, mean, invstd)
        return y, dx, dweight, dbias

    y, dx, dweight, dbias = on_any_threads(run)
    # x - mean cancels: its error is that of the two of them.
    wide_mean, scale = (
        np.repeat(each, channels // groups, axis=1)[:, :, None] for each in (np.abs(mean), invstd)
    )
    rounded = (np.abs(x.astype(np.float64)) + wide_mean) * scale
    gain, offset = (np.ones(channels), np.zeros(channels)) if weight is None else np.abs([weight, bias])
    magnitude = rounded * gain[:, None] + offset[:, None]
    assert_sums(y, reference.group_norm(x, mean, invstd, weight, bias), magnitude, 4, ("y", *case))
    expected = reference.group_norm_backward(dy, x, mean, invstd, weight)
    products = (np.abs(dy) * rounded).sum(axis=(0, 2))
    total = np.abs(dy).sum(axis=(0, 2), dtype=np.float64)
    assert_sums(dweight, expected[1], products, batch * size + 4, ("dweight", *case))
    assert_sums(dbias, expected[2], total, batch * size, ("dbias", *case))
    inner = np.abs(dy) * gain[:, None]

    def means(terms):
        grouped = terms.reshape(batch, groups, -1)
        return np.repeat(grouped.mean(axis=2, keepdims=True), count, axis=2).reshape(shape)

    sums = inner + means(inner) + rounded * means(inner * rounded)
    assert_sums(dx, expected[0], scale * sums, count + 8, ("dx", *case))


def test_by_hand(isa, dtype):
    x = np.array([[[1, 3], [5, 7]], [[2, 2], [0, 4]]], dtype)
    mean, var = statistics(x, 1)
    np.testing.assert_array_equal(mean, [[4], [2]])
    np.testing.assert_array_equal(var, [[5], [2]])
    y = poisoned(x.shape, dtype)
    kernels.group_norm(y, x, mean, np.array([[1.0], [0.5]]), np.array([2, 1], dtype), np.array([1, 0], dtype))
    np.testing.assert_array_equal(y, [[[-5, -1], [1, 3]], [[1, 1], [-1, 1]]])


@pytest.mark.parametrize("size", SIZES)
def test_sizes(isa, dtype, size):
    check((3, 6, size), 3, dtype)


@pytest.mark.parametrize("channels", SIZES)
def test_channels_of_one_element(isa, dtype, channels):
    """Layer normalisation: rows of channels."""
    if channels:
        check((9, channels, 1), 1, dtype)
        check((2, 2 * channels, 1), 2, dtype, affine=False)


def test_large_enough_for_threads(isa, dtype):
    check((8, 12, 731), 4, dtype)
    check((3001, 35, 1), 1, dtype)


def test_data_far_from_zero(isa, dtype):
    spread = normal((16, 4, 50), np.float64)
    x = (10_000 + spread).astype(dtype)
    _, var = statistics(x, 2)
    np.testing.assert_allclose(var, x.astype(np.float64).reshape(16, 2, -1).var(axis=2), rtol=1e-5)


def test_nan_stays_in_its_group(isa, dtype):
    x = normal((3, 4, 9), dtype)
    x[1, 2, 5] = np.nan
    mean, var = statistics(x, 2)
    for each in (mean, var):
        np.testing.assert_array_equal(np.isnan(each), [[False, False], [False, True], [False, False]])


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 20), st.integers(1, 40), st.booleans())
def test_any_shape(batch, groups, some, size, affine):
    for isa in cpu.available_isas("float32"):
        for dtype in (np.float32, np.float64):
            with using_isa(isa):
                check((batch, groups * some, size), groups, dtype, affine)
