"""Receptive fields behind operations, against those that were worked out by hand."""

import numpy as np
import pytest

from fastcnn import graph
from fastcnn.graph import Field, fields

# Of images (1, 4, 8, 6): a field of 3 x 5 pixels, positions 2 and 1 apart.
GIVEN = Field((3, 5), (2, 1), (0, 0), (2, 3), frozenset([0]))
SHAPE = (1, 4, 8, 6)


def behind(operation, *more, given=GIVEN, shape=SHAPE):
    """Return (size, jump, reach, axes) of what an operation makes of images and parameters."""
    x = [np.zeros(shape), *more]
    y = operation.forward(*x)[0]
    tensors = [each for each in x if each is not None]
    found = operation.field([given] + [None] * (len(tensors) - 1), [each.shape for each in tensors], y.shape)
    return None if found is None else found[:4]


WEIGHT = np.zeros((2, 4, 3, 2))
OVER_WHOLE = (3 + 7 * 2, 5 + 5)


@pytest.mark.parametrize(
    ("operation", "more", "expected"),
    [
        (graph.ReLU(), (), GIVEN[:4]),
        (graph.Softmax(1), (), GIVEN[:4]),
        (graph.GroupNorm(2), (None, None), GIVEN[:4]),
        (graph.Multiply(), (np.ones((4, 1, 1)),), GIVEN[:4]),
        (graph.Pad((1, 0, 2, 0)), (), GIVEN[:4]),
        (graph.ChannelShuffle(2), (), GIVEN[:4]),
        (graph.Conv2d(2, 1, (2, 1)), (WEIGHT, None), ((11, 6), (4, 2), (0, 0), (2, 3))),
        (graph.ConvTranspose2d((2, 1)), (np.zeros((4, 2, 4, 2)), None), ((5, 6), (1, 1), (0, 0), (2, 3))),
        (graph.ConvTranspose2d(2), (np.zeros((4, 2, 2, 2)), None), None),  # half a pixel apart
        (graph.MaxPool2d((3, 2), None, 0, (2, 1)), (), ((11, 6), (6, 2), (0, 0), (2, 3))),
        (graph.AvgPool2d(2, 1), (), ((5, 6), (2, 1), (0, 0), (2, 3))),
        (graph.AdaptiveMaxPool2d((2, 1)), (), ((9, 10), (8, 6), (0, 0), (2, 3))),
        (graph.AdaptiveAvgPool2d((3, 6)), (), ((9, 5), (6, 1), (0, 0), (2, 3))),  # of 8 rows, 2 to 6
        (graph.Interpolate(scale_factor=2.0), (), ((3, 5), (1, 1), (0, 0), (2, 3))),
        (graph.Interpolate((4, 6), mode="area"), (), ((5, 5), (4, 1), (0, 0), (2, 3))),
        (graph.PixelShuffle(2), (), ((3, 5), (1, 1), (0, 0), (2, 3))),
        (graph.PixelUnshuffle(2), (), ((5, 6), (4, 2), (0, 0), (2, 3))),
        (graph.Mean((2, 3)), (), (OVER_WHOLE, None, (0, 0), (None, None))),
        (graph.Sum((2, 3), True), (), (OVER_WHOLE, (16, 6), (0, 0), (2, 3))),
        (graph.Amax(3), (), ((3, 10), (2, 1), (0, 0), (2, None))),
        (graph.Mean(1), (), ((3, 5), (2, 1), (0, 0), (1, 2))),
        (graph.Mean(1, True), (), GIVEN[:4]),
        (graph.Flatten(1), (), ((3, 5), None, (14, 5), (1, 1))),
        (graph.Flatten(2), (), ((3, 5), None, (14, 5), (2, 2))),
        (graph.Reshape((-1, 192)), (), ((3, 5), None, (14, 5), (1, 1))),
        (graph.Reshape((-1, 2, 2, 8, 6)), (), ((3, 5), (2, 1), (0, 0), (3, 4))),
        (graph.Reshape((-1, 4, 4, 2, 6)), (), ((3, 5), None, (14, 5), (-1, 4))),
        (graph.Permute((0, 2, 3, 1)), (), ((3, 5), (2, 1), (0, 0), (1, 2))),
        (graph.Slice((slice(None), slice(0, 4, 2), slice(1, 5))), (), GIVEN[:4]),
        (graph.Slice((..., None, 2)), (), ((3, 5), (2, 1), (0, 0), (2, None))),
        (graph.Slice((slice(None), 0)), (), ((3, 5), (2, 1), (0, 0), (1, 2))),
        (graph.Slice((slice(None), None)), (), ((3, 5), (2, 1), (0, 0), (3, 4))),
        (graph.Slice((..., slice(None, None, 2))), (), ((3, 5), (2, 2), (0, 0), (2, 3))),
        (graph.Slice((..., slice(None, None, -1))), (), None),
        (graph.Linear(), (np.zeros((3, 6)), None), ((3, 10), (2, 1), (0, 0), (2, None))),
    ],
)
def test_by_hand(operation, more, expected):
    assert behind(operation, *more) == expected


