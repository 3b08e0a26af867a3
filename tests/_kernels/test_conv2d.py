"""Convolution and its two gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn import _shapes
from fastcnn._kernels import conv2d as kernels
from fastcnn._kernels import cpu

from . import geometry, reference
from .helpers import assert_sums, normal, on_any_threads, poisoned, using_isa


def check(w, dtype, batch=2, in_channels=3, out_channels=5, groups=1, bias=True):
    """Compare all three passes with the reference, on any number of threads."""
    case = (w, batch, in_channels, out_channels, groups, bias)
    x = normal((batch, in_channels, w.in_h, w.in_w), dtype, 1)
    weight = normal((out_channels, in_channels // groups, w.kernel_h, w.kernel_w), dtype, 2)
    offset = normal(out_channels, dtype, 3) if bias else None
    dy = normal((batch, out_channels, w.out_h, w.out_w), dtype, 4)

    def run():
        y, dx, dweight = poisoned(dy.shape, dtype), poisoned(x.shape, dtype), poisoned(weight.shape, dtype)
        kernels.conv2d(y, x, weight, offset, groups, w)
        kernels.conv2d_backward_input(dx, dy, weight, groups, w)
        kernels.conv2d_backward_weight(dweight, dy, x, groups, w)
        return y, dx, dweight

    y, dx, dweight = on_any_threads(run)
    size = [np.abs(array) for array in (x, weight, dy)]
    taps = weight[0].size
    expected = reference.conv2d(x, weight, offset, groups, w)
    magnitude = reference.conv2d(size[0], size[1], offset if offset is None else np.abs(offset), groups, w)
    assert_sums(y, expected, magnitude, taps + 1, ("y", *case))
    expected = reference.conv2d_backward_input(dy, weight, groups, w)
    magnitude = reference.conv2d_backward_input(size[2], size[1], groups, w)
    assert_sums(dx, expected, magnitude, taps * out_channels // groups, ("dx", *case))
    expected = reference.conv2d_backward_weight(dy, x, groups, w)
    magnitude = reference.conv2d_backward_weight(size[2], size[0], groups, w)
    assert_sums(dweight, expected, magnitude, max(1, batch) * w.out_h * w.out_w, ("dweight", *case))


def test_by_hand(isa, dtype):
    """A correlation, not a flipped convolution; the padding is on the right alone."""
    w = _shapes.window((1, 3), (1, 2), (1, 1), (0, 1, 0, 0), (1, 1), "by hand")
    x, weight = np.array([[[[1, 2, 4]]]], dtype), np.array([[[[10, 1]]]], dtype)
    y, dx, dweight = poisoned((1, 1, 1, 3), dtype), poisoned(x.shape, dtype), poisoned(weight.shape, dtype)
    kernels.conv2d(y, x, weight, np.array([100], dtype), 1, w)
    np.testing.assert_array_equal(y, [[[[112, 124, 140]]]])
    kernels.conv2d_backward_input(dx, np.array([[[[1, 2, 3]]]], dtype), weight, 1, w)
    np.testing.assert_array_equal(dx, [[[[10, 21, 32]]]])
    kernels.conv2d_backward_weight(dweight, np.array([[[[1, 2, 3]]]], dtype), x, 1, w)
    np.testing.assert_array_equal(dweight, [[[[1 + 4 + 12, 2 + 8]]]])


@pytest.mark.parametrize("name", geometry.GEOMETRIES)
def test_geometries(isa, dtype, name):
    check(geometry.make(name), dtype)


@pytest.mark.parametrize(
    ("batch", "in_channels", "out_channels", "groups", "bias"),
    [
        (0, 2, 3, 1, True),
        (1, 1, 1, 1, False),
        (1, 16, 33, 1, True),
        (3, 6, 4, 2, True),
        (2, 5, 5, 5, False),
        (2, 3, 12, 3, True),
        (17, 2, 3, 1, False),
        (67, 3, 3, 1, False),
        (83, 4, 4, 2, True),
    ],
)
def test_batches_channels_groups(isa, dtype, batch, in_channels, out_channels, groups, bias):
    check(geometry.make("right and bottom"), dtype, batch, in_channels, out_channels, groups, bias)


def test_columns_in_several_runs(isa, dtype):
    """One image's columns take more than the kernel makes at a time."""
    w = _shapes.window((40, 40), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), "runs")
    check(w, dtype, batch=1, in_channels=17, out_channels=3)


@settings(max_examples=50)
@given(
    geometry.windows(),
    st.integers(0, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.booleans(),
)
def test_any_geometry(drawn, batch, groups, in_channels, out_channels, bias):
    for isa in cpu.available_isas("float32"):
        for dtype in (np.float32, np.float64):
            with using_isa(isa):
                check(drawn[0], dtype, batch, groups * in_channels, groups * out_channels, groups, bias)
