"""Depthwise convolution by neighbours in a row: rows of every width, taps in and out of order, all passes."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.engine import Plan

from ..passes import assert_trains_as_eager

WIDTHS = [1, 3, 4, 7, 8, 9, 15, 16, 17, 23]
GEOMETRIES = {
    "3x3": {"kernel_size": 3, "padding": 1},
    "5x5": {"kernel_size": 5, "padding": 2},
    "3x5, wider": {"kernel_size": (3, 5), "padding": (0, 4)},
    "dilated as strided": {"kernel_size": 3, "padding": 2, "dilation": 2, "stride": 2},
    "strided": {"kernel_size": 3, "padding": 1, "stride": 2},
    "dilated": {"kernel_size": 3, "padding": 2, "dilation": (1, 2)},
    "4x4": {"kernel_size": 4, "padding": 2},
    "7x7": {"kernel_size": 7, "padding": 3},
    "one row": {"kernel_size": (1, 3), "padding": (0, 1)},
    "one column": {"kernel_size": (5, 1), "padding": (2, 0)},
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_all_passes(geometry, width, isa):
    channels = 19
    conv = nn.Conv2d(channels, channels, groups=channels, **GEOMETRIES[geometry])
    model = nn.Sequential(nn.Conv2d(2, channels, 1), conv, nn.SiLU()).double()
    x = np.random.default_rng(width).standard_normal((3, 2, 6, width))
    expected = assert_trains_as_eager(model, x)
    options = {"batch_size": 3, "layout": "channels"}
    for bands in (1, 2, 3):
        made = Plan(model, x.shape[1:], training=False, bands=bands, **options).forward(x)
        np.testing.assert_allclose(made, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("width", [7, 18])
def test_one_chain_in_both_layouts(width, isa):
    """Sums of products are taken in the order of taps, whatever a block is."""
    model = nn.Sequential(nn.Conv2d(16, 16, 5, padding=2, groups=16), nn.ReLU()).eval()
    x = np.random.default_rng(0).standard_normal((2, 16, 9, width)).astype(np.float32)
    made = [Plan(model, x.shape[1:], batch_size=2, layout=each).forward(x) for each in ("images", "channels")]
    np.testing.assert_array_equal(*made)
