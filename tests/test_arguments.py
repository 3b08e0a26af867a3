"""What arguments in files may be, and in which form they come back."""

import math
import re

import numpy as np
import pytest

from fastcnn import _arguments as arguments
from fastcnn.errors import ArgumentError, DTypeError, FastcnnError, ShapeError, SizeError


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        (arguments.count, 3, 3),
        (arguments.one_or_two, [2, 2], 2),
        (arguments.one_or_two, [2, 3], (2, 3)),
        (arguments.margins, [1, 0, 2, 3], (1, 0, 2, 3)),
        (arguments.margins, np.int64(2), 2),
        (arguments.margins_or_word, "same", "same"),
        (arguments.flag, True, True),
        (arguments.real, -1.5, -1.5),
        (arguments.real, np.float32(0.5), 0.5),
        (arguments.number, 0, 0),
        (arguments.share, 1, 1),
        (arguments.divisor, -3, -3),
        (arguments.axis, -4, -4),
        (arguments.axes, [2, -1], (2, -1)),
        (arguments.axes, 2, 2),
        (arguments.order, [0, -1], (0, -1)),
        (arguments.sample, [1, 2, 3], (1, 2, 3)),
        (arguments.adaptive, [None, 5], (None, 5)),
        (arguments.batch_and_sizes, [-1, 3, 4], (-1, 3, 4)),
        (arguments.index_text, " : ,0:16 , ...,None,-1, ::2", ":, 0:16, ..., None, -1, ::2"),
        (arguments.optional(arguments.count), None, None),
        (arguments.optional(arguments.count), 2, 2),
    ],
)
def test_what_is_right(check, value, expected):
    found = arguments.checked(check, value, "x")
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("check", "value", "error", "expected"),
    [
        (arguments.count, 0, ArgumentError, "x must be at least 1, got 0"),
        (arguments.count, 1.0, DTypeError, "x must be an integer, got 1.0"),
        (arguments.count, True, DTypeError, "x must be an integer, got True"),
        (arguments.count, 2**63, ArgumentError, "x must be below 2**63, got 9223372036854775808"),
        (
            arguments.one_or_two,
            [-(10**6000)],
            ArgumentError,
            "x must be below 2**63, got an integer of 19932 bits",
        ),
        (arguments.one_or_two, [1, 2, 3], ArgumentError, "x must be an integer or 1 or 2 integers"),
        (arguments.one_or_two, [[1]], ArgumentError, "x must be a number or a few, got lists in a list"),
        (arguments.one_or_two, [1] * 17, ArgumentError, "x must be a number or a few, got 17"),
        (arguments.margins, -1, ArgumentError, "x must be at least 0, got -1"),
        (arguments.margins_or_word, "half", DTypeError, "x must be an integer, got 'half'"),
        (arguments.flag, 1, DTypeError, "x must be true or false, got 1"),
        (arguments.real, math.nan, ArgumentError, "x must be finite, got nan"),
        (arguments.real, "1", DTypeError, "x must be a number, got '1'"),
        (arguments.number, -1, ArgumentError, "x must be at least 0 and finite, got -1"),
        (arguments.number, math.inf, ArgumentError, "x must be at least 0 and finite, got inf"),
        (arguments.share, 1.5, ArgumentError, "x must lie in [0, 1], got 1.5"),
        (arguments.divisor, 0, ArgumentError, "x must not be 0"),
        (arguments.axis, -99, ArgumentError, "x must be at least -16, got -99"),
        (arguments.axes, [2, None], DTypeError, "x must be an integer, got None"),
        (arguments.order, 2, DTypeError, "x must be a list of axes, got 2"),
        (arguments.sample, [1, 2], ShapeError, "x must be (C, H, W), got (1, 2)"),
        (arguments.adaptive, [1, 2, 3], ArgumentError, "x must be an integer or two, got (1, 2, 3)"),
        (arguments.batch_and_sizes, [2, 3], ArgumentError, "x must be -1, which is the batch, and then"),
        (arguments.batch_and_sizes, [-1, -1], ArgumentError, "x must be at least 1, got -1"),
        (arguments.batch_and_sizes, 3, ArgumentError, "x must be -1, which is the batch, and then sizes"),
        (
            arguments.index_text,
            "__import__('os')",
            ArgumentError,
            'x must be an index such as ":, 0:16, ..."',
        ),
        (arguments.index_text, "1:2:3:4", ArgumentError, "x must be an index"),
        (arguments.index_text, "9" * 19, ArgumentError, "x must be an index"),
        (arguments.index_text, ":," * 20 + ":", ArgumentError, "x must be an index"),
        (arguments.index_text, "", ArgumentError, "x must be an index"),
        (arguments.index_text, 3, ArgumentError, "x must be an index"),
    ],
)
def test_what_is_wrong(check, value, error, expected):
    with pytest.raises(error, match=re.escape(expected)) as caught:
        arguments.checked(check, value, "x")
    assert len(str(caught.value)) < 300


def test_lists_that_do_not_end():
    endless = []
    endless.append(endless)
    with pytest.raises(FastcnnError, match="x must be a number or a few, got lists in a list"):
        arguments.checked(arguments.margins, endless, "x")


def test_sizes_of_arrays():
    with pytest.raises(SizeError, match=re.escape("x must be below 2**63")):
        arguments.count(2**64, "x")


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ((slice(None), slice(0, 16)), ":, 0:16"),
        ((..., 3), "..., 3"),
        ((None, -1, slice(None, None, 2), slice(-4, None)), "None, -1, ::2, -4:"),
        ((slice(np.int64(1), 2, -1),), "1:2:-1"),
    ],
)
def test_an_index_and_its_text(index, text):
    assert arguments.shown_index(index) == text
    assert arguments.parsed_index(text) == index
    assert arguments.index_text(text, "x") == text


def test_an_argument_of_a_layer():
    class Layer:
        size = 2, 2

    assert arguments.Argument(arguments.one_or_two).of(Layer(), "size") == 2
    assert arguments.Argument(arguments.count, read=lambda layer, name: len(name)).of(Layer(), "size") == 4
