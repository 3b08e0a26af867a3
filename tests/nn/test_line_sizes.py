"""Lines of another size: the function, Upsample, files."""

import numpy as np
import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError, DataError
from fastcnn.nn import functional as F
from fastcnn.nn.summary import summarize

from ..graph.models import check_gradients, passes
from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

CASES = select("line_sizes", "interpolate")


def _check(case: Case, dtype, x, dy) -> None:
    y, dx = passes(lambda x: F.interpolate(x, **case.args), x, dy=dy)
    assert (y.dtype, dx.dtype) == (dtype, dtype)
    assert_close(y, case["y"], dtype, case.describe(), floor=1.0)
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}", floor=1.0)
    np.testing.assert_array_equal(F.interpolate(x, **case.args), y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    _check(case, dtype, case.input("x", dtype), case.input("dy", dtype))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: case.id)
def test_any_memory_layout(case: Case, layout: str) -> None:
    change = LAYOUTS[layout]
    _check(case, np.float32, change(case.input("x", np.float32)), change(case.input("dy", np.float32)))


def test_by_hand() -> None:
    x = np.array([[[0.0, 4, 8]]])
    for options, expected in [
        ({"size": 6}, [0, 0, 4, 4, 8, 8]),
        ({"scale_factor": 2, "mode": "linear"}, [0, 1, 3, 5, 7, 8]),
        ({"size": (5,), "mode": "linear", "align_corners": True}, [0, 2, 4, 6, 8]),
        ({"size": 2, "mode": "area"}, [2, 6]),
        ({"size": 2, "mode": "nearest-exact"}, [0, 8]),
    ]:
        np.testing.assert_array_equal(F.interpolate(x, **options), [[expected]], err_msg=str(options))
    dy = np.array([[[1.0, 2, 3, 4, 5, 6]]])
    _, dx = passes(lambda x: F.interpolate(x, 6, mode="linear"), x, dy=dy)
    # Of 4 in the middle: a quarter of 2, three quarters of 3 and of 4, a quarter of 5.
    np.testing.assert_array_equal(dx, [[[3.25, 7, 10.75]]])


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "area"])
@pytest.mark.parametrize("factor", [0.6, 1.7])
def test_gradients_by_differences(mode, factor) -> None:
    x = np.random.default_rng(0).standard_normal((1, 2, 7))
    check_gradients(lambda x: F.interpolate(x, scale_factor=factor, mode=mode) ** 2, [x])


LAYERS = [
    (nn.Upsample((9,), mode="linear"), "Upsample(size=(9,), mode='linear')"),
    (nn.Upsample(scale_factor=(2,), mode="nearest"), "Upsample(scale_factor=(2.0,), mode='nearest')"),
    (nn.Upsample(scale_factor=1.5), "Upsample(scale_factor=1.5, mode='nearest')"),
    (nn.Upsample(4, mode="linear", align_corners=True), "Upsample(size=4, mode='linear')"),
    (nn.Upsample([3], mode="area"), "Upsample(size=(3,), mode='area')"),
]


@pytest.mark.parametrize(("layer", "text"), LAYERS, ids=lambda each: str(each))
def test_upsample(layer, text) -> None:
    assert repr(layer) == text
    x = np.random.default_rng(0).standard_normal((2, 3, 6))
    y = layer(x)
    assert y.shape == layer.output_shape(x.shape)
    np.testing.assert_array_equal(
        y, F.interpolate(x, layer.size, layer.scale_factor, layer.mode, layer.align_corners)
    )
    model = nn.Sequential(layer, nn.Conv1d(3, 2, 1))
    again = zoo.from_dicts(zoo.to_dicts(model), (3, 6))
    assert repr(again) == repr(model)
    assert again.output_shape((1, 3, 6)) == (1, 2, y.shape[2])


def test_files_of_other_samples() -> None:
    layer = {"type": "Upsample", "size": [9], "mode": "linear"}
    with pytest.raises(
        DataError, match=r"Upsample needs images \(C, H, W\) or lines \(C, L\), but samples \(6,\)"
    ):
        zoo.from_dicts([layer], (6,))
    with pytest.raises(DataError, match=r"mode must be one of 'nearest', .*, got 'linear'"):
        zoo.from_dicts([layer], (3, 6, 6))
    with pytest.raises(
        DataError, match="mode must be one of 'nearest', 'nearest-exact', 'linear', 'area' for"
    ):
        zoo.from_dicts([{"type": "Upsample", "size": 9, "mode": "bicubic"}], (3, 6))

    class Finer(nn.Module):
        def forward(self, x):
            return F.interpolate(F.tanh(x), scale_factor=2, mode="linear")

    nodes = zoo.from_dicts(zoo.to_dicts(Finer(), (3, 6)), (3, 6))
    x = np.random.default_rng(0).standard_normal((2, 3, 6)).astype(np.float32)
    np.testing.assert_array_equal(nodes(x), Finer()(x))


def test_fields() -> None:
    model = nn.Sequential(
        nn.Conv1d(1, 1, 3, 4), nn.Upsample(scale_factor=2, mode="linear"), nn.Conv1d(1, 1, 3)
    )
    rows = summarize(model, (1, 31)).layers
    assert [(row.receptive_field, row.jump_out) for row in rows] == [
        ((1, 3), (1, 4)),
        ((1, 7), (1, 2)),
        ((1, 11), (1, 2)),
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: nn.Upsample(mode="linear"),
            "Upsample: either size or scale_factor must be given, got neither",
        ),
        (
            lambda: nn.Upsample((2, 3), mode="linear"),
            "Upsample: size must be an integer or a sequence of one",
        ),
        (lambda: nn.Upsample((2,), mode="bilinear"), r"Upsample: mode must be one of .* for lines"),
        (lambda: nn.Upsample(0, mode="linear"), "Upsample: size must be at least 1, got 0"),
        (
            lambda: nn.Upsample(scale_factor=(0.0,)),
            "Upsample: scale_factor must be above 0 and finite, got 0.0",
        ),
        (lambda: nn.Upsample(2, mode="cubic"), "Upsample: mode must be one of"),
    ],
)
def test_errors(make, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
