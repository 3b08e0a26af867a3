"""Indices of maxima and max unpooling: functions, layers, and networks of both."""

import logging

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, zoo
from fastcnn.engine import Plan
from fastcnn.errors import ArgumentError, DTypeError, FastcnnError, ShapeError
from fastcnn.nn import functional as F
from fastcnn.nn.summary import summarize
from fastcnn.testing import tie_free

from ..graph.models import check_gradients, passes
from ..oracle.cases import Case, load, select
from ..oracle.compare import DTYPES, assert_close

POOLS = select("indices", "max_pool1d") + select("indices", "adaptive_max_pool1d")
LAYERS = {
    "max_pool1d": nn.MaxPool1d,
    "adaptive_max_pool1d": nn.AdaptiveMaxPool1d,
    "max_pool2d": nn.MaxPool2d,
    "adaptive_max_pool2d": nn.AdaptiveMaxPool2d,
}
IMAGES = [case for name in ("pool", "shape") for case in load(name) if case.op in LAYERS][::9]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", POOLS + IMAGES, ids=lambda case: f"{case.op}-{case.id}")
def test_pools_agree_with_pytorch(case: Case, dtype) -> None:
    x, dy = case.input("x", dtype), case.input("dy", dtype)
    layer = LAYERS[case.op](**case.args, return_indices=True)
    y, indices = layer(x)
    assert (y.dtype, indices.dtype) == (dtype, np.int64)
    np.testing.assert_array_equal(y, case["y"].astype(dtype))
    np.testing.assert_array_equal(indices, case["argmax"])
    assert_close(layer.backward((dy, None)), case["dx"], dtype, case.describe())
    for each, expected in zip(
        getattr(F, case.op)(x, **case.args, return_indices=True), (y, indices), strict=True
    ):
        np.testing.assert_array_equal(each, expected)
    alone = LAYERS[case.op](**case.args)
    np.testing.assert_array_equal(alone(x), y)
    np.testing.assert_array_equal(alone.backward(dy), layer.backward((dy, None)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "case", [case for case in load("indices") if "unpool" in case.op], ids=lambda case: f"{case.op}-{case.id}"
)
def test_unpooling_agrees_with_pytorch(case: Case, dtype) -> None:
    x, indices, dy = (case.input(name, dtype) for name in ("x", "indices", "dy"))
    args = dict(case.args)
    size = args.pop("output_size", None)
    layer = {"max_unpool1d": nn.MaxUnpool1d, "max_unpool2d": nn.MaxUnpool2d}[case.op](**args)
    y = layer(x, indices, size)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, case["y"].astype(dtype))
    dx, none = layer.backward(dy)
    np.testing.assert_array_equal(dx, case["dx"].astype(dtype))
    assert not none.any()
    np.testing.assert_array_equal(getattr(F, case.op)(x, indices, **case.args), y)


def test_indices_of_a_line_by_hand() -> None:
    x = np.array([[[1.0, 3, 3, np.nan, 5]]])
    y, indices = F.max_pool1d(x, 2, 1, return_indices=True)
    np.testing.assert_array_equal(y, [[[3, 3, np.nan, np.nan]]])
    np.testing.assert_array_equal(indices, [[[1, 1, 3, 3]]])
    back = F.max_unpool1d(y[..., :2], np.array([[[1, 4]]]), 2, output_size=(5,))
    np.testing.assert_array_equal(back, [[[0, 3, 0, 0, 3]]])


