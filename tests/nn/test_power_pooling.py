"""Power-average pooling: functions and layers."""

import math

import numpy as np
import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError, DataError, DTypeError, ShapeError
from fastcnn.nn import functional as F

from ..graph.models import passes
from ..oracle.cases import Case, load
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

CASES = load("power_pool")


def _check(case: Case, dtype, x, dy) -> None:
    function = getattr(F, case.op)
    y, dx = passes(lambda x: function(x, **case.args), x, dy=dy)
    assert (y.dtype, dx.dtype) == (dtype, dtype)
    assert_close(y, case["y"], dtype, case.describe(), floor=1.0)
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}", floor=1.0)
    np.testing.assert_array_equal(function(x, **case.args), y)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.op}-{case.id}")
def test_agrees_with_pytorch(case: Case) -> None:
    _check(case, np.float64, case.input("x"), case.input("dy"))


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.id.endswith("positive")], ids=lambda c: f"{c.op}-{c.id}"
)
def test_agrees_with_pytorch_in_float32(case: Case) -> None:
    _check(case, np.float32, case.input("x", np.float32), case.input("dy", np.float32))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES[1::30], ids=lambda case: f"{case.op}-{case.id}")
def test_any_memory_layout(case: Case, layout: str) -> None:
    change = LAYOUTS[layout]
    _check(case, np.float64, change(case.input("x")), change(case.input("dy")))


@pytest.mark.parametrize("dtype", DTYPES)
def test_by_hand(dtype) -> None:
    x = np.array([[[3, 4, 0, 0, -5, 12]]], dtype)
    for p, expected, gradient in [
        (2, [5, 0, 13], [0.6, 0.8, 0, 0, -5 / 13, 12 / 13]),
        (1, [7, 0, 7], [1, 1, 0, 0, 1, 1]),
        (math.inf, [4, 0, 12], [0, 1, 0, 0, 0, 1]),
        (-math.inf, [3, 0, 5], [1, 0, 0, 0, -1, 0]),
    ]:
        y, dx = passes(lambda x, p=p: F.lp_pool1d(x, p, 2), x)
        np.testing.assert_allclose(y, [[expected]], rtol=1e-6)
        np.testing.assert_allclose(dx, [[gradient]], rtol=1e-6)
    # Half of a window of 2x2 stands for the whole.
    y = F.lp_pool2d(np.array([[[3.0], [4.0]]]), 2, 2, ceil_mode=True)
    np.testing.assert_allclose(y, [[[math.sqrt(50)]]])
    assert F.lp_pool2d(np.ones((0, 2, 4, 4), dtype), 2, 2).shape == (0, 2, 2, 2)


def test_layers() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 7, 5))
    layer = nn.LPPool2d(2, (3, 2), ceil_mode=True)
    assert repr(layer) == "LPPool2d(norm_type=2, kernel_size=(3, 2), stride=(3, 2), ceil_mode=True)"
    np.testing.assert_array_equal(layer(x), F.lp_pool2d(x, 2, (3, 2), None, True))
    assert layer(x).shape == layer.output_shape(x.shape)
    lines = nn.LPPool1d(math.inf, 3, 1)
    assert repr(lines) == "LPPool1d(norm_type=inf, kernel_size=3, stride=1, ceil_mode=False)"
    np.testing.assert_array_equal(lines(x[0]), F.lp_pool1d(x[0], math.inf, 3, 1))
    model = nn.Sequential(layer, nn.Conv2d(3, 1, 1))
    assert repr(zoo.from_dicts(zoo.to_dicts(model), (3, 7, 5))) == repr(model)
    with pytest.raises(ArgumentError, match="LPPool1d\\): norm_type must be finite"):
        zoo.to_dicts(nn.Sequential(lines))
    with pytest.raises(DataError, match="norm_type must not be 0"):
        zoo.from_dicts([{"type": "LPPool1d", "norm_type": 0, "kernel_size": 2}], (3, 6))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: nn.LPPool2d(0, 2), ArgumentError, "LPPool2d: norm_type must be a number but 0, got 0"),
        (lambda x: nn.LPPool1d("2", 2), DTypeError, "LPPool1d: norm_type must be a number, got '2'"),
        (
            lambda x: nn.LPPool1d(2, (2, 2)),
            ArgumentError,
            "LPPool1d: kernel_size must be an integer or a seq",
        ),
        (lambda x: nn.LPPool2d(2, 2, 0), ArgumentError, "LPPool2d: stride must be at least 1, got 0"),
        (lambda x: nn.LPPool2d(2, 2, ceil_mode=1), DTypeError, "LPPool2d: ceil_mode must be true or false"),
        (
            lambda x: F.lp_pool2d(x, math.nan, 2),
            ArgumentError,
            "lp_pool2d: norm_type must be a number but 0, got",
        ),
        (lambda x: F.lp_pool2d(x, True, 2), DTypeError, "lp_pool2d: norm_type must be a number, got True"),
        (lambda x: F.lp_pool2d(x, 2, 0), ArgumentError, "lp_pool2d: kernel_size must be at least 1, got 0"),
        (lambda x: F.lp_pool2d([1.0], 2, 1), DTypeError, "lp_pool2d: x must be a NumPy array, got list"),
        (
            lambda x: F.lp_pool1d(x, 2, 1),
            ShapeError,
            r"lp_pool1d: x must be \(N, C, L\) or \(C, L\), got",
        ),
        (lambda x: F.lp_pool1d(x[0], 2, 1, 0), ArgumentError, "lp_pool1d: stride must be at least 1, got 0"),
    ],
)
def test_errors(make, error, message) -> None:
    with pytest.raises(error, match=message):
        make(np.ones((1, 2, 3, 3)))