def test_channels_last():
    """A linear layer over channels sees one pixel, and a window needs rows and columns at the end."""
    last = GIVEN._replace(axes=(1, 2))
    found = behind(graph.Linear(), np.zeros((3, 4)), None, given=last, shape=(1, 8, 6, 4))
    assert found == last[:4]
    assert behind(graph.Permute((0, 3, 1, 2)), given=last, shape=(1, 8, 6, 4)) == GIVEN[:4]
    assert behind(graph.MaxPool2d(2), given=last, shape=(1, 8, 6, 4)) is None
    assert behind(graph.Pad(1), given=last, shape=(1, 8, 6, 4)) is None


def test_flattened():
    flat = Field((3, 5), None, (14, 5), (1, 1))
    read = behind(graph.Linear(), np.zeros((2, 192)), None, given=flat, shape=(1, 192))
    assert read == (OVER_WHOLE, None, (0, 0), (None, None))
    # In rows and columns again; how far apart these are is not known, and no window can tell what it sees.
    divided = Field((3, 5), None, (14, 5), (-1, -1))
    assert behind(graph.Unflatten(1, (4, 8, 6)), given=flat, shape=(1, 192)) == divided[:4]
    assert behind(graph.AvgPool2d(2), given=divided) is None
    assert behind(graph.Interpolate(3), given=divided) is None
    assert behind(graph.ConvTranspose2d(1), np.zeros((4, 1, 2, 2)), None, given=divided) is None
    assert behind(graph.Mean((2, 3)), given=divided) is None
    assert behind(graph.Flatten(1), given=divided) == flat[:4]
    # Where each sees all, a window does not see more.
    everything = Field(OVER_WHOLE, None, (0, 0), (None, None))
    for operation in (graph.AvgPool2d(2), graph.Interpolate(3), graph.AdaptiveAvgPool2d(2)):
        assert behind(operation, given=everything) == everything[:4]


def meet(operation, *given):
    """Return what is known behind an operation on values of given fields and shapes."""
    tensors = [np.zeros(shape) for _, shape in given]
    y = operation.forward(*tensors)[0]
    return operation.field([field for field, _ in given], [each.shape for each in tensors], y.shape)


def test_where_values_meet():
    other = Field((5, 3), (4, 1), images=frozenset([1]))
    both = Field((5, 5), (4, 1), (0, 0), (2, 3), frozenset([0, 1]))
    assert meet(graph.Add(), (GIVEN, SHAPE), (other, SHAPE)) == both
    assert meet(graph.Concat(1), (GIVEN, SHAPE), (other, SHAPE)) == both
    assert meet(graph.Concat(2), (GIVEN, SHAPE), (other, SHAPE)) is None  # rows of two images
    assert meet(graph.Concat(2), (GIVEN, SHAPE), (GIVEN, (1, 4, 1, 6))) == GIVEN
    turned = GIVEN._replace(axes=(3, 2))
    assert meet(graph.Add(), (GIVEN, SHAPE), (turned, SHAPE)) is None


