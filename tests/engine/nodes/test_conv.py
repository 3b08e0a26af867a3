"""Groups of channels where channels are in the lanes: depthwise ones fill vectors, others end within them."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.engine import Plan

from ..passes import assert_trains_as_eager

# Channels in, out, groups.
GROUPS = [(2, 2, 2), (17, 17, 17), (40, 40, 40), (4, 8, 2), (6, 15, 3), (32, 32, 2), (20, 36, 4), (5, 20, 5)]
GEOMETRIES = [
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": (2, 4), "stride": 2, "padding": (1, 2), "bias": False},
    {"kernel_size": 5, "stride": (3, 1), "padding": (0, 1, 3, 2), "dilation": (1, 2)},
]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=["plain", "strided", "dilated"])
@pytest.mark.parametrize("groups", GROUPS, ids=str)
def test_groups(groups, geometry, isa):
    """Between two convolutions, so that their gradients pass through; with a batch norm that is folded in."""
    channels, out, count = groups
    layers = (
        nn.Conv2d(2, channels, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, out, groups=count, **geometry),
        nn.BatchNorm2d(out),
        nn.ReLU(),
        nn.Conv2d(out, 3, 1),
    )
    model = nn.Sequential(*layers).double()
    rng = np.random.default_rng(0)
    model[3].running_var[...] = rng.uniform(0.5, 2, out)
    model[3].bias.data[...] = rng.standard_normal(out)
    x = rng.standard_normal((5, 2, 9, 11))
    model.train()
    assert_trains_as_eager(model, x, tolerance=10)
    model.eval()
    predicted = [
        Plan(model, x.shape[1:], training=False, batch_size=5, layout=layout, bands=bands).forward(x)
        for layout, bands in (("images", 1), ("channels", 1), ("channels", 3))
    ]
    np.testing.assert_allclose(predicted[0], model(x), rtol=1e-9, atol=1e-10)
    for each in predicted[1:]:
        np.testing.assert_array_equal(each, predicted[0])


def test_a_value_that_is_not_finite_stays_in_its_group():
    """Groups share vectors, but no products."""
    for channels, groups in ((6, 6), (6, 3)):
        model = nn.Conv2d(channels, 6, 3, padding=1, groups=groups)
        x = np.ones((1, channels, 4, 4), np.float32)
        x[0, 0] = np.inf
        y = Plan(nn.Sequential(model, nn.ReLU()), x.shape[1:], training=False, batch_size=1).forward(x)
        assert np.isfinite(y[0, 6 // groups :]).all()


def test_depthwise_operations_are_told():
    model = nn.Sequential(nn.Conv2d(8, 8, 3, groups=8), nn.ReLU())
    assert "depthwise" in Plan(model, (8, 6, 6), training=False, batch_size=1, layout="channels").describe()
