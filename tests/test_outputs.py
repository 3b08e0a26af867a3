"""The rules that shapes follow, from the formulas, and what they refuse."""

import re

import pytest

from fastcnn import _outputs
from fastcnn.errors import ArgumentError, DTypeError, ShapeError, SizeError


@pytest.mark.parametrize(
    ("shape", "start", "end", "expected"),
    [
        ((2, 3, 4, 5), 1, -1, (2, 60)),
        ((2, 3, 4, 5), 0, -1, (120,)),
        ((2, 3, 4, 5), 1, 2, (2, 12, 5)),
        ((2, 3, 4, 5), -2, -1, (2, 3, 20)),
        ((2, 3), 1, 1, (2, 3)),
        ((7,), 0, -1, (7,)),
        ((), 0, -1, (1,)),
        ((0, 3, 4), 1, 2, (0, 12)),
        ((10**9, 10**9, 10**9), 0, 2, (10**27,)),
    ],
)
def test_flattened(shape, start, end, expected):
    assert _outputs.flattened(shape, start, end, "f") == expected


def test_axes_that_cannot_be_flattened():
    with pytest.raises(ShapeError, match=re.escape("f: x of the shape (2, 3) has no axes 2 to -1")):
        _outputs.flattened((2, 3), 2, -1, "f")
    with pytest.raises(ShapeError, match="f: start_dim 1 comes after end_dim 0"):
        _outputs.flattened((2, 3), 1, 0, "f")
    with pytest.raises(DTypeError, match="f: end_dim must be an integer, got True"):
        _outputs.flattened((2, 3), 0, True, "f")


@pytest.mark.parametrize(("ndim", "expected"), [(0, 0), (1, 0), (2, 1), (3, 0), (4, 1), (5, 1)])
def test_class_axis_of_none_is_that_of_pytorch(ndim, expected):
    assert _outputs.class_axis(None, ndim, "softmax") == expected


def test_class_axis():
    assert _outputs.class_axis(-1, 4, "softmax") == 3
    with pytest.raises(ArgumentError, match=re.escape("softmax: dim must lie in [-2, 2), got 2")):
        _outputs.class_axis(2, 2, "softmax")


def test_convolution():
    window, padding = _outputs.convolution((7, 8), (3, 5), (2, 1), "valid", 1, "f")
    assert (window.out_h, window.out_w, padding) == (3, 4, (0, 0, 0, 0))
    # An odd total puts the extra pixel on the right and at the bottom.
    window, padding = _outputs.convolution((7, 8), (2, 4), 1, "same", 1, "f")
    assert (window.out_h, window.out_w, padding) == (7, 8, (1, 2, 0, 1))
    with pytest.raises(ArgumentError, match="f: stride must be at least 1, got 0"):
        _outputs.convolution((7, 8), (3, 3), 0, 0, 1, "f")


def test_pooling():
    window, padding = _outputs.pooling((7, 7), 3, None, 1, 1, False, "f")
    assert (window.stride_h, window.stride_w, window.out_h, window.out_w) == (3, 3, 3, 3)
    assert padding == (1, 1, 1, 1)
    assert _outputs.pooling((7, 7), 2, None, 0, 1, True, "f").window.out_h == 4
    assert _outputs.pooling((7, 9), (1, 3), 2, (0, 1), 2, False, "f").window.out_w == 4


@pytest.mark.parametrize("padding", [2, (0, 2), (2, 0, 0, 0), (0, 0, 0, 2)])
def test_the_padding_of_a_pool_is_at_most_half_of_its_kernel(padding):
    shown = re.escape(repr(padding))
    expected = f"f: padding may be at most half of the kernel, got padding {shown} for a kernel "
    with pytest.raises(ArgumentError, match=expected + re.escape("of (3, 3) pixels")):
        _outputs.pooling((9, 9), 3, 1, padding, 1, False, "f")
    # A kernel whose taps are apart covers more pixels.
    assert _outputs.pooling((9, 9), 3, 1, padding, 2, False, "f").padding == _outputs.padding4(padding, "f")


def test_sizes_that_are_too_large():
    with pytest.raises(SizeError, match=r"2\*\*63"):
        _outputs.pooling((2**62, 2**62), 2**62, 2**62, 2**61, 1, False, "f")


@pytest.mark.parametrize(
    ("size", "expected"), [(3, (3, 3)), ((2, None), (2, 8)), (None, (7, 8)), ([9, 1], (9, 1))]
)
def test_adaptive_size(size, expected):
    assert _outputs.adaptive_size(size, (7, 8), "f") == expected


def test_adaptive_sizes_that_are_none():
    with pytest.raises(ArgumentError, match="f: output_size must be an integer or a pair, got"):
        _outputs.adaptive_size((1, 2, 3), (7, 8), "f")
    with pytest.raises(ArgumentError, match="f: output_size must be at least 1, got 0"):
        _outputs.adaptive_size(0, (7, 8), "f")


def test_padded():
    assert _outputs.padded((2, 3, 4, 5), (1, 2, 3, 4)) == (2, 3, 11, 8)
    assert _outputs.padded((3, 2**62, 1), (0, 0, 2**62, 2**62)) == (3, 3 * 2**62, 1)