class SegNet(nn.Module):
    """An encoder that hands the places of its maxima to the decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
        self.up2, self.up1 = nn.Conv2d(4, 3, 3, padding=1), nn.Conv2d(3, 2, 3, padding=1)

    def forward(self, x):
        first = F.relu(self.down1(x))
        y, places1 = self.pool(first)
        second = F.relu(self.down2(y))
        y, places2 = self.pool(second)
        y = F.relu(self.up2(self.unpool(y, places2, second.shape)))
        return self.up1(self.unpool(y, places1, first.shape[-2:]))


def test_a_network_with_both_trains_and_predicts(caplog) -> None:
    model = SegNet().initialize(seed=0).double()
    x = tie_free((5, 2, 7, 9), np.random.default_rng(0))
    y = model(x)
    assert y.shape == (5, 2, 7, 9)
    dx = model.backward(np.cos(y))
    # Each image by itself, as in any network of such layers.
    model.zero_grad()
    one = model(x[3:4])
    np.testing.assert_allclose(one, y[3:4], rtol=1e-12)
    np.testing.assert_allclose(model.backward(np.cos(one)), dx[3:4], rtol=1e-10, atol=1e-12)
    assert model(x[:0]).shape == (0, 2, 7, 9)
    assert model.backward(y[:0]).shape == (0, 2, 7, 9)
    # There is no program for it, which is said once; it runs all the same.
    with caplog.at_level(logging.INFO, "fastcnn"):
        np.testing.assert_array_equal(model.predict(x, 5), model.eval()(x))
        np.testing.assert_array_equal(fastcnn.compile(model)(x), model(x))
    assert "MaxPoolWithIndices has no lowering rule" in caplog.text
    with pytest.raises(FastcnnError, match="MaxPoolWithIndices has no lowering rule"):
        Plan(model, (2, 7, 9), training=False, batch_size=5)


def test_gradients_by_differences() -> None:
    x = tie_free((1, 2, 5, 6), np.random.default_rng(1))

    def there_and_back(x):
        y, places = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
        return F.max_unpool2d(y * y, places, 2, output_size=(5, 6)) * np.arange(30.0).reshape(5, 6)

    check_gradients(there_and_back, [x])

    def lines(x):
        y, places = F.adaptive_max_pool1d(x, 2, True)
        return F.max_unpool1d(y * y, places, 3) * np.arange(6.0)

    check_gradients(lines, [x[0]])


def test_indices_have_no_gradient() -> None:
    def forward(x):
        y, places = F.max_pool2d(x, 2, return_indices=True)
        return y, places, y * (places.numpy() == 0)

    x = np.arange(8.0).reshape(1, 1, 2, 4)[:, :, ::-1, ::-1].copy()
    (y, places, _), dx = passes(forward, x, dy=(np.ones((1, 1, 1, 2)), None, np.ones((1, 1, 1, 2))))
    np.testing.assert_array_equal(places, [[[[0, 2]]]])
    np.testing.assert_array_equal(dx, [[[[2, 0, 1, 0], [0, 0, 0, 0]]]])
    np.testing.assert_array_equal(y, [[[[7, 5]]]])


def test_summary_and_fields() -> None:
    rows = summarize(SegNet(), (2, 7, 9)).layers
    assert [row.type for row in rows[:4]] == ["Conv2d", "MaxPool2d", "Conv2d", "MaxPool2d"]
    assert rows[1].output_shape == ((3, 3, 4), (3, 3, 4))
    assert [(row.receptive_field, row.jump_out) for row in rows] == [
        ((3, 3), (1, 1)),
        ((4, 4), (2, 2)),
        ((8, 8), (2, 2)),
        ((10, 10), (4, 4)),
        ((10, 10), (2, 2)),
        ((14, 14), (2, 2)),
        ((14, 14), (1, 1)),
        ((16, 16), (1, 1)),
    ]


def test_files_have_no_layer_of_two_outputs() -> None:
    message = r"layer pool \(MaxPool2d\): return_indices must be false: a layer in a file makes one tensor"
    with pytest.raises(ArgumentError, match=message):
        zoo.to_dicts(SegNet(), (2, 7, 9))
    assert zoo.to_spec(nn.Sequential(nn.MaxPool2d(2, return_indices=False))) == zoo.to_spec(
        nn.Sequential(nn.MaxPool2d(2))
    )


def test_places_of_arguments() -> None:
    """PyTorch's, but for MaxPool2d, whose ceil_mode was there first."""
    assert nn.MaxPool1d(2, 2, 0, 1, True, False).return_indices
    assert nn.AdaptiveMaxPool2d(2, True).return_indices
    assert nn.AdaptiveMaxPool1d(2, True).return_indices
    assert nn.MaxPool2d(2, 2, 0, 1, True).ceil_mode
    with pytest.raises(TypeError, match="positional arguments"):
        nn.MaxPool2d(2, 2, 0, 1, True, False)


def test_repr() -> None:
    assert repr(nn.MaxPool1d(2, return_indices=True)).endswith("ceil_mode=False, return_indices=True)")
    assert repr(nn.AdaptiveMaxPool2d(2, True)) == "AdaptiveMaxPool2d(output_size=2, return_indices=True)"
    assert repr(nn.AdaptiveMaxPool1d(2)) == "AdaptiveMaxPool1d(output_size=2)"
    assert repr(nn.MaxUnpool2d(2, padding=1)) == "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=1)"
    assert repr(nn.MaxUnpool1d(3, 2)) == "MaxUnpool1d(kernel_size=3, stride=2, padding=0)"


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (
            lambda x: nn.MaxPool2d(2, return_indices=1),
            DTypeError,
            "MaxPool2d: return_indices must be true or",
        ),
        (
            lambda x: nn.MaxPool1d(2, return_indices=None),
            DTypeError,
            "MaxPool1d: return_indices must be true",
        ),
        (lambda x: nn.AdaptiveMaxPool2d(2, 1), DTypeError, "AdaptiveMaxPool2d: return_indices must be true"),
        (lambda x: nn.AdaptiveMaxPool1d(0), ArgumentError, "AdaptiveMaxPool1d: output_size must be at least"),
        (lambda x: nn.MaxUnpool2d(0), ArgumentError, "MaxUnpool2d: kernel_size must be at least 1, got 0"),
        (lambda x: nn.MaxUnpool1d((2, 2)), ArgumentError, "MaxUnpool1d: kernel_size must be an integer or a"),
        (
            lambda x: F.max_pool2d(x, 2, return_indices=1),
            DTypeError,
            "max_pool2d: return_indices must be a bool, got 1",
        ),
        (lambda x: F.adaptive_max_pool1d(x, 2), ShapeError, r"adaptive_max_pool1d: x must be \(N, C, L\)"),
        (
            lambda x: F.max_unpool1d(x[0], np.zeros((1, 2, 2), int), 2, output_size=(3, 4)),
            ArgumentError,
            r"max_unpool1d: output_size must have 1 or 3 sizes, got \(3, 4\)",
        ),
        (
            lambda x: F.max_unpool2d(x, np.zeros((1, 1, 2, 2), int), 2),
            ShapeError,
            r"max_unpool2d: indices must have the shape \(1, 1, 2, 3\), got",
        ),
        (
            lambda x: F.max_unpool2d(x, x, 2),
            DTypeError,
            "max_unpool2d: indices must be an integer array, got float64",
        ),
    ],
)
def test_errors(function, error, message) -> None:
    with pytest.raises(error, match=message):
        passes(function, np.ones((1, 1, 2, 3)))
