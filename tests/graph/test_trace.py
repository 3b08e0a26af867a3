"""Traces: the operations of a forward on a sample, and what they refuse to hold."""

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import graph, nn
from fastcnn.errors import ShapeError


def traced(function, *shape, model=None):
    """Return (trace, what function makes of a value of samples of a shape)."""
    trace = graph.Trace()
    return trace, function(trace.input(np.empty((0, *shape), np.float32)))


def kinds(trace):
    return [type(step.operation).__name__ for step in trace.steps]


def test_operations_with_their_sources_and_shapes():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    trace, y = traced(model, 3, 8, 6)
    assert kinds(trace) == ["Conv2d", "ReLU", "MaxPool2d", "Flatten"]
    conv, relu, pool, flat = trace.steps
    assert conv.sources == (0, model[0].weight, model[0].bias)
    assert (relu.sources, pool.sources, flat.sources) == ((1,), (2,), (3,))
    assert [step.shapes for step in trace.steps] == [((4, 8, 6),), ((4, 8, 6),), ((4, 4, 3),), ((48,),)]
    assert [step.scope for step in trace.steps] == list(model)
    assert (y.index, y.shape[1:]) == (4, (48,))


def test_functions_belong_to_the_module_whose_forward_calls_them():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x):
            return F.relu(self.linear(x)) + 2

    model = Net()
    trace, _ = traced(model, 3)
    assert [(type(s.operation).__name__, s.scope) for s in trace.steps] == [
        ("Linear", model.linear),
        ("ReLU", model),
        ("Add", model),
    ]
    assert trace.steps[2].sources == (2, 2.0)


def test_nothing_is_drawn_counted_or_changed():
    norm, drop = nn.BatchNorm2d(2), nn.Dropout(0.5, np.random.default_rng(0))
    before = drop.generator.bit_generator.state
    trace, _ = traced(nn.Sequential(norm, drop), 2, 4, 4)
    assert [step.operation.training for step in trace.steps] == [True, True]
    assert drop.generator.bit_generator.state == before
    assert norm.num_batches_tracked == 0
    np.testing.assert_array_equal(norm.running_var, 1)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: x.view(x.shape[0], -1), (24,)),
        (lambda x: x.reshape(-1, 24), (24,)),
        (lambda x: x.reshape(x.size(0), 6, 4), (6, 4)),
        (lambda x: x.reshape((x.shape[0], 2, -1, 2)), (2, 6, 2)),
        (lambda x: x.flatten(1), (24,)),
        (lambda x: x.flatten(-2, -1), (2, 12)),
        (lambda x: x.permute(0, 2, 3, 1), (3, 4, 2)),
        (lambda x: x[:, :1], (1, 3, 4)),
        (lambda x: x[:, 0, ..., 1:], (3, 3)),
        (lambda x: x[..., 0], (2, 3)),
        (lambda x: x.mean((2, 3), keepdim=True), (2, 1, 1)),
        (lambda x: x.sum(-1) * x.amax((-1,)), (2, 3)),
        (lambda x: fastcnn.cat(x.chunk(2, 1), -1), (1, 3, 8)),
        (lambda x: F.softmax(x, 1), (2, 3, 4)),
        (lambda x: x + x.mean((1, 2, 3), keepdim=True), (2, 3, 4)),
        (lambda x: x * np.float64(3) / 2, (2, 3, 4)),
    ],
)
def test_what_goes_on_behind_the_batch_axis(function, shape):
    _, y = traced(function, 2, 3, 4)
    assert y.shape[1:] == shape
    assert y.shape[0] is graph.BATCH
    assert repr(y.shape[0]) == "N"


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x.reshape(4, -1), r"reshape to \(4, -1\), of which the first is not the batch"),
        (lambda x: x.reshape(-1), "of which the first is not the batch"),
        (lambda x: x.flatten(), "flatten of the batch"),
        (lambda x: x.permute(1, 0, 2, 3), "permute of the batch"),
        (lambda x: x[0], "over the batch|a part of the batch"),
        (lambda x: x[1:], "a part of the batch"),
        (lambda x: x.mean(), "mean over the batch"),
        (lambda x: x.amax((0, 1)), "amax over the batch"),
        (lambda x: fastcnn.cat((x, x)), "cat along the batch"),
        (lambda x: F.softmax(x, 0), "softmax over the batch"),
        (lambda x: range(x.shape[0]), "the size of the batch was looked at"),
        (lambda x: len(x), "the size of the batch was looked at"),
        (lambda x: [row for row in x] or x, "the size of the batch was looked at"),
        (lambda x: x.numel(), "the size of the batch was looked at"),
        (lambda x: x * x.shape[0], "the size of the batch was looked at"),
        (lambda x: x.shape[0] == 3, "the size of the batch was looked at"),
        (lambda x: 2 * x.shape[0], "the size of the batch was looked at"),
        (lambda x: bool(x), r"bool\(\) of a value: forward depends on data"),
        (lambda x: float(x), r"float\(\) of a value"),
        (lambda x: x.item(), r"item\(\) of a value"),
        (lambda x: x.numpy(), r"numpy\(\) of a value"),
        (lambda x: x > 0, "greater of a value"),
        (lambda x: np.tanh(x), "numpy.tanh was called on a value"),
        (lambda x: np.asarray(x), "an array was made of a value"),
        (lambda x: x + np.ones((3, 4), np.float32), "an array is used that is no parameter"),
        (lambda x: F.conv2d(x, np.ones((1, 2, 1, 1), np.float32)), "an array is used that is no parameter"),
    ],
)
def test_what_is_not_the_same_for_every_batch(function, reason):
    with pytest.raises(graph.TraceError, match=rf"({reason}).*\(.*test_trace.py:\d+\)"):
        traced(function, 2, 3, 4)


def test_shapes_that_do_not_fit():
    with pytest.raises(ShapeError, match="conv2d: x has 2 channels but weight expects 3"):
        traced(nn.Conv2d(3, 1, 1), 2, 3, 4)
    with pytest.raises(ShapeError, match=r"reshape: x of the shape \(2, 3, 4\) has no shape \(5,\)"):
        traced(lambda x: x.reshape(x.shape[0], 5), 2, 3, 4)


def test_weights_that_are_computed():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(np.ones((1, 2, 1, 1), np.float32))

        def forward(self, x):
            return F.conv2d(x, self.weight * 2)

    with pytest.raises(graph.TraceError):
        traced(Net(), 2, 3, 4)
