"""Shapes of a model's inputs, one or several, and the sample that they stand for."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.nn.sample import zeros

from .forwards import Hinted, TwoInputs

MODEL = Hinted(size=6, hints=3, classes=4)


@pytest.mark.parametrize("kind", [list, tuple])
def test_output_shape_for_several_inputs(kind):
    assert MODEL.output_shape(kind([(5, 1, 6, 6), [5, 3]])) == (5, 4)
    assert MODEL.output_shape(kind([(0, 1, 6, 6), (0, 3)])) == (0, 4)
    assert nn.Linear(3, 2).output_shape(kind([(5, 3)])) == (5, 2)


def test_output_shapes_stand_where_the_outputs_do():
    assert TwoInputs().output_shape([(5, 1, 4, 4), (5, 3)]) == ((5, 2), (5, 2, 2, 2))

    class Net(nn.Module):
        def forward(self, x):
            return {"twice": x * 2, "none": None}

    assert Net().output_shape((5, 3)) == {"twice": (5, 3), "none": None}


def test_the_sample_has_the_type_of_the_parameters():
    image, hint = zeros(Hinted(size=6).double(), [(1, 6, 6), (10,)], "f")
    assert (image.shape, hint.shape) == ((1, 1, 6, 6), (1, 10))
    assert image.dtype == hint.dtype == np.float64
    assert not image.any()
    assert zeros(nn.ReLU(), [(3,)], "f").dtype == np.float32


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        (6, ShapeError, r"input_shape must be \(N, ...\), got 6"),
        ((), ShapeError, r"input_shape must be \(N, ...\), got \(\)"),
        ([(5, 1, 6, 6), 3], ShapeError, r"input_shape\[1\] must be \(N, ...\), got 3"),
        ([(5, 1, 6, 6), ()], ShapeError, r"input_shape\[1\] must be \(N, ...\), got \(\)"),
        ([(5, 1, 6, 6), (5, -3)], ArgumentError, r"input_shape\[1\] must be at least 0, got -3"),
        ([(5, 1, 6, 6), (5, "a")], DTypeError, r"input_shape\[1\] must be an integer, got 'a'"),
        ([(5, 1, 6, 6), (4, 3)], ShapeError, r"input_shape\[1\] is for 4 samples and input_shape\[0\] for 5"),
    ],
)
def test_what_is_no_shape(shape, error, message):
    with pytest.raises(error, match=f"output_shape: {message}"):
        MODEL.output_shape(shape)


@pytest.mark.parametrize("ask", [lambda s: MODEL.output_shape([(1, *s)]), lambda s: MODEL.summary([s])])
def test_another_number_of_inputs_than_forward_takes(ask):
    with pytest.raises(DTypeError, match=r"Hinted: forward takes \(image, hint\), got 1 array: missing"):
        ask((1, 6, 6))
