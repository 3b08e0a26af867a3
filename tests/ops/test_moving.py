"""Elements that change places, adaptive maxima, margins of convolutions: PyTorch's answers, and by hand."""

import numpy as np
import pytest

from fastcnn import nn, ops
from fastcnn.errors import ArgumentError, DTypeError, ShapeError

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

SHUFFLES = [
    case for op in ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle") for case in select("shape", op)
]
ADAPTIVE = select("shape", "adaptive_max_pool2d")
CONVOLUTIONS = select("shape", "padded_conv2d")
# What puts the gradient back, given a case's setting and x.
BACK = {
    "pixel_shuffle": lambda dy, factor, x: ops.pixel_unshuffle(dy, factor),
    "pixel_unshuffle": lambda dy, factor, x: ops.pixel_shuffle(dy, factor),
    "channel_shuffle": lambda dy, factor, x: ops.channel_shuffle(dy, x.shape[1] // factor),
}


@pytest.mark.parametrize("dtype", [*DTYPES, np.int64])
@pytest.mark.parametrize("case", SHUFFLES, ids=lambda case: f"{case.op}-{case.id}")
def test_shuffles_agree_with_pytorch(case: Case, dtype) -> None:
    x, dy = (np.round(100 * case.input(name)).astype(dtype) for name in ("x", "dy"))
    (factor,) = case.args.values()
    y = getattr(ops, case.op)(x, **case.args)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.round(100 * case["y"]).astype(dtype))
    np.testing.assert_array_equal(BACK[case.op](dy, factor, x), np.round(100 * case["dx"]).astype(dtype))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", SHUFFLES, ids=lambda case: f"{case.op}-{case.id}")
def test_shuffles_in_any_memory_layout(case: Case, layout: str) -> None:
    np.testing.assert_array_equal(
        getattr(ops, case.op)(LAYOUTS[layout](case.input("x")), **case.args), case["y"]
    )


def test_shuffles_by_hand() -> None:
    x = np.arange(8).reshape(1, 4, 1, 2)
    np.testing.assert_array_equal(ops.pixel_shuffle(x, 2), [[[[0, 2, 1, 3], [4, 6, 5, 7]]]])
    np.testing.assert_array_equal(ops.pixel_unshuffle(ops.pixel_shuffle(x, 2), 2), x)
    np.testing.assert_array_equal(ops.channel_shuffle(x, 2)[0, :, 0, 0], [0, 4, 2, 6])
    assert ops.pixel_shuffle(np.zeros((0, 4, 2, 3)), 2).shape == (0, 1, 4, 6)
    assert ops.pixel_unshuffle(np.zeros((0, 3, 4, 2)), 2).shape == (0, 12, 2, 1)


def test_unflatten() -> None:
    x = np.arange(24).reshape(2, 12)
    np.testing.assert_array_equal(ops.unflatten(x, 1, (3, -1)), x.reshape(2, 3, 4))
    np.testing.assert_array_equal(ops.unflatten(x, -2, [2, 1]), x.reshape(2, 1, 12))
    assert ops.unflatten(np.zeros((0, 12)), 1, (2, 2, -1)).shape == (0, 2, 2, 3)
    for dim, sizes, error, message in [
        (
            1,
            (2, 5),
            ShapeError,
            r"unflattened_size \(2, 5\) is no shape of the 12 elements of axis 1 of the shape",
        ),
        (1, (-1, -1), ShapeError, r"unflattened_size \(-1, -1\) is no shape"),
        (1, (-1, 0), ShapeError, r"unflattened_size \(-1, 0\) is no shape"),
        (1, (5, -1), ShapeError, r"unflattened_size \(5, -1\) is no shape"),
        (1, (), DTypeError, r"unflattened_size must be a tuple of integers, got \(\)"),
        (1, 12, DTypeError, "unflattened_size must be a tuple of integers, got 12"),
        (1, (2, -6), ArgumentError, "unflattened_size must be at least -1, got -6"),
        (2, (12,), ArgumentError, r"dim must lie in \[-2, 2\), got 2"),
        ("1", (12,), DTypeError, "dim must be an integer, got '1'"),
    ]:
        with pytest.raises(error, match=f"^unflatten: {message}"):
            ops.unflatten(x, dim, sizes)


@pytest.mark.parametrize("layout", ["plain", *LAYOUTS])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ADAPTIVE, ids=lambda case: case.id)
def test_adaptive_max_pool2d_agrees_with_pytorch(case: Case, dtype, layout: str) -> None:
    change = LAYOUTS.get(layout, np.copy)
    x, dy = change(case.input("x", dtype)), change(case.input("dy", dtype))
    y, argmax = ops.adaptive_max_pool2d(x, **case.args)
    assert (y.dtype, argmax.dtype) == (dtype, np.int64)
    np.testing.assert_array_equal(y, case["y"].astype(dtype))
    np.testing.assert_array_equal(argmax, case["argmax"])
    assert_close(ops.max_pool2d_backward(dy, argmax, x.shape), case["dx"], dtype, f"dx of {case.describe()}")


def test_an_adaptive_maximum_is_the_first_and_nan() -> None:
    x = np.array([1, 3, 3, 2, np.nan, 5, 1.0]).reshape(1, 1, 7)
    y, argmax = ops.adaptive_max_pool2d(x, (1, 2))
    np.testing.assert_array_equal(y, [[[3, np.nan]]])
    np.testing.assert_array_equal(argmax, [[[1, 4]]])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda case: case.id)
def test_padding_mode_of_convolutions_agrees_with_pytorch(case: Case, dtype) -> None:
    weight, bias = case.input("weight", dtype), case.input("bias", dtype)
    channels = weight.shape[1] * case.args.get("groups", 1)
    layer = nn.Conv2d(channels, len(weight), weight.shape[2:], **case.args).astype(dtype)
    layer.load_state_dict({"weight": weight, "bias": bias})
    assert f"padding_mode={case.args['padding_mode']}" in repr(layer)
    x = case.input("x", dtype)
    assert_close(layer(x), case["y"], dtype, case.describe())
    assert_close(layer.backward(case.input("dy", dtype)), case["dx"], dtype, f"dx of {case.describe()}")
    assert_close(layer.weight.grad, case["dweight"], dtype, f"dweight of {case.describe()}")
    assert_close(layer.bias.grad, case["dbias"], dtype, f"dbias of {case.describe()}")


def test_a_padding_mode_that_there_is_not() -> None:
    message = "Conv2d: padding_mode must be one of 'zeros', 'reflect', 'replicate', 'circular', got 'zero'"
    with pytest.raises(ArgumentError, match=message):
        nn.Conv2d(1, 1, 3, padding_mode="zero")
    with pytest.raises(
        ShapeError, match="pad: padding must be less than the image's size with mode 'reflect'"
    ):
        nn.Conv2d(1, 1, 3, padding=4, padding_mode="reflect")(np.zeros((1, 1, 4, 4), np.float32))
