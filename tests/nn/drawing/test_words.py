"""The words that tell an operation's settings, and its kind."""

import numpy as np
import pytest

import fastcnn.nn.functional as F
from fastcnn import graph, nn
from fastcnn.nn.drawing import words
from fastcnn.nn.drawing.recording import record


def drawn(function, shape=(4, 6, 6)):
    """Return (type, settings) of the one operation that a function applies."""

    class Model(nn.Module):
        def forward(self, x):
            return function(x)

    _, box, _ = record(nn.Sequential(Model()), shape, "").root.boxes()
    return box.settings


def ones(*shape):
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            lambda x: F.conv2d(x, ones(2, 2, 3, 5), None, (1, 2), 1, 1, 2),
            "Conv2d 3×5, stride 1×2, padding 1, groups 2",
        ),
        (lambda x: F.conv2d(x, ones(2, 4, 3, 3), None, 1, "same", 2), "Conv2d 3×3, padding same, dilation 2"),
        (lambda x: F.max_pool2d(x, 2), "MaxPool2d 2×2"),
        (lambda x: F.max_pool2d(x, 3, 1, (0, 1)), "MaxPool2d 3×3, stride 1, padding 0×1"),
        (lambda x: F.max_pool2d(x, 3, 1, return_indices=True)[0], "MaxPool2d 3×3, stride 1"),
        (lambda x: F.avg_pool2d(x, (2, 3)), "AvgPool2d 2×3"),
        (lambda x: F.adaptive_avg_pool2d(x, 2), "AdaptiveAvgPool2d"),
        (lambda x: F.dropout(x, 0.25), "Dropout p = 0.25"),
        (lambda x: F.clamp(x, 0, 6), "Clamp from 0, to 6"),
        (lambda x: F.clamp(x, max=0.5), "Clamp to 0.5"),
        (lambda x: F.softmax(x, 1), "Softmax over axis 1"),
        (lambda x: x.mean((2, 3)), "Mean over axes 2, 3"),
        (lambda x: x.permute(0, 2, 3, 1), "Permute to axes 0, 2, 3, 1"),
        (lambda x: x[:, 1:3, ..., ::2], "Slice [:, 1:3, ..., ::2]"),
        (lambda x: F.pad(x, (1, 2)), "ZeroPad by 1×2×0×0"),
        (lambda x: F.pad(x, (1, 1, 1, 1), "reflect"), "ReflectionPad by 1"),
        (lambda x: F.pad(x, (1, 1, 1, 1), "replicate"), "ReplicationPad by 1"),
        (lambda x: F.pad(x, (2, 1, 0, 0), "circular"), "CircularPad by 2×1×0×0"),
        (lambda x: F.pad(x, (1, 1, 1, 1), value=2), "ConstantPad by 1, with 2"),
        (lambda x: F.interpolate(x, 3), "Interpolate nearest"),
        (
            lambda x: F.interpolate(x, 3, mode="bicubic", align_corners=True),
            "Interpolate bicubic, corners aligned",
        ),
        (lambda x: F.interpolate(x, 3, mode="bilinear", antialias=True), "Interpolate bilinear, smoothed"),
        (lambda x: F.pixel_shuffle(x, 2), "PixelShuffle by 2"),
        (lambda x: F.pixel_unshuffle(x, 2), "PixelUnshuffle by 2"),
        (lambda x: F.channel_shuffle(x, 2), "ChannelShuffle of 2 groups"),
        (lambda x: F.adaptive_max_pool2d(x, 2), "AdaptiveMaxPool2d"),
        (lambda x: F.dropout2d(x, 0.25), "Dropout2d p = 0.25"),
        (lambda x: x * 0.5, "Multiply with 0.5"),
        (lambda x: 1 - x, "Subtract with 1"),
        (lambda x: x + ones(6, 6), "Add"),
        (lambda x: F.batch_norm(x, ones(4), ones(4)), "BatchNorm"),
    ],
)  # fmt: skip
def test_settings(function, said):
    assert drawn(function) == said


def test_kinds():
    class Leaky(graph.Activation):
        pass

    assert words.kind_of(Leaky(), False) == "activation"
    assert words.kind_of(graph.Add(), True) == "join"
    assert words.kind_of(graph.Add(), False) == "arithmetic"
    # One that nobody has thought of has a kind, and no settings.
    assert words.kind_of(graph.Operation(), False) == "arithmetic"
    assert words.settings(graph.Operation(), ()) == ""
