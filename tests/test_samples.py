"""Samples: one array, or a tuple of arrays with a row for each sample."""

import numpy as np
import pytest

from fastcnn import _samples
from fastcnn.errors import DTypeError, ShapeError

X, A, B = np.arange(6), np.arange(12).reshape(3, 4), np.arange(3)


def test_an_array_is_as_it_is():
    assert _samples.check(X, "f: x") is X
    assert _samples.arrays(X) == (X,)
    assert _samples.count(X) == 6
    np.testing.assert_array_equal(_samples.take(X, [1, 1]), [1, 1])
    np.testing.assert_array_equal(_samples.each(X, np.negative), -X)
    assert _samples.shapes(X) == "(6,)"


@pytest.mark.parametrize("kind", [tuple, list])
def test_several_are_a_tuple(kind):
    samples = _samples.check(kind([A, B]), "f: x")
    assert type(samples) is tuple
    assert [samples[0] is A, samples[1] is B] == [True, True]
    assert _samples.arrays(samples) is samples
    assert _samples.count(samples) == 3
    a, b = _samples.take(samples, slice(1, None))
    np.testing.assert_array_equal(a, A[1:])
    np.testing.assert_array_equal(b, B[1:])
    assert [type(each) for each in _samples.each(samples, np.negative)] == [np.ndarray] * 2
    assert _samples.shapes(samples) == "(3, 4) and (3,)"


def test_a_tuple_of_one_is_its_array():
    assert _samples.check((A,), "f: x") is A
    assert _samples.check([A], "f: x") is A


def test_which_are_images():
    assert _samples.images(np.zeros((2, 1, 3, 3))) == [0]
    assert _samples.images((B, np.zeros((3, 1, 3, 3)), A)) == [1]
    assert _samples.images((A, B)) == []


def test_messages_list_a_few_shapes():
    assert _samples.shapes((B,) * 33) == "(3,) and (3,) and (3,) and 30 more"
    assert _samples.shapes((B,) * 4) == "(3,) and (3,) and (3,) and (3,)"


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (None, DTypeError, "f: x must be an array with a batch axis, got NoneType"),
        ([[1.0]], DTypeError, "f: x must be an array with a batch axis, got list"),
        ((), DTypeError, "f: x must be an array with a batch axis, got tuple"),
        (np.array(1), DTypeError, "f: x must be an array with a batch axis, got an array without axes"),
        ((A, [1, 2, 3]), DTypeError, r"f: x\[1\] must be an array with a batch axis, got list"),
        ((None, A), DTypeError, r"f: x\[0\] must be an array with a batch axis, got NoneType"),
        ((A, np.array(1)), DTypeError, r"f: x\[1\] must be an array .*, got an array without axes"),
        (
            (A, B, X),
            ShapeError,
            r"f: x\[2\] has 6 rows, but the first array has 3: each of several inputs must have a row for "
            r"every sample \(got the shapes \(3, 4\) and \(3,\) and \(6,\)\)",
        ),
    ],
)
def test_what_is_refused(value, error, message):
    with pytest.raises(error, match=message):
        _samples.check(value, "f: x")


def test_what_is_expected_can_be_said():
    with pytest.raises(DTypeError, match=r"f: images must be an array \(N, C, H, W\), got str"):
        _samples.check("a", "f: images", "an array (N, C, H, W)")
