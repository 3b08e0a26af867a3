"""Margins along any axes, of which negative ones cut off: the function, layers, files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError, DataError, DTypeError, ShapeError
from fastcnn.nn import functional as F

from ..graph.models import Formula, passes
from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

CASES = select("margins", "pad")


def _check(case: Case, dtype, x, dy) -> None:
    args = {"pad": case.args["padding"], **{k: v for k, v in case.args.items() if k != "padding"}}
    y, dx = passes(lambda x: F.pad(x, **args), x, dy=dy)
    assert (y.dtype, dx.dtype) == (dtype, dtype)
    np.testing.assert_array_equal(y, case["y"].astype(dtype), err_msg=case.describe())
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}")
    np.testing.assert_array_equal(F.pad(x, **args), y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    _check(case, dtype, case.input("x", dtype), case.input("dy", dtype))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_any_memory_layout(case: Case, layout: str) -> None:
    change = LAYOUTS[layout]
    _check(case, np.float32, change(case.input("x", np.float32)), change(case.input("dy", np.float32)))


def test_by_hand() -> None:
    x = np.arange(1.0, 6).reshape(1, 1, 5)
    for padding, mode, expected in [
        ((2, -3), "constant", [0, 0, 1, 2]),
        ((-3, 2), "reflect", [4, 5, 4, 3]),
        ((-3, 2), "replicate", [4, 5, 5, 5]),
        ((2, -3), "circular", [1, 2, 1, 2]),
        ((3, -3), "reflect", [4, 3, 2, 1, 2]),
        ((-6, 4), "replicate", [5, 5, 5]),
        ((-2, -2), "circular", [3]),
        ((-5, 1), "constant", [0]),
    ]:
        np.testing.assert_array_equal(F.pad(x, padding, mode), [[expected]], err_msg=f"{padding} {mode}")
    np.testing.assert_array_equal(F.pad(x[0], (0, -4, 1, 1), value=7), [[7], [1], [7]])
    _, dx = passes(lambda x: F.pad(x, (-3, 2), "reflect"), x, dy=np.array([[[1.0, 2, 3, 4]]]))
    np.testing.assert_array_equal(dx, [[[0, 0, 4, 4, 2]]])


def test_what_is_cut_out_of_an_array_is_an_array_of_its_own() -> None:
    x = np.arange(5.0)
    y = F.pad(x, (-1, -1))
    y[:] = 9
    np.testing.assert_array_equal(x, np.arange(5))


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    numbers=st.lists(st.integers(-3, 3), min_size=8, max_size=8),
)
def test_margins_are_those_of_numpy_around_the_part(shape, numbers) -> None:
    """And the opposite margins take away what was put around."""
    x = np.random.default_rng(0).uniform(1, 2, shape)
    smallest = [-1 if size > 2 else 0 for size in np.repeat(shape[::-1], 2)]
    padding = [max(pair) for pair in zip(smallest, numbers, strict=False)]
    y = F.pad(x, padding, value=-1.0)
    sides = list(zip(padding[-2::-2], padding[::-2], strict=True))
    part = x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(shape, sides, strict=True))]
    around = [(max(a, 0), max(b, 0)) for a, b in sides]
    np.testing.assert_array_equal(y, np.pad(part, around, constant_values=-1.0))
    back = F.pad(y, [-each for each in padding], value=-1.0)
    assert back.shape == x.shape
    np.testing.assert_array_equal(back[back > 0], part.ravel())


LINES = [
    (nn.ZeroPad1d(2), "ZeroPad1d((2, 2))"),
    (nn.ConstantPad1d((1, -2), 3.5), "ConstantPad1d(padding=(1, -2), value=3.5)"),
    (nn.ReflectionPad1d((3, 1)), "ReflectionPad1d((3, 1))"),
    (nn.ReplicationPad1d((0, 9)), "ReplicationPad1d((0, 9))"),
    (nn.CircularPad1d((-1, 2)), "CircularPad1d((-1, 2))"),
]


@pytest.mark.parametrize(("layer", "text"), LINES, ids=lambda each: type(each).__name__)
def test_layers_of_lines(layer, text) -> None:
    assert repr(layer) == text
    x = np.random.default_rng(0).standard_normal((2, 3, 5))
    y = layer(x)
    assert y.shape == layer.output_shape(x.shape)
    np.testing.assert_array_equal(y, F.pad(x, layer.padding, layer.mode, layer.value))
    np.testing.assert_array_equal(layer(x[1]), y[1])
    model = nn.Sequential(layer, nn.Flatten(), nn.Linear(3 * y.shape[2], 2)).initialize(seed=0)
    again = zoo.from_dicts(zoo.to_dicts(model), (3, 5))
    assert repr(again) == repr(model)


def test_files_have_margins_that_cut_off() -> None:
    model = nn.Sequential(
        nn.ZeroPad2d((-1, 2, -2, 0)), nn.ReflectionPad2d((-1, -2, 1, 1)), nn.Conv2d(2, 3, 3)
    )
    again = zoo.from_dicts(zoo.to_dicts(model), (2, 6, 7))
    assert repr(again) == repr(model)
    assert again.output_shape((1, 2, 6, 7)) == model.output_shape((1, 2, 6, 7)) == (1, 3, 4, 3)
    with pytest.raises(DataError, match=r"pad: margins of \(-1, -9\) cut off more than 7"):
        zoo.from_dicts([{"type": "ZeroPad2d", "padding": [-1, -9, 0, 0]}], (2, 6, 7))
    with pytest.raises(DataError, match=r"pad: nothing is left, but the shape \(2, 0, 7\)"):
        zoo.from_dicts([{"type": "ZeroPad2d", "padding": [0, 0, -3, -3]}], (2, 6, 7))

    def forward(x):
        return F.relu(F.pad(x, (1, -2, -1, 0, 1, 0)))

    nodes = zoo.from_dicts(zoo.to_dicts(Formula(forward), (2, 4, 5)), (2, 4, 5))
    x = np.random.default_rng(0).standard_normal((3, 2, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(nodes(x), forward(x))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.ZeroPad1d((1, 2, 3)), ArgumentError, "ZeroPad1d: padding must be an integer or 1 or 2"),
        (lambda: nn.ReflectionPad1d(1.5), DTypeError, "ReflectionPad1d: padding must be an integer, got 1.5"),
        (lambda: nn.ConstantPad1d(1, "0"), DTypeError, "ConstantPad1d: value must be a number, got '0'"),
        (lambda: nn.CircularPad1d(6)(np.ones((1, 2, 5))), ShapeError, r"\(6, 6\) for 5 columns"),
        (lambda: nn.ReplicationPad1d(1)(np.ones(5)), ShapeError, "x must be 2-D or 3-D for two margins"),
        (
            lambda: nn.Conv1d(2, 3, 9, padding=6, padding_mode="reflect")(np.ones((1, 2, 5), np.float32)),
            ShapeError,
            r"\(left, right\) = \(6, 6\) for 5 columns",
        ),
    ],
)
def test_errors(make, error, message) -> None:
    with pytest.raises(error, match=message):
        make()
