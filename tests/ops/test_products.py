"""Transposed convolution, convolution along lines and PReLU: by hand, PyTorch, gradients, refusals."""

import re

import numpy as np
import pytest

from fastcnn import get_num_threads, ops, set_num_threads
from fastcnn.errors import ArgumentError, DTypeError, FastcnnError, ShapeError, SizeError
from fastcnn.testing import gradcheck

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

FILE = {"conv_transpose1d": "conv_transpose1d"}
OPS = ("conv_transpose2d", "conv1d", "prelu", "conv_transpose1d")


def cases_of(op: str) -> list[Case]:
    """Return what PyTorch was asked about an operation."""
    return select(FILE.get(op, "products"), op)


CASES = [case for op in OPS for case in cases_of(op)]
FEW = [
    case
    for case in CASES
    if case.id in {"stride2-pad1-more1", "groups2", "dilation2x3", "kernel-below-stride", "batch0", "lines"}
]


def _check(case: Case, dtype, arrays: dict) -> None:
    forward, backward = getattr(ops, case.op), getattr(ops, f"{case.op}_backward")
    tensors = [arrays[name] for name in ("x", "weight", "bias") if name in arrays]
    y = forward(*tensors, **case.args)
    grads = backward(arrays["dy"], arrays["x"], arrays["weight"], **case.args)
    for name, found in {"y": y, **dict(zip(("dx", "dweight", "dbias"), grads, strict=False))}.items():
        if name in case:
            assert found.dtype == dtype
            assert_close(found, case[name], dtype, f"{name} of {case.describe()}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.op}-{case.id}")
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    arrays = {name: case.input(name, dtype) for name in case.specs}
    before = {name: value.copy() for name, value in arrays.items()}
    _check(case, dtype, arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(value, before[name], err_msg=f"{name} was changed by the call")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", FEW, ids=lambda case: f"{case.op}-{case.id}")
def test_takes_every_layout(case: Case, layout) -> None:
    _check(case, np.float64, {name: LAYOUTS[layout](case.input(name)) for name in case.specs})


@pytest.mark.parametrize("case", FEW, ids=lambda case: f"{case.op}-{case.id}")
def test_any_number_of_threads_gives_the_same_bits(case: Case) -> None:
    arrays = {name: case.input(name, np.float32) for name in case.specs}
    found, before = [], get_num_threads()
    for threads in (1, 2, 3, 8):
        set_num_threads(threads)
        try:
            tensors = [arrays[name] for name in ("x", "weight", "bias") if name in arrays]
            backward = getattr(ops, f"{case.op}_backward")
            made = [getattr(ops, case.op)(*tensors, **case.args)]
            made += backward(arrays["dy"], arrays["x"], arrays["weight"], **case.args)
            found.append([each.tobytes() for each in made])
        finally:
            set_num_threads(before)
    assert all(each == found[0] for each in found)


@pytest.mark.parametrize("op", OPS)
def test_what_is_not_wanted_is_none(op) -> None:
    case = cases_of(op)[0]
    arrays = {name: case.input(name) for name in case.specs}
    given = arrays["dy"], arrays["x"], arrays["weight"]
    backward = getattr(ops, f"{op}_backward")
    whole = backward(*given, **case.args)
    for i in range(len(whole)):
        mask = tuple(j == i for j in range(len(whole)))
        some = backward(*given, **case.args, output_mask=mask)
        assert [each is not None for each in some] == list(mask)
        np.testing.assert_array_equal(some[i], whole[i])


def test_gradients_are_those_of_differences() -> None:
    rng = np.random.default_rng(3)
    geometry = {
        "stride": (2, 1),
        "padding": (1, 0),
        "output_padding": (1, 1),
        "groups": 2,
        "dilation": (1, 2),
    }
    gradcheck(
        lambda x, w, b: ops.conv_transpose2d(x, w, b, **geometry),
        lambda dy, x, w, b: ops.conv_transpose2d_backward(dy, x, w, **geometry),
        [rng.standard_normal(shape) for shape in ((2, 4, 3, 3), (4, 2, 3, 2), (4,))],
    )
    line = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    gradcheck(
        lambda x, w, b: ops.conv1d(x, w, b, **line),
        lambda dy, x, w, b: ops.conv1d_backward(dy, x, w, **line),
        [rng.standard_normal(shape) for shape in ((2, 4, 7), (4, 2, 3), (4,))],
    )
    back = {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2, "dilation": 2}
    gradcheck(
        lambda x, w, b: ops.conv_transpose1d(x, w, b, **back),
        lambda dy, x, w, b: ops.conv_transpose1d_backward(dy, x, w, **back),
        [rng.standard_normal(shape) for shape in ((2, 4, 5), (4, 2, 3), (4,))],
    )
    gradcheck(
        ops.prelu,
        lambda dy, x, w: ops.prelu_backward(dy, x, w),
        [np.sign(v) * (0.1 + abs(v)) for v in (rng.standard_normal((3, 4, 2)), rng.standard_normal(4))],
    )


# By hand


def test_a_transposed_convolution_by_hand() -> None:
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    weight = np.array([[[[1.0, 10.0]]]])
    y = ops.conv_transpose2d(x, weight, np.array([0.5]), stride=2, output_padding=1)
    assert (y - 0.5).tolist() == [[[[1, 10, 2, 20, 0], [0, 0, 0, 0, 0], [3, 30, 4, 40, 0], [0, 0, 0, 0, 0]]]]
    assert (ops.conv_transpose2d(x, weight, padding=(0, 1))).tolist() == [[[[12.0], [34.0]]]]


def test_a_transposed_convolution_along_a_line_by_hand() -> None:
    x, weight = np.array([[1.0, 2, 3]]), np.array([[[1.0, 10]]])
    assert ops.conv_transpose1d(x, weight).tolist() == [[1, 12, 23, 30]]
    assert ops.conv_transpose1d(x, weight, np.array([0.5]), 3, 1, 2).tolist() == [
        [10.5, 0.5, 2.5, 20.5, 0.5, 3.5, 30.5, 0.5]
    ]
    dx, dweight, dbias = ops.conv_transpose1d_backward(np.array([[1.0, 2, 3, 4]]), x, weight)
    assert dx.tolist() == [[21, 32, 43]]
    assert dweight.tolist() == [[[14, 20]]]
    assert dbias.tolist() == [10]


def test_a_convolution_along_a_line_by_hand() -> None:
    x, weight = np.array([[1.0, 2, 3, 4]]), np.array([[[1.0, 10]]])
    assert ops.conv1d(x, weight).tolist() == [[21, 32, 43]]
    assert ops.conv1d(x, weight, padding="same").tolist() == [[21, 32, 43, 4]]
    assert ops.conv1d(x, weight, np.array([0.5]), 2, 1).tolist() == [[10.5, 32.5, 4.5]]


def test_prelu_by_hand() -> None:
    x = np.array([[[-2.0, 3], [-4, 0]]])
    weight = np.array([0.5, 0.25])
    assert ops.prelu(x, weight).tolist() == [[[-1, 3], [-1, 0]]]
    dx, dweight = ops.prelu_backward(np.array([[[1.0, 2], [3, 4]]]), x, weight)
    assert dx.tolist() == [[[0.5, 2], [0.75, 1]]]
    assert dweight.tolist() == [-2, -12]
    assert np.isnan(ops.prelu(np.array([[np.nan]]), weight[:1])).all()


# Refusals

X, W = np.ones((2, 4, 5, 5)), np.ones((4, 3, 3, 3))
LINE, KERNEL = np.ones((2, 4, 6)), np.ones((3, 4, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.conv_transpose2d(X[:, :3], W), ShapeError, "x has 3 channels but weight expects 4"),
        (lambda: ops.conv_transpose2d(X, W, groups=3), ShapeError, "4 input channels do not divide into 3"),
        (lambda: ops.conv_transpose2d(X, W, np.ones(4)), ShapeError, "bias must have the shape (3,)"),
        (lambda: ops.conv_transpose2d(X[0, 0], W), ShapeError, "x must be 3-D or 4-D, got the shape (5, 5)"),
        (lambda: ops.conv_transpose2d(X, W[..., :0]), ShapeError, "weight has an empty kernel"),
        (lambda: ops.conv_transpose2d(X, W, padding=4), ShapeError, "(rows): nothing is left of the output"),
        (lambda: ops.conv_transpose2d(X, W, stride=0), ArgumentError, "stride must be at least 1, got 0"),
        (
            lambda: ops.conv_transpose2d(X, W, stride=2, output_padding=2),
            ArgumentError,
            "output_padding must be smaller than stride or dilation, got output_padding 2, stride 2",
        ),
        (lambda: ops.conv_transpose2d(X, W, stride=2**62), SizeError, "conv_transpose2d"),
        (
            lambda: ops.conv_transpose1d(X, W[0]),
            ShapeError,
            "conv_transpose1d: x must be 2-D or 3-D, got the shape",
        ),
        (
            lambda: ops.conv_transpose1d(LINE, W),
            ShapeError,
            "conv_transpose1d: weight must be 3-D, got the shape",
        ),
        (
            lambda: ops.conv_transpose1d(LINE, KERNEL),
            ShapeError,
            "conv_transpose1d: x has 4 channels but weight expects 3",
        ),
        (
            lambda: ops.conv_transpose1d(LINE[:, :3], KERNEL, padding=4),
            ShapeError,
            "conv_transpose1d (columns): nothing is left of the output",
        ),
        (
            lambda: ops.conv_transpose1d(LINE[:, :3], KERNEL, stride=(2, 2)),
            ArgumentError,
            "conv_transpose1d: stride must be an integer or a sequence of one, got (2, 2)",
        ),
        (
            lambda: ops.conv_transpose1d_backward(LINE, LINE[:, :3], KERNEL),
            ShapeError,
            "conv_transpose1d_backward: dy must have the shape",
        ),
        (lambda: ops.conv_transpose2d(X, W, dilation=2**62), SizeError, "conv_transpose2d"),
        (lambda: ops.conv_transpose2d(X, W.astype("f4")), DTypeError, "x float64, weight float32"),
        (lambda: ops.conv_transpose2d(X.tolist(), W), DTypeError, "x must be a NumPy array, got list"),
        (
            lambda: ops.conv_transpose2d_backward(X, X, W),
            ShapeError,
            "conv_transpose2d_backward: dy must have the shape (2, 3, 7, 7), got (2, 4, 5, 5)",
        ),
        (lambda: ops.conv1d(LINE[:, :3], KERNEL), ShapeError, "x has 3 channels but weight expects 4"),
        (lambda: ops.conv1d(X, KERNEL), ShapeError, "conv1d: x must be 2-D or 3-D"),
        (lambda: ops.conv1d(LINE, KERNEL[0]), ShapeError, "conv1d: weight must be 3-D"),
        (
            lambda: ops.conv1d(LINE, KERNEL, stride=(1, 2)),
            ArgumentError,
            "conv1d: stride must be an integer or a sequence of one, got (1, 2)",
        ),
        (lambda: ops.conv1d(LINE, KERNEL, padding="even"), ArgumentError, "must be 'same', 'valid' or"),
        (lambda: ops.conv1d(LINE, KERNEL, dilation=6), ShapeError, "the kernel is larger than the padded"),
        (lambda: ops.conv1d(LINE, KERNEL, None, 2, "same"), ArgumentError, "needs stride 1"),
        (lambda: ops.prelu(X, np.ones(3)), ShapeError, "weight must have 1 slope or 4, one for each channel"),
        (lambda: ops.prelu(X, np.ones((1, 1))), ShapeError, "prelu: weight must be 0-D or 1-D"),
        (lambda: ops.prelu(X, np.ones(4, "f4")), DTypeError, "x float64, weight float32"),
        (lambda: ops.prelu_backward(X[:1], X, np.ones(4)), ShapeError, "prelu_backward: dy must have"),
    ],
)
def test_refusals_say_what_is_wrong(call, error, message) -> None:
    with pytest.raises(FastcnnError, match=re.escape(message)) as raised:
        call()
    assert isinstance(raised.value, error)
