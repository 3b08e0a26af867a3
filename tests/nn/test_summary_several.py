"""The table of layers of networks with several inputs and outputs."""

import json

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import ArgumentError, ShapeError
from fastcnn.nn.summary import summarize

from .forwards import Hinted, Pair

SHAPES = [(1, 28, 28), (10,)]


def test_rows_and_totals():
    summary = summarize(Hinted(), SHAPES)
    assert summary.input_shape == ((1, 28, 28), (10,))
    assert [(row.name, row.input_shape, row.output_shape) for row in summary.layers] == [
        ("conv", (1, 28, 28), (4, 14, 14)),
        ("norm", (4, 14, 14), (4, 14, 14)),
        ("hint", (10,), (8,)),
        ("head", (792,), (10,)),
    ]
    assert summary.parameters == 40 + 8 + 88 + 7930
    assert summary.macs == 36 * 196 + 80 + 7920
    assert summary.input_bytes == 4 * (784 + 10)
    # The image is known as one, the row of numbers is not.
    assert [row.receptive_field for row in summary.layers] == [(3, 3), (3, 3), None, None]


@pytest.mark.parametrize("shapes", [SHAPES, tuple(SHAPES), [list(shape) for shape in SHAPES]])
def test_the_front_door_takes_a_list_of_shapes(shapes):
    model = Hinted()
    assert model.summary(shapes).startswith("Hinted, input 1x28x28, 10\n")
    assert "**Hinted, input 1x28x28, 10**" in model.summary(shapes, format="markdown")
    assert json.loads(model.summary(shapes, format="json"))["input_shape"] == [[1, 28, 28], [10]]


def test_a_list_of_one_shape_is_that_shape():
    assert nn.Linear(7, 3).summary([(7,)]) == nn.Linear(7, 3).summary((7,))


def test_a_layer_that_sees_two_images():
    rows = summarize(Pair(size=4, classes=3), [(1, 4, 4), (1, 4, 4)]).layers
    assert [row.name for row in rows] == ["see.0", "see.1", "see.2"] * 2 + ["head"]
    assert [row.parameters for row in rows] == [40, 0, 0, 0, 0, 0, 99]
    assert [row.receptive_field for row in rows] == [(3, 3)] * 6 + [None]


class Swap(nn.Module):
    """A layer of two inputs and two outputs."""

    def forward(self, a, b):
        return b * 2, a * 2


class Around(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.swap, self.call = Swap(), call

    def forward(self, a, b):
        return self.call(self.swap, a, b)


@pytest.mark.parametrize(
    "call",
    [lambda swap, a, b: swap(a, b), lambda swap, a, b: swap(a, b=b), lambda swap, a, b: swap(b=b, a=a)],
    ids=["by place", "by place and name", "by name"],
)
def test_a_layer_of_several_inputs_and_outputs(call):
    summary = summarize(Around(call), [(1, 4, 4), (3,)])
    (row,) = summary.layers
    assert set(row.input_shape) == {(1, 4, 4), (3,)}
    assert row.output_shape == ((3,), (1, 4, 4))
    assert row.receptive_field is None
    assert summary.output_values == 16 + 3
    assert "3, 1x4x4" in summary.text()


def test_a_layer_that_is_called_by_name():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x):
            return self.linear(x=x)

    (row,) = summarize(Named(), (3,)).layers
    assert (row.input_shape, row.output_shape, row.macs) == ((3,), (2,), 6)


def test_outputs_in_a_dict():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.split = nn.Linear(3, 4)

        def forward(self, x):
            y = self.split(x)
            return {"a": y[:, :1], "b": y}

    summary = summarize(Two(), (3,))
    assert summary.output_values == 4 + 1
    np.testing.assert_equal([row.output_shape for row in summary.layers], [(4,)])


@pytest.mark.parametrize(
    ("shapes", "error", "message"),
    [
        ([(1, 28, 28), 10], ShapeError, r"input_shape\[1\] must be a tuple such as \(C, H, W\), got 10"),
        ([(1, 28, 28), (0,)], ArgumentError, r"input_shape\[1\] must be at least 1, got 0"),
    ],
)
def test_bad_shapes(shapes, error, message):
    with pytest.raises(error, match=f"summary: {message}"):
        Hinted().summary(shapes)
