"""Matrix multiplication: every edge of its blocks, every kind of stride."""

import numpy as np
import pytest

from fastcnn._kernels import gemm as kernels

from .helpers import assert_sums, normal, on_any_threads, poisoned

# Register blocks are 6, 8 or 12 rows by 2 vectors (4 to 32 columns); packed blocks 256 deep, 12 register
# blocks high and 16 wide (64 to 512 columns).
SHAPES = [
    (1, 1, 1),
    (1, 33, 1),
    (5, 7, 3),
    (6, 4, 2),
    (7, 9, 5),
    (8, 16, 8),
    (11, 31, 13),
    (12, 32, 255),
    (13, 33, 256),
    (12, 64, 257),
    (73, 65, 7),
    (144, 17, 16),
    (145, 129, 31),
    (290, 515, 5),
    (3, 2, 600),
]


def check(a, b, accumulate=False):
    """Run gemm on a b, on any number of threads, and compare with NumPy."""
    before = normal((a.shape[0], b.shape[1]), a.dtype, 7)

    def run():
        c = before.copy() if accumulate else poisoned(before.shape, a.dtype)
        kernels.gemm(c, a, b, accumulate)
        return c

    exact_a, exact_b = a.astype(np.float64), b.astype(np.float64)
    expected, magnitude = exact_a @ exact_b, np.abs(exact_a) @ np.abs(exact_b)
    if accumulate:
        expected, magnitude = expected + before, magnitude + np.abs(before)
    assert_sums(
        on_any_threads(run), expected, magnitude, a.shape[1], (a.shape, a.strides, b.shape, b.strides)
    )


def test_by_hand(isa, dtype):
    c = poisoned((2, 2), dtype)
    kernels.gemm(c, np.array([[1, 2, 3], [4, 5, 6]], dtype), np.array([[1, 0], [0, 1], [2, -1]], dtype))
    np.testing.assert_array_equal(c, [[7, -1], [16, -1]])


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize(("m", "n", "k"), SHAPES)
def test_shapes(isa, dtype, m, n, k, accumulate):
    check(normal((m, k), dtype, 1), normal((k, n), dtype, 2), accumulate)


@pytest.mark.parametrize("layout", ["transposed", "fortran", "reversed", "stepped", "broadcast"])
def test_strides(isa, dtype, layout):
    """A and B may have any strides: a transpose or a slice is read where it lies."""
    change = {
        "transposed": lambda x: np.ascontiguousarray(x.T).T,
        "fortran": np.asfortranarray,
        "reversed": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
        "stepped": lambda x: np.repeat(np.repeat(x, 3, axis=0), 2, axis=1)[::3, ::2],
        "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
    }[layout]
    a, b = normal((29, 37), dtype, 1), normal((37, 41), dtype, 2)
    check(change(a), b)
    check(a, change(b))
    check(change(a), change(b), accumulate=True)


@pytest.mark.parametrize("accumulate", [False, True])
def test_empty(isa, dtype, accumulate):
    """Without a depth the product is zero; without rows or columns nothing happens."""
    check(normal((5, 0), dtype), normal((0, 7), dtype), accumulate)
    for m, n in [(0, 3), (3, 0), (0, 0)]:
        kernels.gemm(np.empty((m, n), dtype), normal((m, 4), dtype), normal((4, n), dtype), accumulate)


def test_non_finite_numbers_stay_in_their_row(isa, dtype):
    a, b = normal((13, 17), dtype, 1), normal((17, 35), dtype, 2)
    a[3, 4] = np.nan
    a[5, 6] = np.inf
    c = poisoned((13, 35), dtype)
    kernels.gemm(c, a, b)
    assert np.isnan(c[3]).all()
    assert not np.isfinite(c[5]).any()
    assert np.isfinite(np.delete(c, [3, 5], axis=0)).all()


def test_shapes_that_do_not_fit_are_refused(dtype):
    with pytest.raises(ValueError, match=r"gemm: shapes do not fit: c \(2, 2\), a \(2, 3\), b \(4, 2\)"):
        kernels.gemm(np.empty((2, 2), dtype), np.empty((2, 3), dtype), np.empty((4, 2), dtype))
