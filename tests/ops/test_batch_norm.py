"""Batch normalisation against PyTorch's stored answers: results, running statistics and gradients."""

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.errors import ShapeError

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

CASES = select("norm", "batch_norm")
LAYOUT_IDS = {"4d-train", "4d-eval", "3d-train", "2d-train-10", "4d-train-channels17", "batch0-eval"}


def _check(case: Case, dtype, arrays: dict) -> None:
    args = dict(case.args)
    training, eps = args.get("training", False), args.get("eps", 1e-5)
    x, weight = arrays["x"], arrays.get("weight")
    mean, var = arrays.get("running_mean"), arrays.get("running_var")
    y = ops.batch_norm(x, mean, var, weight, arrays.get("bias"), **args)
    assert y.dtype == dtype
    assert_close(y, case["y"], dtype, case.describe())
    for name, found in {"running_mean": mean, "running_var": var}.items():
        if found is not None:
            assert_close(found, case[name], dtype, f"{name} of {case.describe()}")
    dx, dweight, dbias = ops.batch_norm_backward(arrays["dy"], x, weight, mean, var, training, eps)
    # In training dx is the small rest of numbers as large as dy / sigma, which set the scale of its rounding.
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}", floor=1.0)
    if "dweight" in case:
        assert_close(dweight, case["dweight"], dtype, f"dweight of {case.describe()}", floor=1.0)
    if "dbias" in case:
        assert_close(dbias, case["dbias"], dtype, f"dbias of {case.describe()}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    arrays = {name: case.input(name, dtype) for name in case.specs}
    before = {name: arrays[name].copy() for name in arrays if not name.startswith("running")}
    _check(case, dtype, arrays)
    for name, value in before.items():
        np.testing.assert_array_equal(arrays[name], value, err_msg=f"{name} was changed by the call")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", [case for case in CASES if case.id in LAYOUT_IDS], ids=lambda case: case.id)
def test_any_memory_layout(case: Case, dtype, layout: str) -> None:
    arrays = {name: case.input(name, dtype) for name in case.specs}
    for name in arrays:
        # The running statistics are written to, in whatever layout they come.
        if not (name.startswith("running") and layout == "read-only"):
            arrays[name] = LAYOUTS[layout](arrays[name])
    _check(case, dtype, arrays)


def test_evaluation_leaves_the_running_statistics() -> None:
    mean, var = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    ops.batch_norm(np.ones((2, 2, 3, 3)), mean, var)
    np.testing.assert_array_equal([mean, var], [[1, 2], [3, 4]])


def test_by_hand() -> None:
    x = np.array([[1.0], [3.0]])
    mean, var = np.zeros(1), np.ones(1)
    y = ops.batch_norm(x, mean, var, np.array([2.0]), np.array([0.5]), training=True, momentum=0.5, eps=0.0)
    np.testing.assert_allclose(y, [[-1.5], [2.5]])
    # Batch mean 2 and unbiased variance 2.
    np.testing.assert_allclose([mean, var], [[1.0], [1.5]])


def test_a_batch_of_nothing_leaves_the_running_statistics() -> None:
    for shape in ((0, 2), (0, 2, 3), (2, 2, 0), (0,)):
        channels = shape[1] if len(shape) > 1 else 0
        mean, var, weight = np.zeros(channels), np.ones(channels), np.full(channels, 3.0)
        for training in (True, False):
            x = np.zeros(shape)
            assert ops.batch_norm(x, mean, var, weight, training=training).shape == shape
            found = ops.batch_norm_backward(x, x, weight, mean, var, training)
            assert [each.shape for each in found] == [shape, (channels,), (channels,)]
            assert not any(each.any() for each in found)
        np.testing.assert_array_equal(mean, np.zeros(channels))
        np.testing.assert_array_equal(var, np.ones(channels))
    with pytest.raises(ShapeError, match=r"batch_norm: x must be \(N, C, ...\), got the shape \(1,\)"):
        ops.batch_norm(np.zeros(1), None, None, training=True)
