"""The table of layers."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.nn.summary import summarize


def lenet():
    """A small network whose numbers are known by hand."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 12, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 100, 5),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(100, 10),
        nn.Softmax(),
    )


def test_rows_and_totals():
    summary = summarize(lenet(), (1, 28, 28))
    rows = summary.layers
    assert [row.type for row in rows][:4] == ["Conv2d", "ReLU", "MaxPool2d", "Conv2d"]
    assert [row.name for row in rows] == [str(i) for i in range(11)]
    assert [row.output_shape for row in rows][3:9:2] == [(12, 10, 10), (12, 5, 5), (100, 1, 1)]
    assert rows[3].input_shape == (6, 14, 14)
    assert [row.parameters for row in rows if row.parameters] == [156, 1812, 30100, 1010]
    assert [row.macs for row in rows if row.macs] == [117_600, 180_000, 30_000, 1_000]
    assert summary.parameters == summary.trainable == 33_078
    assert summary.macs == 328_600
    assert summary.forward_backward_bytes == 8 * sum(int(np.prod(row.output_shape)) for row in rows)


def test_text():
    text = lenet().summary((1, 28, 28))
    lines = text.splitlines()
    assert lines[0] == "Sequential, input 1x28x28"
    assert lines[2].split() == ["Layer", "Type", "Output", "shape", "Parameters", "MACs"]
    assert lines[4].split() == ["0", "Conv2d", "6x28x28", "156", "117,600"]
    assert "Parameters: 33,078 (33,078 trainable)" in text
    assert "Multiply-accumulates per sample: 328,600" in text
    assert "Memory per sample (MiB): input 0.00" in text
    assert len({len(line) for line in lines if line.startswith("---")}) == 1


def test_frozen_layers_are_not_trainable():
    model = lenet()
    model[0].weight.requires_grad = False
    summary = summarize(model, (1, 28, 28))
    assert summary.layers[0].parameters == 156
    assert summary.layers[0].trainable == 6
    assert summary.parameters - summary.trainable == 150


def test_nested_modules_have_dotted_names():
    body = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1, groups=2, bias=False), nn.BatchNorm2d(2))
    summary = summarize(nn.Sequential(nn.Residual(body), nn.AdaptiveAvgPool2d(1)), (2, 5, 6))
    assert [row.name for row in summary.layers] == ["0.body.0", "0.body.1", "1"]
    assert [row.macs for row in summary.layers] == [2 * 9 * 30, 0, 0]
    assert summary.layers[-1].output_shape == (2, 1, 1)


def test_a_shared_layer_is_counted_once_but_works_twice():
    shared = nn.Conv2d(3, 3, 1, bias=False)
    summary = summarize(nn.Sequential(shared, nn.ReLU(), shared), (3, 4, 4))
    assert [row.parameters for row in summary.layers] == [9, 0, 0]
    assert summary.parameters == 9
    assert summary.macs == 2 * 9 * 16


def test_a_single_layer_and_other_ranks():
    summary = summarize(nn.Linear(7, 3), (7,))
    assert [(row.name, row.output_shape, row.macs) for row in summary.layers] == [("Linear", (3,), 21)]


def test_double_precision():
    assert summarize(lenet().double(), (1, 28, 28)).macs == 328_600


def test_nothing_changes():
    model = lenet().train()
    model(np.zeros((1, 1, 28, 28), np.float32))
    saved = [module._saved for module in model.modules()]
    summarize(model, (1, 28, 28))
    assert all(module.training for module in model.modules())
    assert all(a is b for a, b in zip(saved, [module._saved for module in model.modules()], strict=True))


def test_bad_shapes():
    with pytest.raises(ShapeError, match=r"summary: input_shape must be a tuple such as \(C, H, W\), got 28"):
        lenet().summary(28)
    with pytest.raises(ArgumentError, match="summary: input_shape must be at least 1, got 0"):
        lenet().summary((1, 0, 28))
    with pytest.raises(DTypeError, match="summary: input_shape must be an integer"):
        lenet().summary((1, 28.0, 28))
    with pytest.raises(ShapeError, match="conv2d: x has 3 channels but weight expects 1"):
        lenet().summary((3, 28, 28))
