"""Margins along any axes, and what negative ones cut off, run compiled."""

import pytest

from fastcnn import nn
from fastcnn.nn import functional as F

from .test_lines import assert_compiled


class Padded(nn.Module):
    """Margins around the maps of a convolution."""

    def __init__(self, pad, lines=False, **options):
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 3) if lines else nn.Conv2d(2, 3, 3)
        self.pad, self.options = pad, options

    def forward(self, x):
        return F.relu(F.pad(self.conv(x), self.pad, **self.options)) * 2


class Behind(nn.Module):
    """Margins in front of a convolution, which reads zeros where they are, and none of what was cut off."""

    def __init__(self, pad, channels):
        super().__init__()
        self.first, self.conv, self.pad = nn.Conv2d(2, 3, 1), nn.Conv2d(channels, 4, 3), pad

    def forward(self, x):
        return self.conv(F.pad(self.first(x), self.pad))


class Features(nn.Module):
    """Margins of rows of features."""

    def __init__(self, value):
        super().__init__()
        self.linear, self.last, self.value = nn.Linear(5, 4), nn.Linear(6, 2), value

    def forward(self, x):
        return self.last(F.pad(self.linear(x), (3, -1), value=self.value))


IMAGES = {
    "cut": lambda: [Padded((-1, 2, 1, -2))],
    "cut with a value": lambda: [Padded((-1, 2, 1, -2), value=1.5)],
    "reflect": lambda: [Padded((-1, 2, 3, -2), mode="reflect")],
    "replicate": lambda: [Padded((-6, 4, 1, 0), mode="replicate")],
    "circular": lambda: [Padded((-2, 3, 1, 0), mode="circular")],
    "channels": lambda: [Padded((1, 0, 0, 0, 1, 2), value=0.5)],
    "channels before": lambda: [Behind((0, 1, -1, 0, 2, 1), 6)],
    "channels cut": lambda: [Behind((1, 1, 1, 1, -1, 0), 2)],
}
LINES = {
    "zeros": lambda: [Padded((2, -1), lines=True)],
    "cut only": lambda: [Padded((-2, -1), lines=True)],
    "circular": lambda: [Padded((-3, 4), lines=True, mode="circular")],
    "rows": lambda: [Padded((1, 0, 2, -1), lines=True, value=2.0)],
    "rows mirrored": lambda: [Padded((1, 0, 2, 1), lines=True, mode="reflect")],
    "layers": lambda: [nn.Conv1d(2, 3, 3), nn.ReflectionPad1d((2, -1)), nn.ConstantPad1d(1, 0.5), nn.Tanh()],
}


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("batch", [1, 9])
@pytest.mark.parametrize("name", IMAGES)
def test_images(isa, name, batch, layout):
    assert_compiled(IMAGES[name], (2, 8, 7), batch, layout)


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("name", LINES)
def test_lines(isa, name, layout):
    assert_compiled(LINES[name], (2, 11), 5, layout)


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("value", [0, -1.5])
def test_features(isa, value, layout):
    assert_compiled(lambda: [Features(value)], (5,), 5, layout)
