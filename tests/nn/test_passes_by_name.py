"""Arguments of modules by name: the first one is PyTorch's `input` too."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn

from .forwards import normal


def test_the_first_argument_has_pytorchs_name():
    x = normal(2, 3)
    layer = nn.Linear(3, 4).double()
    np.testing.assert_array_equal(layer(input=x), layer(x))
    np.testing.assert_array_equal(layer.backward(np.ones((2, 4))), np.ones((2, 4)) @ layer.weight.data)
    up = nn.ConvTranspose2d(1, 1, 2, stride=2).double()
    image = normal(1, 1, 2, 2)
    np.testing.assert_array_equal(up(input=image, output_size=(5, 5)), up(image, (5, 5)))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, images):
            return self.layer(input=images)

    np.testing.assert_array_equal(nn.Sequential(Net())(input=x), layer(x))


def test_another_argument_of_the_name_input_is_no_first_one():
    class Net(nn.Module):
        def forward(self, x=None, input=None, **more):
            return input * 2 if x is None else x

    x = normal(2, 3)
    np.testing.assert_array_equal(Net()(input=x), 2 * x)
    np.testing.assert_array_equal(fastcnn.compile(Net())(input=x), 2 * x)
    with pytest.raises(TypeError, match="input"):
        nn.ReLU()(x, input=x)
