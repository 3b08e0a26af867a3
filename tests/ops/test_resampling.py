"""Padding and interpolation: PyTorch's stored answers, cases by hand, extreme values and sizes."""

import numpy as np
import pytest

import fastcnn
from fastcnn import ops
from fastcnn.errors import FastcnnError, ShapeError, SizeError
from fastcnn.ops import _lines
from fastcnn.testing import gradcheck

from ..oracle.cases import Case, select
from ..oracle.compare import DTYPES, LAYOUTS, assert_close

PAD = select("shape", "pad")
INTERPOLATE = select("shape", "interpolate")
LAYOUT_IDS = {
    "reflect-sides",
    "replicate-unbatched",
    "circular-whole",
    "constant-sides",
    "double-bilinear",
    "uneven-bicubic",
    "half-nearest",
    "mixed-bilinear-antialias",
}


def _check(case: Case, dtype, x: np.ndarray, dy: np.ndarray) -> None:
    if case.op == "pad":
        y = ops.pad(x, **case.args)
        more = {name: value for name, value in case.args.items() if name != "value"}
        dx = ops.pad_backward(dy, **more)
    else:
        y = ops.interpolate(x, **case.args)
        dx = ops.interpolate_backward(dy, x.shape, **case.args)
    assert y.dtype == dx.dtype == dtype
    assert_close(y, case["y"], dtype, case.describe())
    assert_close(dx, case["dx"], dtype, f"dx of {case.describe()}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PAD + INTERPOLATE, ids=lambda case: f"{case.op}-{case.id}")
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    x, dy = case.input("x", dtype), case.input("dy", dtype)
    before = x.copy(), dy.copy()
    _check(case, dtype, x, dy)
    np.testing.assert_array_equal(x, before[0], err_msg="x was changed by the call")
    np.testing.assert_array_equal(dy, before[1], err_msg="dy was changed by the call")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "case",
    [case for case in PAD + INTERPOLATE if case.id in LAYOUT_IDS],
    ids=lambda case: f"{case.op}-{case.id}",
)
def test_any_memory_layout(case: Case, layout: str) -> None:
    change = LAYOUTS[layout]
    _check(case, np.float64, change(case.input("x")), change(case.input("dy")))


# By hand

ROW = np.array([[[1.0, 2.0, 3.0]]])


@pytest.mark.parametrize(
    ("mode", "y", "dx"),
    [
        ("reflect", [3, 2, 1, 2, 3, 2], [3, 2 + 4 + 6, 1 + 5]),
        ("replicate", [1, 1, 1, 2, 3, 3], [1 + 2 + 3, 4, 5 + 6]),
        ("circular", [2, 3, 1, 2, 3, 1], [3 + 6, 1 + 4, 2 + 5]),
        ("constant", [0, 0, 1, 2, 3, 0], [3, 4, 5]),
    ],
)
def test_padding_by_hand(mode, y, dx) -> None:
    """Two columns on the left and one on the right; dy is 1 to 6."""
    np.testing.assert_array_equal(ops.pad(ROW, (2, 1, 0, 0), mode), [[y]])
    dy = np.arange(1.0, 7).reshape(1, 1, 6)
    np.testing.assert_array_equal(ops.pad_backward(dy, (2, 1, 0, 0), mode), [[dx]])


def test_nearest_by_hand() -> None:
    x = ROW[None]
    for size, mode, y in [
        (5, "nearest", [1, 1, 2, 2, 3]),
        (2, "nearest", [1, 2]),
        (2, "nearest-exact", [1, 3]),
        (1, "nearest", [1]),
        (1, "nearest-exact", [2]),
    ]:
        np.testing.assert_array_equal(ops.interpolate(x, (1, size), mode=mode), [[[y]]])
    dy = np.arange(1.0, 6).reshape(1, 1, 1, 5)
    np.testing.assert_array_equal(ops.interpolate_backward(dy, x.shape, (1, 5)), [[[[3, 7, 5]]]])


def test_bilinear_by_hand() -> None:
    x = np.array([0.0, 4.0]).reshape(1, 1, 1, 2)
    for corners, y in ((False, [0, 1, 3, 4]), (True, [0, 4 / 3, 8 / 3, 4])):
        found = ops.interpolate(x, (1, 4), mode="bilinear", align_corners=corners)
        np.testing.assert_allclose(found, [[[y]]], rtol=1e-15)
    dx = ops.interpolate_backward(
        np.array([1.0, 2, 3, 4]).reshape(1, 1, 1, 4), x.shape, (1, 4), mode="bilinear"
    )
    np.testing.assert_allclose(dx, [[[[1 + 1.5 + 0.75, 0.5 + 2.25 + 4]]]])


