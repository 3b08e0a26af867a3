"""Max and average pooling, of sliding and of adaptive windows, and their gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn import _shapes
from fastcnn._kernels import cpu
from fastcnn._kernels import pool2d as kernels

from . import geometry, reference
from .helpers import assert_sums, normal, on_any_threads, poisoned, using_isa


def max_pool2d(x, w):
    """Run the kernel on poisoned outputs."""
    y, argmax = poisoned((len(x), w.out_h, w.out_w), x.dtype), poisoned((len(x), w.out_h, w.out_w), np.int64)
    kernels.max_pool2d(y, argmax, x, w)
    return y, argmax


def check_max(w, planes, dtype):
    # Few different values: ties in almost every window.
    x = np.round(normal((planes, w.in_h, w.in_w), dtype, 1))
    y, argmax = on_any_threads(lambda: max_pool2d(x, w))
    expected_y, expected_argmax = reference.max_pool2d(x, w)
    np.testing.assert_array_equal(y, expected_y, err_msg=str(w))
    np.testing.assert_array_equal(argmax, expected_argmax, err_msg=str(w))
    dy = normal(y.shape, dtype, 2)

    def backward():
        dx = poisoned(x.shape, dtype)
        assert kernels.max_pool2d_backward(dx, dy, argmax)
        return dx

    expected = reference.max_pool2d_backward(dy, argmax, w.in_h, w.in_w)
    magnitude = reference.max_pool2d_backward(np.abs(dy), argmax, w.in_h, w.in_w)
    assert_sums(on_any_threads(backward), expected, magnitude, w.kernel_h * w.kernel_w, w)


def check_average(w, pads, planes, dtype, count_include_pad=True, divisor=0):
    divisors = (pads[3], pads[1], count_include_pad, divisor)
    x, dy = normal((planes, w.in_h, w.in_w), dtype, 1), normal((planes, w.out_h, w.out_w), dtype, 2)

    def run():
        y, dx = poisoned(dy.shape, dtype), poisoned(x.shape, dtype)
        kernels.avg_pool2d(y, x, w, *divisors)
        kernels.avg_pool2d_backward(dx, dy, w, *divisors)
        return y, dx

    y, dx = on_any_threads(run)
    taps = w.kernel_h * w.kernel_w + 1
    magnitude = np.abs(reference.avg_pool2d(np.abs(x), w, *divisors))
    assert_sums(y, reference.avg_pool2d(x, w, *divisors), magnitude, taps, (w, divisors))
    magnitude = np.abs(reference.avg_pool2d_backward(np.abs(dy), w, *divisors))
    assert_sums(dx, reference.avg_pool2d_backward(dy, w, *divisors), magnitude, taps, (w, divisors))


def test_max_by_hand(isa, dtype):
    """Overlapping windows of 3 with padding on the right: the first of equal maxima gets both gradients."""
    w = _shapes.window((1, 4), (1, 3), (1, 2), (0, 1, 0, 0), (1, 1), "by hand")
    y, argmax = max_pool2d(np.array([[[1, 0, 5, 5]]], dtype), w)
    np.testing.assert_array_equal(y, [[[5, 5]]])
    np.testing.assert_array_equal(argmax, [[[2, 2]]])
    dx = poisoned((1, 1, 4), dtype)
    assert kernels.max_pool2d_backward(dx, np.array([[[10, 1]]], dtype), argmax)
    np.testing.assert_array_equal(dx, [[[0, 0, 11, 0]]])


def test_average_by_hand(isa, dtype):
    """The second window of 3 has two pixels in the image and one in the padding."""
    w = _shapes.window((1, 4), (1, 3), (1, 2), (0, 1, 0, 0), (1, 1), "by hand")
    x = np.array([[[3, 6, 9, 12]]], dtype)
    for include, divisor, expected in [(True, 0, [6, 7]), (False, 0, [6, 10.5]), (True, 2, [9, 10.5])]:
        y = poisoned((1, 1, 2), dtype)
        kernels.avg_pool2d(y, x, w, 0, 1, include, divisor)
        np.testing.assert_array_equal(y, [[expected]])


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("name", geometry.GEOMETRIES)
def test_max_geometries(isa, dtype, name, ceil_mode):
    check_max(geometry.make(name, ceil_mode), 3, dtype)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("name", [name for name in geometry.GEOMETRIES if name != "dilated"])
def test_average_geometries(isa, dtype, name, ceil_mode):
    w = geometry.make(name, ceil_mode)
    if w.dilation_w == 1:
        for include in (True, False):
            check_average(w, geometry.GEOMETRIES[name][3], 3, dtype, include)


@pytest.mark.parametrize("divisor", [1, 7, -3])
def test_given_divisor(isa, dtype, divisor):
    check_average(geometry.make("left and top"), (2, 0, 1, 0), 2, dtype, divisor=divisor)


def test_large_enough_for_threads(isa, dtype):
    w = geometry.make("right and bottom")
    check_max(w, 67, dtype)
    check_average(w, (0, 1, 0, 1), 67, dtype)


def test_no_planes(isa, dtype):
    w = geometry.make("3x3")
    check_max(w, 0, dtype)
    check_average(w, (1, 1, 1, 1), 0, dtype)


def test_nan_propagates_and_every_index_is_valid(isa, dtype):
    w = _shapes.window((4, 4), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), "NaN")
    x = np.full((2, 4, 4), -np.inf, dtype)
    x[1, 2, 1] = np.nan
    x[1, 0, 0] = 3
    y, argmax = max_pool2d(x, w)
    assert (y[0] == -np.inf).all()
    assert argmax[0, 0, 0] == 0
    assert argmax[0, 3, 3] == 10  # the first pixel of its window, though all are -inf
    assert np.isnan(y[1, 1:, :3]).all()
    assert np.isfinite(y[1, 0, 0])
    assert (argmax[1, 1:, :3] == 9).all()
    np.testing.assert_array_equal(argmax, reference.max_pool2d(x, w)[1])


def test_a_window_of_padding_alone_has_a_valid_index(isa, dtype):
    """Dilated taps may step over the whole image."""
    w = _shapes.window((1, 1), (2, 2), (1, 1), (1, 1, 1, 1), (2, 2), "padding alone")
    y, argmax = max_pool2d(np.ones((1, 1, 1), dtype), w)
    assert (y == -np.inf).all()
    assert (argmax == 0).all()


@pytest.mark.parametrize("index", [-1, 12, 2**62, -(2**63)])
def test_an_index_outside_the_plane_is_refused(isa, dtype, index):
    dx = poisoned((2, 3, 4), dtype)
    argmax = np.zeros((2, 1, 2), np.int64)
    argmax[1, 0, 1] = index
    assert not kernels.max_pool2d_backward(dx, np.ones((2, 1, 2), dtype), argmax)
    assert np.isnan(dx).all()


@pytest.mark.parametrize("in_hw", [(1, 1), (7, 5), (8, 8), (13, 4)])
@pytest.mark.parametrize("out_hw", [(1, 1), (2, 3), (5, 5), (7, 9)])
@pytest.mark.parametrize("planes", [0, 2, 700])
def test_adaptive(isa, dtype, in_hw, out_hw, planes):
    rows, columns = (reference.adaptive_averaging(*sizes) for sizes in zip(in_hw, out_hw, strict=True))
    x, dy = normal((planes, *in_hw), dtype, 1), normal((planes, *out_hw), dtype, 2)

    def run():
        y, dx = poisoned(dy.shape, dtype), poisoned(x.shape, dtype)
        kernels.adaptive_avg_pool2d(y, x)
        kernels.adaptive_avg_pool2d_backward(dx, dy)
        return y, dx

    y, dx = on_any_threads(run)
    terms = in_hw[0] * in_hw[1] + out_hw[0] * out_hw[1]
    expected, magnitude = (rows @ array @ columns.T for array in (x.astype(float), np.abs(x)))
    assert_sums(y, expected, magnitude, terms, (in_hw, out_hw))
    expected, magnitude = (rows.T @ array @ columns for array in (dy.astype(float), np.abs(dy)))
    assert_sums(dx, expected, magnitude, terms, (in_hw, out_hw))


@pytest.mark.parametrize("in_hw", [(1, 1), (7, 5), (8, 8), (13, 4)])
@pytest.mark.parametrize("out_hw", [(1, 1), (2, 3), (5, 5), (7, 9)])
@pytest.mark.parametrize("planes", [0, 2, 300])
def test_adaptive_maximum(isa, dtype, in_hw, out_hw, planes):
    x = np.round(normal((planes, *in_hw), dtype, 1))
    if planes:
        x[0, 0, 0], x[-1, -1, -1] = -np.inf, np.nan

    def run():
        y, argmax = poisoned((planes, *out_hw), dtype), poisoned((planes, *out_hw), np.int64)
        kernels.adaptive_max_pool2d(y, argmax, x)
        return y, argmax

    few = slice(0, 3), slice(-3, None)
    y, argmax = on_any_threads(run)
    for part in few:
        expected_y, expected_argmax = reference.adaptive_max_pool2d(x[part], *out_hw)
        np.testing.assert_array_equal(y[part], expected_y)
        np.testing.assert_array_equal(argmax[part], expected_argmax)


@settings(max_examples=50)
@given(geometry.windows())
def test_max_any_geometry(drawn):
    for isa in cpu.available_isas("float32"):
        for dtype in (np.float32, np.float64):
            with using_isa(isa):
                check_max(drawn[0], 2, dtype)


@settings(max_examples=50)
@given(geometry.windows(max_dilation=1), st.booleans(), st.sampled_from([0, 0, 3]))
def test_average_any_geometry(drawn, count_include_pad, divisor):
    for isa in cpu.available_isas("float32"):
        for dtype in (np.float32, np.float64):
            with using_isa(isa):
                check_average(*drawn, 2, dtype, count_include_pad, divisor)
