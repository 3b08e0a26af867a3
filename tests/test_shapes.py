"""Output-size arithmetic against windows that are counted one by one."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn import _shapes
from fastcnn.errors import ArgumentError, DTypeError, ShapeError, SizeError


def count_windows(size, before, after, kernel, stride, dilation, ceil_mode):
    """Slide a window over the padded pixels and count where it stops."""
    extent, padded = dilation * (kernel - 1) + 1, before + size + after
    stops = []
    for start in range(0, padded + stride, stride):
        # Rounding up, one window may reach over the end: the one after the last that does not touch it.
        reaches_over = ceil_mode and start - stride + extent < padded
        if start + extent <= padded or reaches_over:
            stops.append(start)
    if ceil_mode and stops and stops[-1] >= before + size:
        stops.pop()  # it would start in the padding after the image
    return len(stops)


def slide(size, before, after, kernel, stride, dilation, ceil_mode):
    """Return the output size along one axis, 0 where `window` refuses."""
    try:
        found = _shapes.window(
            (1, size), (1, kernel), (1, stride), (before, after, 0, 0), (1, dilation), "slide", ceil_mode
        )
    except ShapeError:
        return 0
    return found.out_w


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_output_size_against_counting(ceil_mode):
    paddings = [(0, 0), (1, 1), (2, 0), (0, 3)]
    for size, (before, after), kernel, stride, dilation in itertools.product(
        range(1, 9), paddings, range(1, 5), range(1, 6), range(1, 4)
    ):
        case = (size, before, after, kernel, stride, dilation, ceil_mode)
        assert slide(*case) == count_windows(*case), case


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        ((28, 1, 1, 3, 1, 1, False), 28),
        ((28, 0, 1, 3, 2, 1, False), 14),
        ((14, 0, 1, 3, 2, 1, False), 7),
        ((7, 1, 1, 3, 2, 1, False), 4),
        ((5, 0, 0, 2, 2, 1, True), 3),
        ((4, 0, 0, 2, 3, 1, True), 2),
        ((3, 1, 1, 2, 2, 1, True), 2),  # a third window would start in the padding
        ((9, 0, 0, 3, 1, 4, False), 1),
    ],
)
def test_output_size_by_hand(geometry, expected):
    assert slide(*geometry) == expected


@given(*[st.integers(1, 2**66)] * 4, st.integers(0, 2**66), st.booleans())
def test_huge_numbers_are_exact_or_refused(size, kernel, stride, dilation, padding, ceil_mode):
    try:
        w = _shapes.window(
            (1, size), (1, kernel), (1, stride), (padding, padding, 0, 0), (1, dilation), "w", ceil_mode
        )
    except ArgumentError:
        return
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    rounded = math.ceil(room / stride) if room < 2**50 else -(-room // stride)
    assert w.out_w - 1 in ((room // stride,) if not ceil_mode else (rounded, rounded - 1))
    assert max(w) < 2**63
    assert w.out_w * stride + dilation * kernel < 2**63


def test_window_fields():
    w = _shapes.window((10, 20), (3, 5), (1, 2), (1, 2, 3, 4), (2, 1), "w")
    assert w == (10, 20, 13, 10, 3, 5, 1, 2, 3, 1, 2, 1)
    assert w._fields[:4] == ("in_h", "in_w", "out_h", "out_w")


def test_a_kernel_that_does_not_fit():
    message = (
        r"max_pool2d \(rows\): the kernel is larger than the padded input: it covers 5 pixels "
        r"\(kernel 3, dilation 2\) but the input has 2 \+ 1 \+ 1"
    )
    with pytest.raises(ShapeError, match=message):
        _shapes.window((2, 9), (3, 3), (1, 1), (1, 1, 1, 1), (2, 2), "max_pool2d")


def test_sizes_that_pass_64_bits():
    for arguments in [
        ((2**62, 1), (1, 1), (1, 1), (0, 0, 2**62, 0), (1, 1)),
        ((1, 5), (1, 1), (1, 2**63 - 1), (0, 0, 0, 0), (1, 1)),
        ((1, 2**63 - 1), (1, 2), (1, 1), (2**62, 2**62, 0, 0), (1, 2**62)),
    ]:
        with pytest.raises(SizeError, match=r"conv2d: sizes pass 2\*\*63"):
            _shapes.window(*arguments, "conv2d")


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_integer(value):
    result = _shapes.integer(value, "f: n")
    assert result == 3
    assert type(result) is int


@pytest.mark.parametrize("value", [1.0, np.float32(1), "1", None, True, np.True_, [1], np.array([1.5])])
def test_not_an_integer(value):
    with pytest.raises(DTypeError, match="f: n must be an integer, got"):
        _shapes.integer(value, "f: n")


def test_integer_out_of_range():
    with pytest.raises(ArgumentError, match="f: n must be at least 1, got 0"):
        _shapes.integer(0, "f: n", 1)
    with pytest.raises(SizeError, match=r"f: n must be below 2\*\*63, got 9223372036854775808"):
        _shapes.integer(2**63, "f: n")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, (2, 2)), ((3,), (3, 3)), ([1, 2], (1, 2)), (np.array([4, 5]), (4, 5)), (np.int64(6), (6, 6))],
)
def test_pair(value, expected):
    assert _shapes.pair(value, "f: stride") == expected


def test_bad_pairs():
    with pytest.raises(
        ArgumentError, match=r"f: stride must be an integer or 1 or 2 integers, got \(1, 2, 3\)"
    ):
        _shapes.pair((1, 2, 3), "f: stride")
    with pytest.raises(ArgumentError, match="f: stride must be at least 1, got 0"):
        _shapes.pair((1, 0), "f: stride", 1)
    for value in ("12", b"12", 1.5, {1, 2}, None):
        with pytest.raises(DTypeError, match="f: stride must be an integer"):
            _shapes.pair(value, "f: stride")


@pytest.mark.parametrize(
    ("value", "expected"), [(1, (1, 1, 1, 1)), ((1, 2), (2, 2, 1, 1)), ((1, 2, 3, 4), (1, 2, 3, 4))]
)
def test_padding4(value, expected):
    """One number for all sides, (vertical, horizontal), or (left, right, top, bottom)."""
    assert _shapes.padding4(value, "f: padding") == expected


def test_bad_padding():
    with pytest.raises(ArgumentError, match="f: padding must be at least 0, got -1"):
        _shapes.padding4((0, -1), "f: padding")
    with pytest.raises(ArgumentError, match="f: padding must be an integer or 1 or 2 or 4 integers"):
        _shapes.padding4((1, 2, 3), "f: padding")


@given(
    st.tuples(*[st.integers(1, 20)] * 2),
    st.tuples(*[st.integers(1, 7)] * 2),
    st.tuples(*[st.integers(1, 3)] * 2),
)
def test_same_padding_keeps_the_size(in_hw, kernel, dilation):
    padding = _shapes.conv_padding("same", kernel, (1, 1), dilation, "conv2d: padding")
    w = _shapes.window(in_hw, kernel, (1, 1), padding, dilation, "conv2d")
    assert (w.out_h, w.out_w) == in_hw
    left, right, top, bottom = padding
    assert right - left in (0, 1)
    assert bottom - top in (0, 1)


def test_padding_by_name():
    def padding(name, stride=(1, 1)):
        return _shapes.conv_padding(name, (3, 3), stride, (1, 1), "conv2d: padding")

    assert padding("valid", (2, 2)) == (0, 0, 0, 0)
    assert padding("same") == padding(1) == (1, 1, 1, 1)
    with pytest.raises(ArgumentError, match=r"conv2d: padding='same' needs stride 1, got stride \(1, 2\)"):
        padding("same", (1, 2))
    with pytest.raises(
        ArgumentError, match="conv2d: padding must be 'same', 'valid' or integers, got 'full'"
    ):
        padding("full")


def test_allocate():
    array = _shapes.allocate((2, 0, 3), np.float32, "f: y")
    assert array.shape == (2, 0, 3)
    assert array.dtype == np.float32
    assert array.flags.c_contiguous


@pytest.mark.parametrize(
    "make", [_shapes.allocate, partial(_shapes.filled, value=0), partial(_shapes.filled, value=2.5)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize(("count", "aligned"), [(1, True), (7, True), (1000, True), (1000, False)])
def test_arrays_begin_with_a_cache_line(make, dtype, count, aligned):
    arrays = [make(shape=(5, count), dtype=dtype, what="f: y", aligned=aligned) for _ in range(5)]
    assert all(array.ctypes.data % 64 == 0 for array in arrays)
    assert all(array.shape == (5, count) and array.dtype == dtype for array in arrays)
    assert all(array.flags.c_contiguous and array.flags.writeable for array in arrays)


@pytest.mark.parametrize(
    "shape", [(2**31, 2**31, 2), (2**62,), (2**40, 2**40, 2**40), (3037000500, 3037000500)]
)
def test_more_than_64_bits_of_bytes(shape):
    with pytest.raises(SizeError, match=r"f: y would have the shape .* bytes pass 2\*\*63"):
        _shapes.allocate(shape, np.float64, "f: y")


def test_more_than_the_memory():
    count = _shapes.available_bytes() // 8 * 2
    with pytest.raises(SizeError, match=r"f: y would have the shape \(2, .* GiB of memory are free"):
        _shapes.allocate((2, count), np.float64, "f: y")
    assert 2**20 < _shapes.available_bytes() < 2**63


def test_more_than_numpy_can_count(monkeypatch):
    """Where the free memory is not known; a cache line is added to the array's own bytes."""
    monkeypatch.setattr(_shapes, "available_bytes", lambda: 2**63 - 1)
    with pytest.raises(SizeError, match="f: y does not fit into memory: "):
        _shapes.allocate((2**63 - 1,), np.uint8, "f: y")


def test_size_error_is_a_memory_error():
    """Callers catch what NumPy would raise."""
    with pytest.raises(MemoryError):
        _shapes.check_size((2**62, 8), 8, "f: y")
    with pytest.raises(ValueError, match="f: y"):
        _shapes.check_size((2**62, 8), 8, "f: y")


def test_arrays_of_one_value():
    for value in (0, 1.5):
        array = _shapes.filled((2, 3), value, np.float32, "a test")
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, np.full((2, 3), value))
        assert array.flags.writeable
    with pytest.raises(SizeError, match="a test would have the shape"):
        _shapes.filled((2**30, 2**30), 0, np.float32, "a test")
