"""Samples of two axes, (C, L), and linear layers over the last axis: compiled as images of one row."""

import copy

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.nn import functional as F


class Turned(nn.Module):
    """What ConvNeXt does between its convolutions: linear layers over the channels, which stand last."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(2, channels, 3, padding=1)
        self.wide, self.narrow = nn.Linear(channels, 3 * channels), nn.Linear(3 * channels, channels)

    def forward(self, x):
        y = self.conv(x)
        return y + self.narrow(F.gelu(self.wide(y.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)


class TurnedPart(nn.Module):
    """Layers over the channels of some of the pixels, which have to be taken out of all."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.linear = nn.Conv2d(2, 5, 3), nn.LayerNorm(5), nn.Linear(5, 4)

    def forward(self, x):
        y = self.conv(x).permute(0, 2, 3, 1)
        return F.cat([self.linear(y[:, 1:]), self.linear(self.norm(y[:, :1]))], 1)


class TurnedLines(nn.Module):
    """The same of lines."""

    def __init__(self, channels):
        super().__init__()
        self.conv, self.linear = nn.Conv1d(2, channels, 3), nn.Linear(channels, 5)

    def forward(self, x):
        return self.linear(F.relu(self.conv(x)).permute(0, 2, 1))


class Branches(nn.Module):
    """Lines that are added, multiplied and put together, along both axes."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv1d(2, 4, 3, padding=1), nn.Conv1d(2, 4, 1)

    def forward(self, x):
        a, b = self.a(x), self.b(x)
        y = F.cat([a * b + 0.5, a - 2 * b], 1)
        return F.cat([y[:, :, ::2], y[:, :, 4:]], 2)


class Gated(nn.Module):
    """Squeeze-and-excite of lines."""

    def __init__(self):
        super().__init__()
        self.conv, self.gate = nn.Conv1d(2, 5, 3), nn.Conv1d(5, 5, 1)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        y = self.conv(x)
        return self.head((y * F.sigmoid(self.gate(y.mean(2, True)))).mean(-1))


LINES = {
    "network": lambda: [
        *(nn.Conv1d(2, 9, 3, padding=1, bias=False), nn.BatchNorm1d(9), nn.ReLU(), nn.MaxPool1d(2)),
        *(nn.Conv1d(9, 4, 5, 2, 1, groups=1), nn.PReLU(4), nn.Flatten(), nn.Linear(16, 6)),
        *(nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3)),
    ],
    "lines out": lambda: [nn.Conv1d(2, 5, 4, padding="same", dilation=2), nn.BatchNorm1d(5)],
    "groups": lambda: [nn.Conv1d(2, 6, 3, groups=2), nn.Conv1d(6, 6, 3, 2, 2, groups=6), nn.GELU()],
    "the line": lambda: [nn.Conv1d(2, 7, 18), nn.ReLU(), nn.Conv1d(7, 3, 1)],
    "pools": lambda: [nn.Conv1d(2, 5, 1), nn.MaxPool1d(3, 2, 1), nn.AvgPool1d(2), nn.AdaptiveAvgPool1d(3)],
    "residual": lambda: [nn.Conv1d(2, 4, 3), nn.Residual(nn.Sequential(nn.Conv1d(4, 4, 3, padding=1)))],
    "gated": lambda: [Gated()],
    "branches": lambda: [Branches(), nn.ReLU(), nn.Conv1d(8, 2, 3)],
    "linear": lambda: [nn.Linear(18, 4), nn.GELU(), nn.Linear(4, 2)],
    "turned": lambda: [TurnedLines(4)],
    "back": lambda: [nn.Conv1d(2, 5, 3, 2), nn.ConvTranspose1d(5, 3, 4, 2, 1), nn.ReLU(), nn.Conv1d(3, 2, 3)],
    "back in groups": lambda: [
        *(nn.Conv1d(2, 6, 3), nn.BatchNorm1d(6), nn.ReLU()),
        *(nn.ConvTranspose1d(6, 4, 3, 3, 2, 1, 2, dilation=2), nn.BatchNorm1d(4), nn.GELU()),
    ],
    "far back": lambda: [nn.ConvTranspose1d(2, 17, 2, 5, 0, 3, bias=False), nn.Conv1d(17, 3, 1)],
    "powers": lambda: [
        nn.Conv1d(2, 5, 3),
        nn.ReLU(),
        nn.LPPool1d(2, 2),
        nn.LPPool1d(1, 2, 1),
        nn.Conv1d(5, 2, 2),
    ],
    "magnitudes": lambda: [nn.Conv1d(2, 5, 3), nn.LPPool1d(np.inf, 3, 2), nn.LPPool1d(-np.inf, 2)],
    "larger": lambda: [nn.Conv1d(2, 5, 3), nn.Upsample(scale_factor=1.7, mode="linear"), nn.Conv1d(5, 3, 3)],
    "corners": lambda: [nn.Conv1d(2, 5, 3), nn.Upsample(23, mode="linear", align_corners=True), nn.Tanh()],
    "repeated": lambda: [nn.Conv1d(2, 5, 3), nn.Upsample(scale_factor=2), nn.Conv1d(5, 2, 2)],
    "smaller": lambda: [
        nn.Conv1d(2, 5, 1),
        nn.Upsample(7, mode="area"),
        nn.Upsample((4,), mode="nearest-exact"),
    ],
}
IMAGES = {
    "last axis": lambda: [
        nn.Linear(7, 4),
        nn.ReLU(),
        nn.Linear(4, 2, bias=False),
        nn.Flatten(),
        nn.Linear(24, 3),
    ],
    "turned": lambda: [Turned(5)],
    "a part": lambda: [TurnedPart()],
}


def assert_compiled(model, shape, batch, layout):
    """A step and a prediction of the program are those of eager mode."""
    model = nn.Sequential(*model()).double()
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, *shape))
    y = model(x)
    dy = rng.standard_normal(y.shape)
    wanted = [model.backward(dy), *(p.grad for p in model.parameters())]
    model.zero_grad()
    options = {"batch_size": batch, "layout": layout}
    plan = Plan(model, shape, training=True, input_gradient=True, **options)
    got = plan.forward(x)
    assert got.shape == y.shape
    np.testing.assert_allclose(got, y, rtol=1e-9, atol=1e-11)
    largest = max(np.abs(each).max() for each in wanted)
    for found, want in zip([plan.backward(dy), *(p.grad for p in model.parameters())], wanted, strict=True):
        assert found.shape == want.shape
        np.testing.assert_allclose(found, want, rtol=1e-8, atol=1e-11 * largest)
    predicted = Plan(model.eval(), shape, training=False, **options).forward(x)
    np.testing.assert_allclose(predicted, model(x), rtol=1e-9, atol=1e-10)
    return plan


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("batch", [2, 9])
@pytest.mark.parametrize("name", LINES)
def test_lines(isa, name, batch, layout):
    assert_compiled(LINES[name], (2, 18), batch, layout)


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("name", IMAGES)
def test_linear_over_the_last_axis(isa, name, layout):
    assert_compiled(IMAGES[name], (2, 6, 7), 5, layout)


def test_no_element_moves_where_channels_stand_last():
    model = Turned(5)
    plan = Plan(model, (2, 6, 7), training=True, batch_size=3)
    assert " copy " not in plan.describe()
    lines = Plan(TurnedLines(4), (2, 18), training=False, batch_size=3).describe()
    assert lines.count(" copy ") == 1  # the output, which is in another order


@pytest.mark.parametrize("batch", [0, 1, 4])
def test_predict_and_compile_take_lines(batch):
    model = nn.Sequential(*LINES["network"]())
    x = np.random.default_rng(0).standard_normal((batch, 2, 18)).astype(np.float32)
    want = model.predict(x, engine=False)
    compiled = fastcnn.compile(model)
    np.testing.assert_allclose(compiled.predict(x), want, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.predict(x), want, rtol=1e-4, atol=1e-5)
    if batch > 1:
        reference = copy.deepcopy(model)
        np.testing.assert_allclose(compiled(x), reference(x), rtol=1e-4, atol=1e-5)
        assert isinstance(compiled._last, Plan)
