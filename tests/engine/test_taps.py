"""Taps of pools as the engine keeps them, against windows that are walked through pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn import nn
from fastcnn.engine.fuse import fuse
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.norm_pool import NormPool
from fastcnn.engine.nodes.pool import Pool
from fastcnn.engine.taps import Axis, Taps
from fastcnn.errors import SizeError


def listed(taps):
    """Return each window's taps as (row, column)."""
    pixels = list(zip(taps.places(0, 1, 0).tolist(), taps.places(0, 0, 1).tolist(), strict=True))
    ends = np.cumsum(taps.counts)
    assert len(pixels) == ends[-1]
    return [pixels[end - count : end] for end, count in zip(ends, taps.counts, strict=True)]


def slide(windows, kernel, stride, dilation, pad, inside):
    """Return what each window along an axis reads of what is inside."""
    return [
        [place for k in range(kernel) if (place := i * stride - pad + k * dilation) in inside]
        for i in range(windows)
    ]


def cross(rows, columns):
    """Return the taps of each window."""
    return [[(u, v) for u in us for v in vs] for us in rows for vs in columns]


axes = st.tuples(
    st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(0, 4)
)
ranges = st.builds(lambda first, size: range(first, first + size), st.integers(-3, 5), st.integers(0, 9))


@given(axes, axes, ranges, ranges)
def test_taps_are_those_of_a_walk_through_the_windows(down, across, rows, columns):
    taps = Taps(Axis.sliding(*down), Axis.sliding(*across))
    assert listed(taps) == cross(slide(*down, range(-9, 99)), slide(*across, range(-9, 99)))
    taps = taps.within((rows.start, rows.stop), (columns.start, columns.stop))
    walked = cross(slide(*down, rows), slide(*across, columns))
    assert listed(taps) == walked
    assert taps.rows.read().tolist() == [u for us in slide(*down, rows) for u in us]

    pixels = [pixel for window in walked for pixel in window]
    np.testing.assert_array_equal(taps.places(1000, 50, 3), [1000 + 50 * u + 3 * v for u, v in pixels])
    assert taps.rows.size == len(taps.rows.read())
    assert taps.rows.span == ((min(taps.rows.read()), max(taps.rows.read())) if taps.rows.size else (0, 0))
    if pixels:
        assert taps.disjoint == (len(set(pixels)) == len(pixels))
    image = [(u, v) for u in range(4) for v in range(5)]
    assert taps.unread(4, 5).tolist() == [i for i, pixel in enumerate(image) if pixel not in pixels]


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 9), st.integers(1, 9))
def test_adaptive_windows(height, width, out_h, out_w):
    def shares(size, out):
        return [list(range(int(i * size / out), -int(-(i + 1) * size // out))) for i in range(out)]

    taps = Taps(Axis.adaptive(out_h, height), Axis.adaptive(out_w, width))
    assert listed(taps) == cross(shares(height, out_h), shares(width, out_w))
    assert taps.unread(height, width).size == 0


def test_windows_by_hand():
    """Three windows of 3 taps, one every 2, from -1 on, in 5 rows; cut into 2 shares, row 2 is in both."""
    axis = Axis.sliding(3, 3, 2, 1, 1).within(0, 5)
    assert (axis.start.tolist(), axis.count.tolist()) == ([0, 1, 3], [2, 3, 2])
    assert axis.read().tolist() == [0, 1, 1, 2, 3, 3, 4]
    assert not axis.disjoint
    axis = Axis.adaptive(2, 5)
    assert (axis.start.tolist(), axis.count.tolist()) == ([0, 2], [3, 3])
    assert Axis.sliding(2, 2, 2, 1, 0).disjoint


def test_a_huge_kernel_takes_no_memory():
    axis = Axis.sliding(3, 2**40, 1, 1, 2**39).within(0, 4)
    assert listed(Taps(axis, axis))[0] == [(u, v) for u in range(4) for v in range(4)]
    many = Axis.sliding(2**20, 2**20, 1, 1, 0)
    assert (many.size, many.span, many.disjoint) == (2**40, (0, 2**21 - 2), False)


def test_what_does_not_fit_into_memory_is_refused():
    with pytest.raises(SizeError, match="engine: the windows of a pool would have the shape"):
        Axis.adaptive(2**50, 4)
    with pytest.raises(SizeError, match="engine: the windows of a pool would have the shape"):
        Axis.sliding(2**50, 2, 1, 1, 0)
    many = Axis.sliding(2**20, 2**20, 1, 1, 0)
    with pytest.raises(SizeError, match="engine: the windows of a pool would have the shape"):
        Taps(many, Axis.sliding(2**25, 1, 1, 1, 0)).counts  # noqa: B018
    wide = Axis(np.zeros(1, np.int64), np.array([2**22]))
    with pytest.raises(SizeError, match="engine: the taps of a pool would have the shape"):
        Taps(wide, wide).places(0, 1, 1)


def pools(layer, shape):
    """Return a pool without and with zeros around its image, and their margin (left, right, top, bottom)."""
    for margin in ((0, 0, 0, 0), (1, 0, 2, 1)):
        (node,) = lower(nn.Sequential(nn.ZeroPad2d(margin), layer), shape).nodes
        assert isinstance(node, Pool)
        yield node, margin


GEOMETRIES = [
    (kernel, stride, padding, dilation, ceil_mode)
    for kernel, paddings in ((2, (0, 1)), ((3, 2), (0, 1, (1, 0, 0, 1))), (4, (0, (2, 1, 1, 2))))
    for padding in paddings
    for stride in (None, 1, (2, 3))
    for dilation in (1, 2)
    for ceil_mode in (False, True)
]


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "ceil_mode"), GEOMETRIES)
def test_pools_read_their_windows(kernel, stride, padding, dilation, ceil_mode):
    """A maximum reads a margin and no padding; an average reads the image, and counts what it is told to."""
    kernel_h, kernel_w = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    stride_h, stride_w = (kernel_h, kernel_w) if stride is None else np.broadcast_to(stride, 2)
    left, right, top, bottom = np.broadcast_to(padding, 4)
    height, width = 9, 8
    for node, margin in pools(nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode), (2, height, width)):
        rows = (node.y.height, kernel_h, stride_h, dilation, top + margin[2])
        columns = (node.y.width, kernel_w, stride_w, dilation, left + margin[0])
        inside = range(-margin[2], height + margin[3]), range(-margin[0], width + margin[1])
        assert listed(node.taps) == cross(slide(*rows, inside[0]), slide(*columns, inside[1]))
        assert node.factors is None
    if dilation > 1:
        return
    for include in (True, False):
        layer = nn.AvgPool2d(kernel, stride, padding, ceil_mode, include)
        for node, margin in pools(layer, (2, height, width)):
            rows = (node.y.height, kernel_h, stride_h, 1, top + margin[2])
            columns = (node.y.width, kernel_w, stride_w, 1, left + margin[0])
            image = range(height), range(width)
            assert listed(node.taps) == cross(slide(*rows, image[0]), slide(*columns, image[1]))
            more = (left, right, top, bottom) if include else (0, 0, 0, 0)
            counted = cross(
                slide(*rows, range(-margin[2] - more[2], height + margin[3] + more[3])),
                slide(*columns, range(-margin[0] - more[0], width + margin[1] + more[1])),
            )
            np.testing.assert_array_equal(node.factors(), [1 / max(1, len(window)) for window in counted])


@pytest.mark.parametrize("size", [1, 2, 3, (2, 5), (None, 3), (11, 4)])
def test_adaptive_pools_divide_by_what_they_read(size):
    (node,) = lower(nn.Sequential(nn.AdaptiveAvgPool2d(size)), (2, 7, 5)).nodes
    windows = listed(node.taps)
    assert len(windows) == node.y.pixels
    np.testing.assert_array_equal(node.factors(), [1 / len(window) for window in windows])


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "ceil_mode"), GEOMETRIES)
def test_normalisation_joins_pools_whose_windows_share_no_pixel(kernel, stride, padding, dilation, ceil_mode):
    for margin in ((0, 0, 0, 0), (1, 0, 2, 1)):
        pool = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode)
        model = nn.Sequential(nn.BatchNorm2d(2), nn.ZeroPad2d(margin), pool)
        windows = listed(lower(model, (2, 9, 8)).nodes[-1].taps)
        pixels = [pixel for window in windows for pixel in window]
        inside = all(u in range(9) and v in range(8) for u, v in pixels)
        joins = inside and all(windows) and len(set(pixels)) == len(pixels)
        assert isinstance(fuse(lower(model, (2, 9, 8))).nodes[0], NormPool) == joins
