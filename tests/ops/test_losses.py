"""Losses against PyTorch's stored answers, and those of classes by hand."""

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.errors import ArgumentError, ShapeError

from ..oracle.cases import Case, load
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

OF_CLASSES, OF_ELEMENTS = load("loss"), load("elementwise_loss")
CASES = OF_CLASSES + OF_ELEMENTS
LAYOUT_CASES = [
    case
    for case in OF_CLASSES
    if case.id.startswith(("ncdd5-", "n10-", "2x3x4x5-"))
    and ("weight" in case.specs or case.op == "mse_loss")
] + [case for case in OF_ELEMENTS if case.id.startswith(("3x21-", "2x3x4x5-", "9x10-"))][::3]


def _check(case: Case, dtype, arrays: dict) -> None:
    first, second, *others = arrays.items()
    loss, dx, *more = getattr(ops, case.op)(first[1], second[1], **dict(others), **case.args)
    assert dx.dtype == dtype
    if case.args["reduction"] != "none":
        assert isinstance(loss, float)
    assert_close(loss, case["y"], dtype, f"loss of {case.describe()}")
    assert_close(dx, case["dx"], dtype, f"gradient of {case.describe()}")
    for dvar in more:
        assert_close(dvar, case["dvar"], dtype, f"gradient by var of {case.describe()}")


def _arrays(case: Case, dtype) -> dict:
    names = ("x", "target", "weight", "pos_weight", "var")
    return {name: case.input(name, dtype) for name in names if name in case.specs}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.op}-{case.id}")
def test_agrees_with_pytorch(case: Case) -> None:
    for dtype in DTYPES:
        arrays = _arrays(case, dtype)
        before = {name: value.copy() for name, value in arrays.items()}
        _check(case, dtype, arrays)
        for name, value in arrays.items():
            np.testing.assert_array_equal(value, before[name], err_msg=f"{name} was changed by the call")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", LAYOUT_CASES, ids=lambda case: f"{case.op}-{case.id}")
def test_any_memory_layout(case: Case, layout: str) -> None:
    for dtype in DTYPES:
        _check(case, dtype, {name: LAYOUTS[layout](value) for name, value in _arrays(case, dtype).items()})


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64])
def test_targets_of_any_integer_type(kind) -> None:
    logits = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, -1.0]])
    expected = ops.cross_entropy(logits, np.array([2, 0]))
    found = ops.cross_entropy(logits, np.array([2, 0], kind))
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


def test_by_hand() -> None:
    loss, gradient = ops.cross_entropy(np.zeros((1, 4)), np.array([1]))
    np.testing.assert_allclose(loss, np.log(4))
    np.testing.assert_allclose(gradient, [[0.25, -0.75, 0.25, 0.25]])
    loss, gradient = ops.nll_loss(np.log([[0.5, 0.25, 0.25]]), np.array([0]))
    np.testing.assert_allclose(loss, np.log(2))
    np.testing.assert_array_equal(gradient, [[-1, 0, 0]])
    loss, gradient = ops.mse_loss(np.array([1.0, 3.0]), np.array([0.0, 1.0]))
    assert loss == 2.5
    np.testing.assert_array_equal(gradient, [1.0, 2.0])


def test_one_row_of_classes_and_one_class_alone() -> None:
    """Margins take a row with its target in an array of one, and a number for the score of one class."""
    x = np.array([0.5, 1.0, 0.25])
    loss, dx = ops.multi_margin_loss(x, np.array(1))
    np.testing.assert_allclose(loss, (0.5 + 0.25) / 3)
    np.testing.assert_allclose(dx, [1 / 3, -2 / 3, 1 / 3])
    for reduction, shape in (("mean", ()), ("none", (1,))):
        same, same_dx = ops.multi_margin_loss(x, np.array([1]), reduction=reduction)
        assert np.shape(same) == shape
        np.testing.assert_array_equal(same, loss if reduction == "mean" else [loss])
        np.testing.assert_array_equal(same_dx, dx)
    for target in (np.array(0), np.array([0])):
        loss, dx = ops.multi_margin_loss(np.array(3.0), target, weight=np.array([2.0]))
        assert (loss, dx.shape, dx) == (0.0, (), 0.0)
    with pytest.raises(ShapeError, match=r"target must have the shape \(\), got \(3,\)"):
        ops.multi_margin_loss(x, np.array([1, 2, 0]))


def test_a_class_to_ignore_is_none_of_probabilities() -> None:
    x, target = np.zeros((2, 3)), np.full((2, 3), 0.5)
    message = "cross_entropy: ignore_index must be below 0 with class probabilities, .*, got 0"
    with pytest.raises(ArgumentError, match=message):
        ops.cross_entropy(x, target, ignore_index=0)
    assert ops.cross_entropy(x, target, ignore_index=-1)[0] == ops.cross_entropy(x, target)[0]
