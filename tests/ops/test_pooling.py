"""Max, average and adaptive average pooling against PyTorch's stored answers."""

import itertools

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.errors import FastcnnError

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

MAX_POOL2D = select("pool", "max_pool2d")
AVG_POOL2D = select("pool", "avg_pool2d")
ADAPTIVE = select("pool", "adaptive_avg_pool2d")
LAYOUT_IDS = {
    "3x3-stride2-overlap",
    "pad-right-bottom",
    "unbatched",
    "overlap-ties",
    "2x2-rest-ceil",
    "batch0",
    "pad-right-bottom-exclude",
    "6x6-stride3-pad2x3-ceil-by2",
    "not-divisible",
    "5-none-unbatched",
}


def _check_max(case: Case, dtype, x: np.ndarray, dy: np.ndarray, layout=np.copy) -> None:
    y, argmax = ops.max_pool2d(x, **case.args)
    assert (y.dtype, argmax.dtype) == (dtype, np.int64)
    # The maximum is one of the inputs, so nothing is rounded.
    np.testing.assert_array_equal(y, case["y"].astype(dtype), err_msg=case.describe())
    np.testing.assert_array_equal(argmax, case["argmax"], err_msg=f"argmax of {case.describe()}")
    dx = ops.max_pool2d_backward(dy, layout(argmax), x.shape)
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}")


def _check_avg(case: Case, dtype, x: np.ndarray, dy: np.ndarray) -> None:
    y = ops.avg_pool2d(x, **case.args)
    assert y.dtype == dtype
    assert_close(y, case["y"], dtype, case.describe())
    dx = ops.avg_pool2d_backward(dy, x.shape, **case.args)
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}")


def _check_adaptive(case: Case, dtype, x: np.ndarray, dy: np.ndarray) -> None:
    y = ops.adaptive_avg_pool2d(x, **case.args)
    assert y.dtype == dtype
    assert_close(y, case["y"], dtype, case.describe())
    dx = ops.adaptive_avg_pool2d_backward(dy, x.shape)
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}")


CHECKS = {"max_pool2d": _check_max, "avg_pool2d": _check_avg, "adaptive_avg_pool2d": _check_adaptive}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", MAX_POOL2D + AVG_POOL2D + ADAPTIVE, ids=lambda case: f"{case.op}-{case.id}")
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    x, dy = case.input("x", dtype), case.input("dy", dtype)
    before = x.copy(), dy.copy()
    CHECKS[case.op](case, dtype, x, dy)
    np.testing.assert_array_equal(x, before[0], err_msg="x was changed by the call")
    np.testing.assert_array_equal(dy, before[1], err_msg="dy was changed by the call")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "case",
    [case for case in MAX_POOL2D + AVG_POOL2D + ADAPTIVE if case.id in LAYOUT_IDS],
    ids=lambda case: f"{case.op}-{case.id}",
)
def test_any_memory_layout(case: Case, dtype, layout: str) -> None:
    change = LAYOUTS[layout]
    more = (change,) if case.op == "max_pool2d" else ()
    CHECKS[case.op](case, dtype, change(case.input("x", dtype)), change(case.input("dy", dtype)), *more)


@pytest.mark.parametrize("case", select("sizes", "max_pool2d"), ids=lambda case: case.id)
def test_output_sizes(case: Case) -> None:
    names = ("size", "kernel", "stride", "padding", "dilation")
    ceil_mode = case.args["ceil_mode"]
    for numbers, expected in zip(
        itertools.product(*(case.args[n] for n in names)), case["sizes"].flat, strict=True
    ):
        size, kernel, stride, padding, dilation = numbers
        x = np.arange(float(size)).reshape(1, 1, size, 1)
        window = {
            "kernel_size": (kernel, 1),
            "stride": (stride, 1),
            "padding": (padding, 0),
            "ceil_mode": ceil_mode,
        }
        geometry = str(dict(zip(names, numbers, strict=True)))
        if kernel // 2 < padding <= (dilation * (kernel - 1) + 1) // 2:
            continue  # PyTorch holds the padding against the kernel, fastcnn against what it covers
        if expected < 0:
            with pytest.raises(FastcnnError):
                ops.max_pool2d(x, dilation=(dilation, 1), **window)
            continue
        y, argmax = ops.max_pool2d(x, dilation=(dilation, 1), **window)
        assert y.shape == argmax.shape == (1, 1, expected, 1), geometry
        assert (argmax < size).all(), geometry
        # A dilated window may have every tap in the padding: its maximum is then minus infinity.
        inside = np.isfinite(y)
        np.testing.assert_array_equal(x.ravel()[argmax[inside]], y[inside], err_msg=geometry)
        if dilation == 1:
            assert ops.avg_pool2d(x, **window).shape[2] == expected, geometry


@pytest.mark.parametrize("dtype", DTYPES)
def test_overlapping_windows_add_up_and_the_first_maximum_wins(dtype) -> None:
    x = np.array([[[[1, 3, 3], [3, 2, 0]]]], dtype)
    y, argmax = ops.max_pool2d(x, 2, stride=1)
    np.testing.assert_array_equal(y, [[[[3, 3]]]])
    np.testing.assert_array_equal(argmax, [[[[1, 1]]]])
    dx = ops.max_pool2d_backward(np.array([[[[10, 5]]]], dtype), argmax, x.shape)
    np.testing.assert_array_equal(dx, [[[[0, 15, 0], [0, 0, 0]]]])


def test_a_window_far_larger_than_the_image_visits_the_image_only() -> None:
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    window = {"kernel_size": 2**40, "stride": 2**40, "padding": 2**39}
    y, argmax = ops.max_pool2d(x, **window)
    np.testing.assert_array_equal(y.ravel(), [11.0])
    np.testing.assert_array_equal(argmax.ravel(), [11])
    np.testing.assert_allclose(ops.avg_pool2d(x, count_include_pad=False, **window).ravel(), [x.mean()])


def test_padding_never_wins() -> None:
    x = np.full((1, 1, 2, 2), -5.0)
    y, argmax = ops.max_pool2d(x, 3, stride=1, padding=1)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(argmax, np.zeros((1, 1, 2, 2)))


def test_average_by_hand() -> None:
    x = np.arange(1.0, 7.0).reshape(1, 1, 2, 3)
    np.testing.assert_array_equal(ops.avg_pool2d(x, 2, stride=1), [[[[3.0, 4.0]]]])
    # The last window holds one real column, one that padding adds and none beyond.
    ceil = ops.avg_pool2d(x, 2, padding=(0, 1, 0, 0), ceil_mode=True)
    np.testing.assert_array_equal(ceil, [[[[3.0, 9.0 / 4]]]])
    np.testing.assert_array_equal(ops.adaptive_avg_pool2d(x, (1, 2)), [[[[3.0, 4.0]]]])
