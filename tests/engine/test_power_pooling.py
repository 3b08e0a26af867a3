"""Power-average pooling of images runs compiled where programs have the power."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.errors import FastcnnError

from .test_lines import assert_compiled


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("power", [1, 2, -1, -2, np.inf, -np.inf])
def test_powers(power, layout, isa):
    activation = nn.Softplus if power in (-1, -2) else nn.Tanh
    layers = nn.Conv2d(2, 5, 3), activation(), nn.LPPool2d(power, (2, 3), 1, True), nn.Conv2d(5, 2, 2)
    assert_compiled(lambda: layers, (2, 8, 7), 5, layout)


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_windows_of_zeros_have_no_gradient(layout):
    """Behind ReLU there are some, of which the root has an infinite one."""
    layers = nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5), nn.Threshold(0.5, 0.0), nn.LPPool2d(2, 2)
    assert_compiled(lambda: layers, (2, 8, 8), 9, layout)


def test_another_power_runs_eagerly():
    with pytest.raises(FastcnnError, match="a power whose exponent is not 1/2, 1, 2 or 3"):
        Plan(nn.Sequential(nn.Conv2d(2, 5, 3), nn.LPPool2d(1.5, 2)), (2, 8, 8), training=True, batch_size=4)
