"""im2col and col2im."""

import numpy as np
import pytest
from hypothesis import given, settings

from fastcnn import _shapes
from fastcnn._kernels import cpu
from fastcnn._kernels import im2col as kernels

from . import geometry, reference
from .helpers import assert_sums, normal, on_any_threads, poisoned, using_isa


def columns_shape(planes, w):
    return (planes, w.kernel_h * w.kernel_w, w.out_h * w.out_w)


def check(w, planes, dtype):
    x = normal((planes, w.in_h, w.in_w), dtype, 1)
    expected = reference.patches(x, w)

    def im2col():
        columns = poisoned(columns_shape(planes, w), dtype)
        kernels.im2col(columns, x, w)
        return columns

    np.testing.assert_array_equal(on_any_threads(im2col).reshape(expected.shape), expected, err_msg=str(w))
    columns = normal(columns_shape(planes, w), dtype, 2)

    def col2im():
        image = poisoned(x.shape, dtype)
        kernels.col2im(image, columns, w)
        return image

    spread = columns.reshape(expected.shape).astype(np.float64)
    magnitude = reference.unpatch(np.abs(spread), w)
    assert_sums(on_any_threads(col2im), reference.unpatch(spread, w), magnitude, w.kernel_h * w.kernel_w, w)


def test_by_hand(isa, dtype):
    """A 2x2 window over 2x3 pixels, padded on the left."""
    w = _shapes.window((2, 3), (2, 2), (1, 2), (1, 0, 0, 0), (1, 1), "by hand")
    columns = poisoned(columns_shape(1, w), dtype)
    kernels.im2col(columns, np.array([[[1, 2, 3], [4, 5, 6]]], dtype), w)
    np.testing.assert_array_equal(columns, [[[0, 2], [1, 3], [0, 5], [4, 6]]])
    x = poisoned((1, 2, 3), dtype)
    kernels.col2im(x, np.ones_like(columns), w)
    np.testing.assert_array_equal(x, [[[1, 1, 1], [1, 1, 1]]])


@pytest.mark.parametrize("name", geometry.GEOMETRIES)
def test_geometries(isa, dtype, name):
    check(geometry.make(name), 3, dtype)


def test_large_enough_for_threads(isa, dtype):
    check(geometry.make("right and bottom"), 53, dtype)


def test_no_planes(isa, dtype):
    check(geometry.make("3x3"), 0, dtype)


@settings(max_examples=50)
@given(geometry.windows())
def test_any_geometry(drawn):
    for isa in cpu.available_isas("float32"):
        for dtype in (np.float32, np.float64):
            with using_isa(isa):
                check(drawn[0], 2, dtype)
