"""Batch normalisation and channel sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn._kernels import cpu
from fastcnn._kernels import norm as kernels

from . import reference
from .helpers import SIZES, assert_sums, normal, on_any_threads, poisoned, using_isa


def statistics(x):
    """Run the kernel on poisoned outputs."""
    mean, var = poisoned(x.shape[1], np.float64), poisoned(x.shape[1], np.float64)
    kernels.batch_norm_statistics(mean, var, x)
    return mean, var


def check(shape, dtype, affine=True, training=True):
    case = (shape, affine, training)
    batch, channels, size = shape
    x, dy = 2 * normal(shape, dtype, 1) + dtype(3), normal(shape, dtype, 2)
    weight, bias = (normal(channels, dtype, 3), normal(channels, dtype, 4)) if affine else (None, None)
    exact = x.astype(np.float64)
    mean, var = on_any_threads(lambda: statistics(x))
    eps = np.finfo(dtype).eps * (size + 4)
    assert (np.abs(mean - exact.mean(axis=(0, 2))) <= eps * np.abs(exact).mean(axis=(0, 2))).all(), case
    assert (np.abs(var - exact.var(axis=(0, 2))) <= eps * (exact.var(axis=(0, 2)) + 1e-3)).all(), case
    invstd = 1 / np.sqrt(var + 1e-5)

    def run():
        y, dx, sums = poisoned(shape, dtype), poisoned(shape, dtype), poisoned(channels, dtype)
        dweight, dbias = poisoned(channels, dtype), poisoned(channels, dtype)
        kernels.batch_norm(y, x, mean, invstd, weight, bias)
        kernels.batch_norm_backward(dx, dweight, dbias, dy, x, mean, invstd, weight, training)
        kernels.channel_sums(sums, dy)
        return y, dx, dweight, dbias, sums

    y, dx, dweight, dbias, sums = on_any_threads(run)
    # x - mean cancels: its error is that of the two of them.
    rounded = (np.abs(exact) + np.abs(mean[:, None])) * invstd[:, None]
    gain, offset = (np.ones(channels), np.zeros(channels)) if weight is None else np.abs([weight, bias])
    magnitude = rounded * gain[:, None] + offset[:, None]
    assert_sums(y, reference.batch_norm(x, mean, invstd, weight, bias), magnitude, 3, ("y", *case))
    expected = reference.batch_norm_backward(dy, x, mean, invstd, weight, training)
    products = (np.abs(dy) * rounded).sum(axis=(0, 2))
    total = np.abs(dy).sum(axis=(0, 2), dtype=np.float64)
    assert_sums(dweight, expected[1], products, size + 4, ("dweight", *case))
    assert_sums(dbias, expected[2], total, size, ("dbias", *case))
    assert_sums(sums, expected[2], total, size, ("sums", *case))
    inner = np.abs(dy) + (total[:, None] + rounded * products[:, None]) / (batch * size)
    assert_sums(dx, expected[0], (gain * invstd)[:, None] * inner, size + 8, ("dx", *case))


def test_by_hand(isa, dtype):
    x = np.array([[[1, 3], [5, 5]]], dtype)
    mean, var = statistics(x)
    np.testing.assert_array_equal(mean, [2, 5])
    np.testing.assert_array_equal(var, [1, 0])
    y = poisoned(x.shape, dtype)
    kernels.batch_norm(y, x, mean, np.array([1.0, 10.0]), np.array([2, 1], dtype), np.array([1, -1], dtype))
    np.testing.assert_array_equal(y, [[[-1, 3], [-1, -1]]])


@pytest.mark.parametrize("size", SIZES)
def test_sizes(isa, dtype, size):
    check((3, 5, size), dtype)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 2), (61, 1, 1), (2, 33, 4)], ids=str)
def test_shapes(isa, dtype, shape):
    for affine in (True, False):
        for training in (True, False):
            check(shape, dtype, affine, training)


def test_large_enough_for_threads(isa, dtype):
    check((8, 11, 731), dtype)
    check((8, 11, 731), dtype, affine=False, training=False)


@pytest.mark.parametrize("shape", [(0, 3, 4), (4, 3, 0)], ids=str)
def test_empty(isa, dtype, shape):
    x, y = np.empty(shape, dtype), np.empty(shape, dtype)
    assert np.isnan(statistics(x)).all()
    sums, dbias = poisoned(3, dtype), poisoned(3, dtype)
    kernels.channel_sums(sums, x)
    kernels.batch_norm(y, x, np.zeros(3), np.ones(3), None, None)
    kernels.batch_norm_backward(y, np.empty(3, dtype), dbias, x, x, np.zeros(3), np.ones(3), None, False)
    np.testing.assert_array_equal(sums, 0)
    np.testing.assert_array_equal(dbias, 0)


def test_variance_of_values_far_from_zero(isa, dtype):
    """Sums of squares would lose every digit here; a second pass around the mean loses none."""
    spread = normal((16, 2, 50), np.float64)
    x = (10_000 + spread).astype(dtype)
    _, var = statistics(x)
    np.testing.assert_allclose(var, x.astype(np.float64).var(axis=(0, 2)), rtol=1e-5)


def test_nan_stays_in_its_channel(isa, dtype):
    x = normal((3, 4, 9), dtype)
    x[1, 2, 5] = np.nan
    mean, var = statistics(x)
    np.testing.assert_array_equal(np.isnan(mean), [False, False, True, False])
    np.testing.assert_array_equal(np.isnan(var), [False, False, True, False])


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 70), st.booleans(), st.booleans())
def test_any_shape(batch, channels, size, affine, training):
    for isa in cpu.available_isas("float32"):
        for dtype in (np.float32, np.float64):
            with using_isa(isa):
                check((batch, channels, size), dtype, affine, training)
