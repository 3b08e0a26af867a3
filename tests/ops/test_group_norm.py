"""Group and layer normalisation: PyTorch's stored answers, gradients, cases by hand."""

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.testing import gradcheck

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

CASES = [*select("norm", "group_norm"), *select("norm", "layer_norm")]
LAYOUT_IDS = {"group_norm-4d", "group_norm-features", "layer_norm-two-axes", "layer_norm-plane"}


def _check(case: Case, dtype, arrays: dict) -> None:
    forward, backward = getattr(ops, case.op), getattr(ops, f"{case.op}_backward")
    x, weight = arrays["x"], arrays.get("weight")
    y = forward(x, weight=weight, bias=arrays.get("bias"), **case.args)
    assert y.dtype == dtype
    assert_close(y, case["y"], dtype, case.describe(), floor=1.0)
    grads = backward(arrays["dy"], x, weight=weight, **case.args)
    # dx is the small rest of numbers as large as dy / sigma, which set the scale of its rounding.
    for name, grad in zip(("dx", "dweight", "dbias"), grads, strict=True):
        if name in case:
            assert_close(grad, case[name], dtype, f"{name} of {case.describe()}", floor=1.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    arrays = {name: case.input(name, dtype) for name in case.specs}
    before = {name: value.copy() for name, value in arrays.items()}
    _check(case, dtype, arrays)
    for name, value in before.items():
        np.testing.assert_array_equal(arrays[name], value, err_msg=f"{name} was changed by the call")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", [case for case in CASES if case.id in LAYOUT_IDS], ids=lambda case: case.id)
def test_any_memory_layout(case: Case, dtype, layout: str) -> None:
    _check(case, dtype, {name: LAYOUTS[layout](case.input(name, dtype)) for name in case.specs})


@pytest.mark.parametrize(
    ("shape", "groups"), [((3, 6, 2, 2), 3), ((2, 4, 5), 1), ((4, 6), 2), ((2, 3, 4), 3)]
)
def test_gradients_of_group_norm(shape, groups) -> None:
    rng = np.random.default_rng(0)
    gradcheck(
        lambda x, weight, bias: ops.group_norm(x, groups, weight, bias, 1e-2),
        lambda dy, x, weight, bias: ops.group_norm_backward(dy, x, groups, weight, 1e-2),
        [rng.standard_normal(shape), rng.standard_normal(shape[1]), rng.standard_normal(shape[1])],
    )


@pytest.mark.parametrize("sizes", [(5,), (4, 5), (3, 4, 5)])
def test_gradients_of_layer_norm(sizes) -> None:
    rng = np.random.default_rng(0)
    gradcheck(
        lambda x, weight, bias: ops.layer_norm(x, sizes, weight, bias, 1e-2),
        lambda dy, x, weight, bias: ops.layer_norm_backward(dy, x, sizes, weight, 1e-2),
        [rng.standard_normal((2, 3, 4, 5)), rng.standard_normal(sizes), rng.standard_normal(sizes)],
    )


def test_by_hand() -> None:
    x = np.array([[1.0, 3.0], [5.0, 5.0]])
    np.testing.assert_allclose(ops.layer_norm(x, 2, eps=0.0)[0], [-1, 1])
    y = ops.group_norm(x, 1, np.array([2.0, 1.0]), np.array([0.0, 0.5]), eps=3.0)
    np.testing.assert_allclose(y, [[-1, 1], [0, 0.5]])


def test_each_image_is_normalised_by_itself() -> None:
    x = np.random.default_rng(0).standard_normal((5, 6, 3, 3))
    whole = ops.group_norm(x, 2)
    for i in range(5):
        np.testing.assert_array_equal(whole[i], ops.group_norm(x[i : i + 1], 2)[0])


def test_no_elements_are_left_to_normalise() -> None:
    assert ops.group_norm(np.empty((0, 4, 3)), 2).shape == (0, 4, 3)
    assert ops.group_norm(np.empty((3, 4, 0)), 2).shape == (3, 4, 0)
    dx, dweight, dbias = ops.group_norm_backward(np.empty((0, 4, 3)), np.empty((0, 4, 3)), 2)
    assert dx.shape == (0, 4, 3)
    np.testing.assert_array_equal([dweight, dbias], 0)


def test_only_what_is_wanted() -> None:
    x = np.random.default_rng(0).standard_normal((2, 4, 3))
    every = ops.group_norm_backward(x[::-1], x, 2)
    for i in range(3):
        mask = tuple(i == j for j in range(3))
        some = ops.group_norm_backward(x[::-1], x, 2, output_mask=mask)
        assert [each is None for each in some] == [i != j for j in range(3)]
        np.testing.assert_array_equal(some[i], every[i])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: ops.group_norm(x, 4), ShapeError, "6 channels do not divide into 4 groups"),
        (lambda x: ops.group_norm(x, 0), ArgumentError, "num_groups must be"),
        (lambda x: ops.group_norm(x, 2.0), DTypeError, "num_groups must be an integer"),
        (lambda x: ops.group_norm(x[0, 0, 0], 1), ShapeError, r"x must be \(N, C, ...\)"),
        (lambda x: ops.group_norm(x, 2, np.ones(5)), ShapeError, r"weight must have the shape \(6,\)"),
        (lambda x: ops.group_norm(x, 2, bias=np.ones(6, "f4")), DTypeError, "must have one dtype"),
        (lambda x: ops.group_norm(x, 2, eps=-1.0), ArgumentError, "eps must be at least 0"),
        (lambda x: ops.group_norm(x.astype(int), 2), DTypeError, "x must be float32 or float64"),
        (lambda x: ops.group_norm_backward(x[:1], x, 2), ShapeError, "dy must have the shape"),
        (lambda x: ops.group_norm_backward(x, x, 2, output_mask=True), DTypeError, "output_mask"),
        (lambda x: ops.layer_norm(x, 4), ShapeError, r"x must be \(..., 4\), got the shape"),
        (lambda x: ops.layer_norm(x, (6, 2)), ShapeError, r"x must be \(..., 6, 2\)"),
        (lambda x: ops.layer_norm(x, ()), ArgumentError, "normalized_shape needs at least one size"),
        (lambda x: ops.layer_norm(x, "3"), DTypeError, "normalized_shape must be an integer"),
        (lambda x: ops.layer_norm(x, 3, np.ones((1, 3))), ShapeError, r"weight must have the shape \(3,\)"),
        (lambda x: ops.layer_norm_backward(x[:1], x, 3), ShapeError, "dy must have the shape"),
    ],
)
def test_what_is_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call(np.zeros((2, 6, 2, 3)))
