"""LayerNorm of fewer axes than a sample has in files, and LayerNorm2d."""

import numpy as np
import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError, DataError, ShapeError
from fastcnn.testing import gradcheck


def test_channels_of_a_pixel_by_hand():
    """Channels 1 and 5: mean 3, variance 4."""
    norm = nn.LayerNorm2d(2, eps=0.0).double()
    x = np.array([[[[1.0, 5.0]], [[5.0, 1.0]]]])
    np.testing.assert_allclose(norm(x), [[[[-1, 1]], [[1, -1]]]])
    norm.weight.data[...], norm.bias.data[...] = (2, 3), (1, 0)
    np.testing.assert_allclose(norm(x), [[[[-1, 3]], [[3, -3]]]])


def test_each_pixel_by_itself():
    norm, x = nn.LayerNorm2d(4), np.random.default_rng(0).standard_normal((3, 4, 5, 6)).astype(np.float32)
    whole = norm(x)
    np.testing.assert_array_equal(norm(x[1:2, :, 2:3, 4:]), whole[1:2, :, 2:3, 4:])
    flipped = x[:, :, ::-1, ::2]  # which is not contiguous
    np.testing.assert_array_equal(norm(flipped), whole[:, :, ::-1, ::2])
    assert norm(x[:0]).shape == (0, 4, 5, 6)


def test_gradient():
    norm = nn.LayerNorm2d(3).double()
    norm.weight.data[...] = 1, 2, 3

    def backward(dy, x):
        norm(x)
        return [norm.backward(dy)]

    gradcheck(norm, backward, [np.random.default_rng(0).standard_normal((2, 3, 2, 3))])


def test_what_layer_norm_2d_refuses():
    norm = nn.LayerNorm2d(4)
    with pytest.raises(ShapeError, match=r"LayerNorm2d: x must be images \(N, C, H, W\), got 3 axes"):
        norm(np.ones((4, 5, 6), np.float32))
    with pytest.raises(
        ShapeError, match=r"LayerNorm2d: normalized_shape must be 3 \(the channels\), got \(4,\)"
    ):
        norm(np.ones((2, 3, 5, 6), np.float32))
    with pytest.raises(ArgumentError, match="LayerNorm: normalized_shape must be at least 1, got 0"):
        nn.LayerNorm2d(0)


@pytest.mark.parametrize("sizes", [(5,), (4, 5), (3, 4, 5), None])
def test_files_say_over_which_axes(sizes):
    shape = (3, 4, 5)
    table = {"type": "LayerNorm"} if sizes is None else {"type": "LayerNorm", "normalized_shape": list(sizes)}
    model = zoo.from_dicts([table], shape)
    assert model[0].normalized_shape == (sizes or shape)
    assert zoo.to_dicts(model) == [{"type": "LayerNorm", "normalized_shape": [*(sizes or shape)]}]
    x = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    again = zoo.from_dicts(zoo.to_dicts(model), shape)
    np.testing.assert_array_equal(again(x), model(x))


def test_files_of_layer_norm_that_are_wrong():
    with pytest.raises(DataError, match=r"LayerNorm: x must be \(\.\.\., 4\), got the shape \(3, 4, 5\)"):
        zoo.from_dicts([{"type": "LayerNorm", "normalized_shape": 4}], (3, 4, 5))
    with pytest.raises(DataError, match="LayerNorm2d"):
        zoo.from_dicts([{"type": "LayerNorm2d", "normalized_shape": [4]}], (3, 4, 5))
    with pytest.raises(DataError, match="LayerNorm2d needs images"):
        zoo.from_dicts([{"type": "LayerNorm2d"}], (3, 4))
    assert zoo.to_dicts(zoo.from_dicts([{"type": "LayerNorm2d"}], (3, 4, 5))) == [{"type": "LayerNorm2d"}]
