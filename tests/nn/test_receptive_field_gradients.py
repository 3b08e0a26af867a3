"""Receptive fields of random networks, against the pixels that the gradient of one output reaches."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.nn.summary import summarize

SIZE = 161


class Random(nn.Module):
    """Steps of sums with positive weights, of which a layer sees the last."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps
        self.kernel = nn.Parameter(np.ones((1, 1, 5, 5)))
        self.probe = nn.Conv2d(1, 1, 1)
        self.probe.weight.data[...] = 1
        self.double()

    def forward(self, x):
        for step in self.steps:
            x = self.step(x, *step)
        return self.probe(x)

    def step(self, x, kind, size, other, stride):
        kernel = self.kernel[:, :, :size, :size]
        if kind == "conv":
            return F.conv2d(x, kernel, stride=stride, dilation=other)
        if kind == "pool":
            return F.avg_pool2d(x, size, stride)
        if kind == "upsample":
            return F.interpolate(x, scale_factor=2, mode="bilinear" if other == 1 else "nearest")
        if kind == "crop":
            return x[:, :, other:-other, other:-other]
        if kind == "transpose":
            return F.conv_transpose2d(x, kernel, stride=stride)
        # Windows of odd sizes have one center.
        odd = size // 2 * 2 + 1, other // 2 * 2 + 1
        first, second = (F.conv2d(x, self.kernel[:, :, :k, :k], None, stride, k // 2) for k in odd)
        if kind == "add":
            return first + second
        if kind == "gate":
            return first * F.sigmoid(second * 0.001)
        return fastcnn.cat([first, second], 1).mean(1, keepdim=True)


def steps(*kinds):
    numbers = st.tuples(st.sampled_from(kinds), st.integers(1, 4), st.integers(1, 4), st.integers(1, 2))
    return st.lists(numbers, min_size=1, max_size=5)


def told_and_seen(model):
    """Return the receptive field of the last layer, and the extent of the pixels that a gradient reaches."""
    (*_, row) = summarize(model, (1, SIZE, SIZE)).layers
    assume(row.receptive_field is not None and row.receptive_field[0] <= SIZE // 3)
    x = np.ones((1, 1, SIZE, SIZE))
    dy = np.zeros_like(model(x))
    dy[0, 0, dy.shape[2] // 2, dy.shape[3] // 2] = 1
    dx = model.backward(dy)[0, 0]
    rows, columns = np.flatnonzero(dx.any(1)), np.flatnonzero(dx.any(0))
    return row.receptive_field, (int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1)


@settings(deadline=None, max_examples=60)
@given(steps("conv", "pool", "crop", "add", "gate", "cat"))
def test_a_gradient_reaches_as_far(chosen):
    told, seen = told_and_seen(Random(chosen))
    assert told == seen


@settings(deadline=None, max_examples=60)
@given(steps("conv", "pool", "add", "cat", "upsample", "transpose"))
def test_behind_denser_pixels_no_gradient_reaches_further(chosen):
    """Where jumps are rounded up, fields are not smaller than they say."""
    told, seen = told_and_seen(Random(chosen))
    assert told[0] >= seen[0]
    assert told[1] >= seen[1]
