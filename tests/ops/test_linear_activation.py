"""Linear, ReLU, softmax and log-softmax against PyTorch's stored answers."""

import numpy as np
import pytest

from fastcnn import ops

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

LINEAR = select("conv", "linear")
RELU = select("norm", "relu")
SOFTMAX = select("norm", "softmax") + select("norm", "log_softmax")
LAYOUT_IDS = {"3d-8", "batch8", "tails", "batch0", "4d", "special", "3d-1", "classes17", "2d-0", "4d-minus-2"}


def _check_linear(case: Case, dtype, arrays: dict) -> None:
    x, weight = arrays["x"], arrays["weight"]
    y = ops.linear(x, weight, arrays.get("bias"))
    dx, dweight, dbias = ops.linear_backward(arrays["dy"], x, weight)
    assert y.dtype == dx.dtype == dweight.dtype == dbias.dtype == dtype
    assert_close(y, case["y"], dtype, case.describe())
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}")
    assert_close(dweight, case["dweight"], dtype, f"dweight of {case.describe()}")
    if "dbias" in case:
        assert_close(dbias, case["dbias"], dtype, f"dbias of {case.describe()}")


def _check_relu(case: Case, dtype, arrays: dict) -> None:
    y = ops.relu(arrays["x"])
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, case["y"].astype(dtype))
    for source in (arrays["x"], y):
        np.testing.assert_array_equal(ops.relu_backward(arrays["dy"], source), case["dx"].astype(dtype))


def _check_softmax(case: Case, dtype, arrays: dict) -> None:
    forward, backward = getattr(ops, case.op), getattr(ops, f"{case.op}_backward")
    y = forward(arrays["x"], **case.args)
    assert y.dtype == dtype
    assert_close(y, case["y"], dtype, case.describe())
    dx = backward(arrays["dy"], y, **case.args)
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}")


CHECKS = {
    "linear": _check_linear,
    "relu": _check_relu,
    "softmax": _check_softmax,
    "log_softmax": _check_softmax,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", LINEAR + RELU + SOFTMAX, ids=lambda case: f"{case.op}-{case.id}")
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    arrays = {name: case.input(name, dtype) for name in case.specs}
    before = {name: value.copy() for name, value in arrays.items()}
    CHECKS[case.op](case, dtype, arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, before[name], err_msg=f"{name} was changed by the call")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "case",
    [case for case in LINEAR + RELU + SOFTMAX if case.id in LAYOUT_IDS],
    ids=lambda case: f"{case.op}-{case.id}",
)
def test_any_memory_layout(case: Case, dtype, layout: str) -> None:
    CHECKS[case.op](case, dtype, {name: LAYOUTS[layout](case.input(name, dtype)) for name in case.specs})


def test_softmax_without_dim_takes_pytorchs_axis() -> None:
    for shape, axis in [((4,), 0), ((3, 4), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)]:
        x = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
        np.testing.assert_array_equal(ops.softmax(x), ops.softmax(x, axis))
        np.testing.assert_array_equal(ops.log_softmax(x), ops.log_softmax(x, axis))


def test_dropout_mask_scales_and_follows_its_generator() -> None:
    x = np.ones((64, 10), np.float32)
    y, mask = ops.dropout(x, 0.25, generator=np.random.default_rng(3))
    again, _ = ops.dropout(x, 0.25, generator=np.random.default_rng(3))
    np.testing.assert_array_equal(y, again)
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.75], rtol=1e-6)
    assert 0.15 < (y == 0).mean() < 0.35
    np.testing.assert_array_equal(ops.dropout_backward(2 * x, mask), 2 * y)
    unchanged, none = ops.dropout(x, 0.25, training=False)
    assert none is None
    np.testing.assert_array_equal(unchanged, x)


def test_dropout_of_an_array_without_axes_is_an_array() -> None:
    x = np.array(2.0)
    y, mask = ops.dropout(x, 0.5, generator=np.random.default_rng(0))
    for each in (y, mask, ops.dropout_backward(x, mask)):
        assert isinstance(each, np.ndarray)
        assert each.shape == ()


def test_zero_pad2d_by_hand() -> None:
    x = np.array([[[1.0, 2.0]]])
    y = ops.zero_pad2d(x, (1, 0, 0, 2))
    np.testing.assert_array_equal(y, [[[0, 1, 2], [0, 0, 0], [0, 0, 0]]])
    np.testing.assert_array_equal(ops.zero_pad2d_backward(y, (1, 0, 0, 2)), x)
