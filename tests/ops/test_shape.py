"""Merging axes."""

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.errors import DTypeError, ShapeError


@pytest.mark.parametrize(
    ("shape", "dims", "expected"),
    [
        ((2, 3, 4), (), (24,)),
        ((2, 3, 4), (1,), (2, 12)),
        ((2, 3, 4, 5), (1, 2), (2, 12, 5)),
        ((2, 3, 4, 5), (-3, -2), (2, 12, 5)),
        ((2, 3, 4), (1, 1), (2, 3, 4)),
        ((2, 3, 4), (np.int64(0), np.int32(1)), (6, 4)),
        ((), (), (1,)),
        ((), (-1, 0), (1,)),
        ((0, 3, 4), (1,), (0, 12)),
        ((2, 0, 4), (), (0,)),
        ((7,), (), (7,)),
    ],
    ids=str,
)
def test_flatten_merges_axes(shape, dims, expected):
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    y = ops.flatten(x, *dims)
    assert y.shape == expected
    np.testing.assert_array_equal(y.ravel(), x.ravel())


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, bool])
def test_flatten_takes_any_type_and_returns_a_view_where_it_can(dtype):
    x = np.ones((2, 3, 4), dtype)
    y = ops.flatten(x, 1)
    assert y.dtype == dtype
    assert np.shares_memory(x, y)
    np.testing.assert_array_equal(ops.flatten(x.transpose(0, 2, 1), 1), y)


def test_flatten_reads_elements_in_the_order_of_the_axes():
    x = np.arange(6).reshape(2, 3).T
    np.testing.assert_array_equal(ops.flatten(x), [0, 3, 1, 4, 2, 5])


@pytest.mark.parametrize(
    ("x", "dims", "error", "message"),
    [
        ([1.0], (), DTypeError, "flatten: x must be a NumPy array, got list"),
        (None, (), DTypeError, "flatten: x must be a NumPy array, got NoneType"),
        (np.ones((2, 3)), (1.0,), DTypeError, "flatten: start_dim must be an integer, got 1.0"),
        (np.ones((2, 3)), (True,), DTypeError, "flatten: start_dim must be an integer, got True"),
        (np.ones((2, 3)), (0, None), DTypeError, "flatten: end_dim must be an integer, got None"),
        (np.ones((2, 3)), (2,), ShapeError, r"flatten: x of the shape \(2, 3\) has no axes 2 to -1"),
        (np.ones((2, 3)), (0, -3), ShapeError, r"flatten: x of the shape \(2, 3\) has no axes 0 to -3"),
        (np.ones(()), (1,), ShapeError, r"flatten: x of the shape \(\) has no axes 1 to -1"),
        (np.ones((2, 3)), (1, 0), ShapeError, "flatten: start_dim 1 comes after end_dim 0"),
    ],
)
def test_flatten_refuses(x, dims, error, message):
    with pytest.raises(error, match=message):
        ops.flatten(x, *dims)