def test_weights_of_each_pixel_add_up_to_one() -> None:
    for kind in (
        "linear",
        "linear-corners",
        "linear-smoothed",
        "cubic",
        "cubic-corners",
        "cubic-smoothed",
        "lanczos-smoothed",
    ):
        for size, out in ((1, 4), (7, 3), (3, 7), (5, 5), (40, 3)):
            lines = _lines.resized(size, out, None, kind, "test")
            sums = np.add.reduceat(lines.weight, lines.first[:-1])
            np.testing.assert_allclose(sums, 1, rtol=1e-12)
            assert lines.at.min() >= 0
            assert lines.at.max() < size


def test_the_same_size_is_the_same_image() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 4))
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        np.testing.assert_array_equal(ops.interpolate(x, (5, 4), mode=mode), x)


def test_gradients_by_differences() -> None:
    x = np.random.default_rng(0).standard_normal((2, 2, 5, 4))
    for mode in ("reflect", "replicate", "circular", "constant"):
        gradcheck(
            lambda x, mode=mode: ops.pad(x, (1, 3, 2, 0), mode),
            lambda dy, x, mode=mode: [ops.pad_backward(dy, (1, 3, 2, 0), mode)],
            [x],
        )
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        gradcheck(
            lambda x, mode=mode: ops.interpolate(x, (3, 7), mode=mode),
            lambda dy, x, mode=mode: [ops.interpolate_backward(dy, x.shape, (3, 7), mode=mode)],
            [x],
        )


# Extreme values and sizes


def test_special_values_move_as_they_are() -> None:
    x = np.array([np.nan, np.inf, -np.inf, -0.0]).reshape(1, 1, 1, 4)
    y = ops.pad(x, (1, 1, 0, 0), "reflect")
    np.testing.assert_array_equal(y[..., 1:5], x)
    np.testing.assert_array_equal(y[0, 0, 0, [0, 5]], [np.inf, -np.inf])
    np.testing.assert_array_equal(ops.interpolate(x, (1, 8)), np.repeat(x, 2, 3))
    # What has no weight has no part: 1 is interpolated between itself and 2 alone.
    y = ops.interpolate(np.array([1.0, 2, np.nan]).reshape(1, 1, 1, 3), (1, 6), mode="bilinear")
    np.testing.assert_array_equal(y, [[[[1, 1.25, 1.75, np.nan, np.nan, np.nan]]]])
    y = ops.pad(x, 1, value=np.inf)
    assert (y[0, 0, 0] == np.inf).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_number_of_threads_gives_the_same_bits(dtype) -> None:
    x = np.random.default_rng(0).standard_normal((3, 4, 60, 50)).astype(dtype)
    before, found = fastcnn.get_num_threads(), []
    try:
        for threads in (1, 2, 8):
            fastcnn.set_num_threads(threads)
            y = ops.interpolate(x, (91, 77), mode="bicubic")
            dx = ops.interpolate_backward(y, x.shape, (91, 77), mode="bicubic")
            found.append((y, dx, ops.pad_backward(y, 20, "reflect")))
    finally:
        fastcnn.set_num_threads(before)
    for each in found[1:]:
        for got, want in zip(each, found[0], strict=True):
            np.testing.assert_array_equal(got, want)


def test_sizes_that_cannot_be_had_are_refused_before_memory_is_taken() -> None:
    x = np.zeros((1, 1, 2, 2), np.float32)
    for call in (
        lambda: ops.interpolate(x, 2**40),
        lambda: ops.interpolate(x, scale_factor=2.0**60),
        lambda: ops.interpolate(x, scale_factor=2.0**200, mode="bicubic"),
        lambda: ops.interpolate(x, (1, 2**62), mode="bilinear", antialias=True),
        lambda: ops.pad(x, 2**40, "replicate"),
        lambda: ops.pad(x, 2**40, value=1.5),
        lambda: ops.interpolate_backward(x, (1, 1, 2**60, 2), 2),
        lambda: ops.pixel_shuffle(np.broadcast_to(x, (2**40, 1, 2, 2)), 1),
    ):
        with pytest.raises(SizeError):
            call()


def test_images_without_pixels_are_refused() -> None:
    for shape in ((1, 2, 0, 3), (1, 2, 3, 0)):
        x = np.zeros(shape)
        with pytest.raises(ShapeError, match="interpolate: x has no pixels"):
            ops.interpolate(x, 3)
        for mode in ("reflect", "replicate", "circular"):
            with pytest.raises(FastcnnError, match="pad: x has no pixels"):
                ops.pad(x, 0, mode)
