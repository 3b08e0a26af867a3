"""Samples of zeros that models are described by."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError, SizeError
from fastcnn.nn.sample import zero_sample


def test_it_has_the_shape_and_the_type_of_the_model():
    sample = zero_sample(nn.Linear(2, 2).double(), [3, 2], "f")
    assert (sample.shape, sample.dtype) == ((1, 3, 2), np.float64)
    assert not sample.any()
    assert zero_sample(nn.ReLU(), (np.int64(4),), "f").dtype == np.float32


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((), ShapeError, r"f: input_shape must be a tuple such as \(C, H, W\), got \(\)"),
        (7, ShapeError, "f: input_shape must be a tuple such as .* got 7"),
        ((1, 0), ArgumentError, "f: input_shape must be at least 1, got 0"),
        ((1, True), DTypeError, "f: input_shape must be an integer, got True"),
        ((2**40, 2**40), SizeError, "f: the sample would have the shape"),
    ],
)
def test_mistakes(shape, error, message):
    with pytest.raises(error, match=message):
        zero_sample(nn.ReLU(), shape, "f")
