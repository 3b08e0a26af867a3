"""The table of layers."""

import copy

import numpy as np
import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.nn import calls
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


def test_memory():
    """Outputs count but for those of ReLU, which overwrites its input, and Flatten, which is a view."""
    summary = summarize(lenet(), (1, 28, 28))
    kept = [row.output_shape for row in summary.layers if row.type not in ("ReLU", "Flatten")]
    assert summary.forward_backward_bytes == 8 * sum(int(np.prod(shape)) for shape in kept)
    assert (summary.input_bytes, summary.parameter_bytes) == (4 * 784, 4 * 33_078)
    compact = summarize(zoo.build("compact-mnist"), (1, 28, 28))
    sizes = (compact.forward_backward_bytes, compact.parameter_bytes, compact.total_bytes)
    assert [round(size / 2**20, 2) for size in sizes] == [0.66, 0.06, 0.72]
    body = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
    # The convolution's output and the sum.
    assert summarize(nn.Sequential(nn.Residual(body)), (1, 3, 3)).output_values == 2 * 9
    # An identity hands its input on.
    assert summarize(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Identity()), (1, 3, 3)).output_values == 9
    # Dropout keeps its own output in training.
    assert summarize(nn.Sequential(nn.Dropout(), nn.ReLU()), (1, 3, 3)).output_values == 9


def test_an_output_that_is_another_view_of_the_input_takes_no_memory():
    class Halved(nn.Module):
        def forward(self, x):
            return x[..., ::2]

    class View(Halved):
        _reuses_input = True

    assert [summarize(layer(), (1, 4, 6)).output_values for layer in (Halved, View)] == [12, 0]
    reusing = {nn.ReLU(), nn.Flatten(), nn.Identity()}
    assert {summarize(layer, (1, 4, 6)).output_values for layer in reusing} == {0}


def test_titles():
    assert summarize(lenet(), (1, 28, 28)).model == "Sequential"
    assert summarize(lenet(), (1, 28, 28), name="mine").model == "mine"
    assert zoo.build("compact-mnist").summary((1, 28, 28)).startswith("compact-mnist, input 1x28x28\n")
    assert copy.deepcopy(zoo.build("list-cifar")).summary((3, 32, 32)).startswith("list-cifar, ")


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
    kept = calls.latest(model)
    summarize(model, (1, 28, 28))
    assert all(module.training for module in model.modules())
    assert calls.latest(model) is kept is not None


def test_bad_shapes():
    with pytest.raises(ShapeError, match=r"summary: input_shape must be a tuple such as \(C, H, W\), got 28"):
        lenet().summary(28)
    with pytest.raises(ArgumentError, match="summary: input_shape must be at least 1, got 0"):
        lenet().summary((1, 0, 28))
    with pytest.raises(DTypeError, match="summary: input_shape must be an integer"):
        lenet().summary((1, 28.0, 28))
    with pytest.raises(ShapeError, match="conv2d: x has 3 channels but weight expects 1"):
        lenet().summary((3, 28, 28))