def test_one_position_for_all():
    """What is broadcast says nothing of how far positions are apart."""
    pooled = Field((17, 10), (16, 6), images=frozenset([0]))
    expected = GIVEN._replace(size=(17, 10))
    assert meet(graph.Multiply(), (GIVEN, SHAPE), (pooled, (1, 4, 1, 1))) == expected
    vector = Field((17, 10), None, (0, 0), (None, None), frozenset([0]))
    assert meet(graph.Multiply(), (vector, (1, 4, 1, 1)), (GIVEN, SHAPE)) == expected
    rows, columns = pooled._replace(jump=(2, 6)), pooled._replace(jump=(16, 1))
    crossed = meet(graph.Multiply(), (rows, (1, 4, 8, 1)), (columns, (1, 4, 1, 6)))
    assert crossed == expected


def test_rows_of_numbers():
    flat, wide = (Field(size, None, reach, (1, 1)) for size, reach in (((3, 3), (4, 4)), ((5, 5), (4, 0))))
    expected = Field((5, 5), None, (4, 2), (1, 1))
    assert meet(graph.Concat(1), (flat, (1, 9)), (wide, (1, 6))) == expected
    assert meet(graph.Add(), (flat, (1, 9)), (wide, (1, 9))) == expected
    other = flat._replace(images=frozenset([1]))
    assert meet(graph.Concat(1), (flat, (1, 9)), (other, (1, 9))) is None
    assert meet(graph.Add(), (flat, (1, 9)), (other, (1, 9))).images == {1}


def test_inputs():
    assert fields.input_field(4, 1) == Field((1, 1), (1, 1), (0, 0), (2, 3), frozenset([1]))
    assert fields.input_field(3, 0).axes == (None, 2)
    assert fields.input_field(2, 0) is None


def test_lines():
    line = fields.input_field(3, 0)
    found = behind(graph.Conv1d(2, 0, 3), np.zeros((1, 4, 3)), None, given=line, shape=(1, 4, 9))
    assert found == ((1, 7), (1, 2), (0, 0), (None, 2))
    assert behind(graph.Mean(2), given=line, shape=(1, 4, 9)) == ((1, 9), None, (0, 0), (None, None))


def test_an_operation_without_a_rule():
    class Turned(graph.Operation):
        def forward(self, x):
            return x[..., ::-1], None

    assert behind(Turned()) is None


def test_products_of_parameters_are_not_followed():
    for operation, weight in ((graph.Conv2d(), (2, 4, 3, 3)), (graph.Linear(), (5, 6))):
        assert operation.field([GIVEN, GIVEN], [SHAPE, weight], (1, 2, 6, 4)) is None


@pytest.mark.parametrize(
    ("operation", "x", "weight", "y", "expected"),
    [
        (graph.Conv2d(1, 0, 1, 2), (1, 4, 5, 5), (6, 2, 3, 3), (1, 6, 3, 3), 6 * 9 * 2 * 9),
        (graph.Conv1d(), (1, 4, 5), (6, 4, 3), (1, 6, 3), 6 * 3 * 4 * 3),
        (graph.ConvTranspose2d(2), (1, 4, 5, 5), (4, 3, 2, 2), (1, 3, 10, 10), 4 * 25 * 3 * 4),
        (graph.ConvTranspose1d(2), (1, 4, 5), (4, 3, 2), (1, 3, 10), 4 * 5 * 3 * 2),
        (graph.Linear(), (1, 7, 4), (5, 4), (1, 7, 5), 7 * 4 * 5),
        (graph.Add(), (1, 7), (1, 7), (1, 7), 0),
    ],
)
def test_macs(operation, x, weight, y, expected):
    assert operation.macs([x, weight], y) == expected
