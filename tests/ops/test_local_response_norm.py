"""Local response normalisation: PyTorch's stored answers, gradients, cases by hand, what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn import ops
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.testing import gradcheck

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

CASES = select("norm", "local_response_norm")


def _check(case: Case, dtype, arrays: dict) -> None:
    y = ops.local_response_norm(arrays["x"], **case.args)
    assert y.dtype == dtype
    assert_close(y, case["y"], dtype, case.describe(), floor=1.0)
    dx = ops.local_response_norm_backward(arrays["dy"], arrays["x"], **case.args)
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}", floor=1.0)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_agrees_with_pytorch_in_any_memory_layout(case: Case, dtype, layout) -> None:
    arrays = {name: LAYOUTS[layout](case.input(name, dtype)) for name in case.specs}
    before = {name: value.copy() for name, value in arrays.items()}
    _check(case, dtype, arrays)
    for name, value in before.items():
        np.testing.assert_array_equal(arrays[name], value, err_msg=f"{name} was changed by the call")


def test_by_hand() -> None:
    """Of three channels with a window of 2 each sees itself and the one before it."""
    x = np.array([1.0, 2.0, -2.0]).reshape(1, 3, 1)
    y = ops.local_response_norm(x, 2, alpha=2.0, beta=1.0, k=1.0)
    np.testing.assert_allclose(y.ravel(), [1 / 2, 2 / 6, -2 / 9])
    y = ops.local_response_norm(x, 2, alpha=2.0, beta=0.5, k=0.0)
    np.testing.assert_allclose(y.ravel(), [1, 2 / np.sqrt(5), -2 / np.sqrt(8)])


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 20)),
    size=st.integers(1, 9),
    beta=st.sampled_from([0.0, 0.3, 0.5, 0.75, 1.0, 2.0]),
)
def test_is_the_equation(shape, size, beta) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    padded = np.pad(x * x, ((0, 0), (size // 2, (size - 1) // 2), (0, 0)))
    sums = sum(padded[:, i : i + shape[1]] for i in range(size))
    want = x / (1.5 + 0.7 / size * sums) ** beta
    np.testing.assert_allclose(ops.local_response_norm(x, size, 0.7, beta, 1.5), want, rtol=1e-13)


@pytest.mark.parametrize("beta", [0.5, 0.6, 0.75, 1.0, 2.0])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_gradients(size, beta) -> None:
    gradcheck(
        lambda x: ops.local_response_norm(x, size, 0.7, beta, 1.5),
        lambda dy, x: (ops.local_response_norm_backward(dy, x, size, 0.7, beta, 1.5),),
        [np.random.default_rng(0).standard_normal((2, 6, 3, 2))],
    )


def test_an_image_is_the_same_in_any_batch() -> None:
    x = np.random.default_rng(0).standard_normal((9, 5, 7, 3)).astype(np.float32)
    whole, grad = ops.local_response_norm(x, 3), ops.local_response_norm_backward(x[::-1], x, 3)
    for i in range(9):
        np.testing.assert_array_equal(ops.local_response_norm(x[i : i + 1], 3)[0], whole[i])
        one = ops.local_response_norm_backward(x[::-1][i : i + 1], x[i : i + 1], 3)
        np.testing.assert_array_equal(one[0], grad[i])


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0)])
def test_no_elements(shape) -> None:
    x = np.empty(shape)
    assert ops.local_response_norm(x, 3).shape == shape
    assert ops.local_response_norm_backward(x, x, 3).shape == shape


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: ops.local_response_norm(x[0], 3), ShapeError, r"x must be \(N, C, ...\) with at least 3"),
        (lambda x: ops.local_response_norm(x, 0), ArgumentError, "local_response_norm: size must be"),
        (lambda x: ops.local_response_norm(x, 2.0), DTypeError, "size must be an integer"),
        (lambda x: ops.local_response_norm(x, 2, "a"), DTypeError, "alpha must be a number, got 'a'"),
        (lambda x: ops.local_response_norm(x, 2, beta=np.inf), ArgumentError, "beta must be finite"),
        (lambda x: ops.local_response_norm(x, 2, k=None), DTypeError, "k must be a number, got None"),
        (lambda x: ops.local_response_norm(x.astype(int), 2), DTypeError, "x must be float32 or float64"),
        (lambda x: ops.local_response_norm_backward(x[:1], x, 2), ShapeError, "dy must have the shape"),
        (lambda x: ops.local_response_norm_backward(x.astype("f4"), x, 2), DTypeError, "must have one dtype"),
    ],
)
def test_what_is_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call(np.ones((2, 3, 4)))
