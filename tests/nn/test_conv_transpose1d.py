"""Transposed convolution along lines: the layer."""

import numpy as np
import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError, ShapeError
from fastcnn.nn.summary import summarize

X = np.random.default_rng(0).standard_normal((2, 3, 6)).astype(np.float32)


def test_it_is_that_of_images_of_one_row() -> None:
    layer = nn.ConvTranspose1d(3, 4, 3, 2, 1, 1, dilation=2).initialize(seed=0)
    images = nn.ConvTranspose2d(3, 4, (1, 3), (1, 2), (0, 1), (0, 1), dilation=(1, 2))
    images.load_state_dict({"weight": layer.weight.data[:, :, None], "bias": layer.bias.data})
    y = layer(X)
    np.testing.assert_array_equal(y, images(X[:, :, None])[:, :, 0])
    np.testing.assert_array_equal(layer.backward(y), images.backward(y[:, :, None])[:, :, 0])
    np.testing.assert_array_equal(layer.weight.grad, images.weight.grad[:, :, 0])
    np.testing.assert_array_equal(layer.bias.grad, images.bias.grad)
    np.testing.assert_array_equal(layer(X[0]), y[0])
    assert layer.macs((1, *y.shape[1:])) == images.macs((1, 4, 1, y.shape[2])) == 6 * 3 * 4 * 3


def test_a_size_of_the_output() -> None:
    layer = nn.ConvTranspose1d(3, 2, 3, stride=2)
    assert layer(X).shape == (2, 2, 13)
    for size in ((14,), (2, 2, 14), [14]):
        assert layer(X, output_size=size).shape == (2, 2, 14)
    assert layer(X[0], (2, 13)).shape == (2, 13)
    with pytest.raises(ArgumentError, match=r"output_size must lie between \(13,\) and \(14,\), got \(15,\)"):
        layer(X, (15,))
    with pytest.raises(ArgumentError, match="ConvTranspose1d: output_size must have 1 or 3 sizes"):
        layer(X, (2, 14))


def test_files_summaries_and_text() -> None:
    layer = nn.ConvTranspose1d(3, 4, 3, 2, padding=1, groups=1, bias=False)
    assert repr(layer) == ("ConvTranspose1d(3, 4, kernel_size=(3,), stride=(2,), padding=(1,), bias=False)")
    model = nn.Sequential(nn.Conv1d(3, 3, 3, 4), layer)
    again = zoo.from_dicts(zoo.to_dicts(model), (3, 31))
    assert repr(again) == repr(model)
    rows = summarize(model, (3, 31)).layers
    assert [(row.receptive_field, row.jump_out) for row in rows] == [((1, 3), (1, 4)), ((1, 7), (1, 2))]
    assert rows[1].output_shape == (4, 15)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: nn.ConvTranspose1d(3, 4, (3, 3)),
            ArgumentError,
            "ConvTranspose1d: kernel_size must be an int",
        ),
        (lambda: nn.ConvTranspose1d(3, 4, 3, groups=2), ArgumentError, "must be multiples of groups 2"),
        (lambda: nn.ConvTranspose1d(3, 4, 3, 0), ArgumentError, "ConvTranspose1d: stride must be at least 1"),
        (
            lambda: nn.ConvTranspose1d(3, 4, 3, padding_mode="reflect"),
            ArgumentError,
            "ConvTranspose1d: padding_mode must be 'zeros', got 'reflect'",
        ),
        (
            lambda: nn.ConvTranspose1d(3, 4, 3, output_padding=1)(X),
            ArgumentError,
            "output_padding must be smaller than stride or dilation",
        ),
        (lambda: nn.ConvTranspose1d(3, 4, 3)(X[None]), ShapeError, "conv_transpose1d: x must be 2-D or 3-D"),
    ],
)
def test_errors(make, error, message) -> None:
    with pytest.raises(error, match=message):
        make()
