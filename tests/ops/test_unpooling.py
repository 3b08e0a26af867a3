"""Max unpooling against PyTorch's stored answers, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn import ops
from fastcnn.errors import ArgumentError, DTypeError, ShapeError

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS

CASES = select("indices", "max_unpool2d")


def _check(case: Case, dtype, change) -> None:
    x, indices, dy = (change(case.input(name, dtype)) for name in ("x", "indices", "dy"))
    y = ops.max_unpool2d(x, indices, **case.args)
    assert y.dtype == dtype
    # Values are moved: nothing is rounded.
    np.testing.assert_array_equal(y, case["y"].astype(dtype), err_msg=case.describe())
    dx = ops.max_unpool2d_backward(dy, indices)
    assert dx.dtype == dtype
    np.testing.assert_array_equal(dx, case["dx"].astype(dtype), err_msg=case.describe())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    _check(case, dtype, np.copy)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_any_memory_layout(case: Case, layout: str) -> None:
    _check(case, np.float32, LAYOUTS[layout])


def test_by_hand() -> None:
    x = np.array([[[[1.0, 5, 2], [4, 3, 6]]]])
    y, indices = ops.max_pool2d(x, (2, 1))
    np.testing.assert_array_equal(indices, [[[[3, 1, 5]]]])
    back = ops.max_unpool2d(y, indices, (2, 1))
    np.testing.assert_array_equal(back, [[[[0, 5, 0], [4, 0, 6]]]])
    dx = ops.max_unpool2d_backward(x, indices.astype(np.uint8))
    np.testing.assert_array_equal(dx, [[[[4, 5, 6]]]])


def test_of_values_that_share_a_place_the_last_one_stays() -> None:
    x, indices = np.array([[[1.0, -0.0], [np.nan, 4]]]), np.array([[[1, 2], [5, 1]]])
    y = ops.max_unpool2d(x, indices, 1, 2)
    np.testing.assert_array_equal(y, [[[0, 4, 0], [0, 0, np.nan], [0, 0, 0]]])
    assert np.signbit(y[0, 0, 2])
    dy = np.arange(9.0).reshape(1, 3, 3)
    np.testing.assert_array_equal(ops.max_unpool2d_backward(dy, indices), [[[1, 2], [5, 1]]])


@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    sizes=st.tuples(st.integers(3, 9), st.integers(3, 9)),
    batch=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_pooling_finds_what_it_was_given(kernel, sizes, batch, seed) -> None:
    """Behind windows that do not overlap, of numbers above 0."""
    x = np.random.default_rng(seed).uniform(1, 2, (batch, 2, *sizes))
    y, indices = ops.max_pool2d(x, kernel, ceil_mode=True)
    back = ops.max_unpool2d(y, indices, kernel, output_size=sizes)
    assert back.shape == x.shape
    np.testing.assert_array_equal(back[back != 0], x[back != 0])
    again, places = ops.max_pool2d(back, kernel, ceil_mode=True)
    np.testing.assert_array_equal(again, y)
    np.testing.assert_array_equal(places, indices)
    np.testing.assert_array_equal(ops.max_unpool2d_backward(back, indices), y)


X, AT = np.ones((2, 3, 4, 5)), np.zeros((2, 3, 4, 5), int)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x": X.astype(int)}, DTypeError, "x must be float32 or float64, got int64"),
        ({"x": X[0, 0]}, ShapeError, r"x must be 3-D or 4-D, got the shape \(4, 5\)"),
        ({"x": X[..., :0]}, ShapeError, "x has no pixels"),
        ({"indices": AT.astype(float)}, DTypeError, "indices must be an integer array, got float64"),
        ({"indices": None}, DTypeError, "indices must be an integer array, got NoneType"),
        ({"indices": AT[:1]}, ShapeError, r"indices must have the shape \(2, 3, 4, 5\), got \(1, 3, 4, 5\)"),
        (
            {"indices": AT - 1},
            ArgumentError,
            r"indices must lie in \[0, 80\), the pixels of a plane of 8 rows and 10 columns; got -1 to -1",
        ),
        ({"indices": AT + 80}, ArgumentError, r"indices must lie in \[0, 80\), .*; got 80 to 80"),
        ({"kernel_size": 0}, ArgumentError, "kernel_size must be at least 1, got 0"),
        ({"stride": (1, 2, 3)}, ArgumentError, "stride must be an integer or 1 or 2 integers"),
        ({"padding": 4}, ShapeError, "nothing is left of the output, 0 rows of 2 pixels"),
        ({"output_size": 8}, DTypeError, "output_size must be a sequence of sizes, got 8"),
        ({"output_size": (8,)}, ArgumentError, r"output_size must have 2 or 4 sizes, got \(8,\)"),
        ({"output_size": (8, 0)}, ArgumentError, "output_size must be at least 1, got 0"),
        (
            {"output_size": (10, 10)},
            ArgumentError,
            r"output_size must lie between \(7, 9\) and \(9, 11\), got \(10, 10\)",
        ),
        ({"stride": 2**62}, ArgumentError, "the output's sizes pass 2"),
    ],
)
def test_errors(changes, error, message) -> None:
    with pytest.raises(error, match=f"^max_unpool2d: {message}"):
        ops.max_unpool2d(**{"x": X, "indices": AT, "kernel_size": 2, **changes})


@pytest.mark.parametrize(
    ("dy", "indices", "error", "message"),
    [
        (AT, AT, DTypeError, "dy must be float32 or float64, got int64"),
        (X[0, 0], AT[0, 0], ShapeError, "dy must be 3-D or 4-D"),
        (X, AT.astype(float), DTypeError, "indices must be an integer array, got float64"),
        (X, AT[0], ShapeError, r"indices must have the shape \(2, 3, 4, 5\), got \(3, 4, 5\)"),
        (X, AT[:, :2], ShapeError, r"indices must have the shape \(2, 3, 4, 5\), got \(2, 2, 4, 5\)"),
        (X, AT + 20, ArgumentError, r"indices must lie in \[0, 20\)"),
    ],
)
def test_errors_of_the_gradient(dy, indices, error, message) -> None:
    with pytest.raises(error, match=f"^max_unpool2d_backward: {message}"):
        ops.max_unpool2d_backward(dy, indices)
