"""Convolution, im2col and col2im against PyTorch's stored answers."""

import itertools

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.errors import FastcnnError

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

CONV2D = select("conv", "conv2d")
IM2COL = select("conv", "im2col")
LAYOUT_CASES = [
    case
    for case in CONV2D
    if case.id
    in {
        "pad-2x0",
        "groups-dilation4",
        "depthwise-stride3x2",
        "1x1",
        "1x1-stride2",
        "pad-four-different",
        "batch0",
    }
]


def _backward_args(args: dict) -> dict:
    return {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **args}


def _check(case: Case, dtype, arrays: dict) -> None:
    y = ops.conv2d(arrays["x"], arrays["weight"], arrays.get("bias"), **case.args)
    dx, dweight, dbias = ops.conv2d_backward(
        arrays["dy"], arrays["x"], arrays["weight"], **_backward_args(case.args)
    )
    for name, found in {"y": y, "dx": dx, "dweight": dweight}.items():
        assert found.dtype == dtype
        assert_close(found, case[name], dtype, f"{name} of {case.describe()}")
    if "dbias" in case:
        assert_close(dbias, case["dbias"], dtype, f"dbias of {case.describe()}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CONV2D, ids=lambda case: case.id)
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    arrays = {name: case.input(name, dtype) for name in case.specs}
    before = {name: value.copy() for name, value in arrays.items()}
    _check(case, dtype, arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, before[name], err_msg=f"{name} was changed by the call")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", LAYOUT_CASES, ids=lambda case: case.id)
def test_any_memory_layout(case: Case, dtype, layout: str) -> None:
    _check(case, dtype, {name: LAYOUTS[layout](case.input(name, dtype)) for name in case.specs})


def test_results_do_not_depend_on_what_memory_held() -> None:
    case = next(case for case in CONV2D if case.id == "pad-four-different")
    arrays = {name: case.input(name, np.float32) for name in case.specs}
    first = ops.conv2d(arrays["x"], arrays["weight"], arrays["bias"], **case.args)
    for _ in range(3):
        rubbish = [np.full(first.shape, np.nan, np.float32) for _ in range(8)]
        del rubbish
        np.testing.assert_array_equal(
            ops.conv2d(arrays["x"], arrays["weight"], arrays["bias"], **case.args), first
        )


@pytest.mark.parametrize("case", select("sizes", "conv2d"), ids=lambda case: case.id)
def test_output_sizes(case: Case) -> None:
    names = ("size", "kernel", "stride", "padding", "dilation")
    for numbers, expected in zip(
        itertools.product(*(case.args[n] for n in names)), case["sizes"].flat, strict=True
    ):
        size, kernel, stride, padding, dilation = numbers
        window = {"stride": (stride, 1), "padding": (padding, 0), "dilation": (dilation, 1)}
        x, weight = np.zeros((1, 1, size, 1), np.float32), np.zeros((1, 1, kernel, 1), np.float32)
        if expected < 0:
            with pytest.raises(FastcnnError):
                ops.conv2d(x, weight, **window)
        else:
            assert ops.conv2d(x, weight, **window).shape[2] == expected, dict(
                zip(names, numbers, strict=True)
            )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", IM2COL, ids=lambda case: case.id)
def test_im2col_and_its_adjoint(case: Case, dtype) -> None:
    x, dy = case.input("x", dtype), case.input("dy", dtype)
    assert_close(ops.im2col(x, **case.args), case["y"], dtype, f"columns of {case.describe()}")
    assert_close(
        ops.im2col(x[0], **case.args), case["y"][0], dtype, f"unbatched columns of {case.describe()}"
    )
    dx = ops.im2col_backward(dy, x.shape[2:], **case.args)
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}")
    # col2im is that adjoint, and its own gradient is im2col.
    np.testing.assert_array_equal(ops.col2im(dy, x.shape[2:], **case.args), dx)
    np.testing.assert_array_equal(ops.col2im_backward(x, **case.args), ops.im2col(x, **case.args))


def test_im2col_by_hand() -> None:
    x = np.arange(6.0).reshape(1, 1, 2, 3)
    expected = [[0, 1], [1, 2], [3, 4], [4, 5]]
    np.testing.assert_array_equal(ops.im2col(x, 2)[0], expected)
    np.testing.assert_array_equal(
        ops.col2im(np.array([expected], float), (2, 3), 2), [[[[0, 2, 2], [3, 8, 5]]]]
    )


def test_conv2d_by_hand() -> None:
    x = np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    weight = np.array([[[[1.0, 0.0], [0.0, -1.0]]]])
    np.testing.assert_array_equal(ops.conv2d(x, weight, np.array([10.0])), [[[[6.0, 6.0]]]])
    dx, dweight, dbias = ops.conv2d_backward(np.array([[[[1.0, 2.0]]]]), x, weight)
    np.testing.assert_array_equal(dx, [[[[1.0, 2.0, 0.0], [0.0, -1.0, -2.0]]]])
    np.testing.assert_array_equal(dweight, [[[[5.0, 8.0], [14.0, 17.0]]]])
    np.testing.assert_array_equal(dbias, [3.0])
