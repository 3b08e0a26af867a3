"""Which values are black and white."""

import numpy as np
import pytest

from fastcnn.data import Dataset
from fastcnn.data.values import border_levels, check_range, from_unit, guess_range, to_unit
from fastcnn.errors import ArgumentError, DTypeError


def spread(low, high, dtype=np.float32):
    return np.linspace(low, high, 8).reshape(1, 1, 2, 4).astype(dtype)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, (0, 1)),
        (0.1, 0.7, (0, 1)),
        (0, 0.0039, None),  # divided twice
        (0, 255, (0, 255)),
        (3, 180, (0, 255)),
        (0, 16, None),
        (0, 4095, None),
        (-1, 1, (-1, 1)),
        (-0.98, 0.9, (-1, 1)),
        (-0.13, 0.87, None),  # without its mean
        (-0.5, 0.5, (-0.5, 0.5)),
        (-127.5, 127.5, (-127.5, 127.5)),
        (-128, 127, (-128, 127)),
        (-0.42, 2.82, None),
        (np.nan, np.nan, None),
    ],
)
def test_floats(low, high, expected):
    assert guess_range(spread(low, high)) == expected


@pytest.mark.parametrize(
    ("high", "expected"), [(255, (0, 255)), (90, (0, 255)), (1, (0, 1)), (16, None), (0, (0, 255))]
)
def test_bytes(high, expected):
    assert guess_range(spread(0, high, np.uint8)) == expected


def test_a_data_set_knows_them():
    images = spread(-1, 1)
    assert Dataset(images, [0]).value_range == (-1, 1)
    said = Dataset(images, [0], value_range=(-2, 2))
    assert said.value_range == said.subset([0]).value_range == (-2, 2)
    assert Dataset(images[:0], []).value_range is None
    with pytest.raises(
        ArgumentError, match=r"Dataset: value_range must be \(black, white\) with black below"
    ):
        Dataset(images, [0], value_range=(1, 0))
    with pytest.raises(DTypeError, match="Dataset: value_range must be a number, got 'a'"):
        Dataset(images, [0], value_range=("a", 1))
    with pytest.raises(ArgumentError, match="value_range must be two numbers, got 3"):
        check_range(3, "value_range")


@pytest.mark.parametrize(
    ("low", "high", "dtype", "black_white"),
    [
        (0, 255, np.uint8, (10, 20)),
        (0, 255, np.uint8, (0, 16)),
        (0, 90, np.uint8, (0, 1000)),  # which no byte can be
        (0, 90, np.uint8, (-1, 1)),
        (0, 255, np.float32, (0, 1)),
        (-1, 1, np.float32, (0, 1)),
        (-0.3, 0.5, np.float32, (0, 1)),
    ],
)
def test_values_outside_the_range_that_was_given(low, high, dtype, black_white):
    black, white = black_white
    message = (
        f"Dataset: value_range says black is {black} and white {white}, but the values of the images are "
        f"{np.dtype(dtype)} from {low} to {high}; give the values that black and white have there"
    )
    with pytest.raises(ArgumentError) as caught:
        Dataset(spread(low, high, dtype), [0], value_range=black_white)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("low", "high", "dtype", "black_white"),
    [
        (0, 255, np.uint8, (0, 255)),
        (0, 16, np.uint8, (0, 16)),
        (0, 255, np.uint8, (0, 256)),
        (-0.1, 1.2, np.float32, (0, 1)),  # resampling overshoots
        (0, 255, np.float32, (0, 4095)),
        (np.nan, np.nan, np.float32, (0, 1)),
    ],
)
def test_values_that_a_range_holds(low, high, dtype, black_white):
    assert Dataset(spread(low, high, dtype), [0], value_range=black_white).value_range == black_white


def test_there_and_back():
    images = spread(-1, 1)
    unit = to_unit(images, (-1, 1))
    np.testing.assert_allclose(unit.ravel(), np.linspace(0, 1, 8), atol=1e-6)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(from_unit(unit, (-1, 1)), images, atol=1e-6)
    np.testing.assert_allclose(to_unit(spread(0, 255, np.uint8), (0, 255)).max(), 1)


def test_border_levels():
    images = np.zeros((2, 1, 4, 4), np.uint8)
    images[1] = 9
    images[:, :, 1:3, 1:3] = 255  # not at the border
    assert border_levels(images).tolist() == [0, 9]
