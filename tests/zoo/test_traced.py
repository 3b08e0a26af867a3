"""What a trace of a forward cannot be written as: the message names the part."""

import re

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import graph, nn, zoo
from fastcnn.errors import ArgumentError

rng = np.random.default_rng(0)
STRANGE = nn.Parameter(np.ones(3, np.float32))


class Net(nn.Module):
    """Two layers, and a forward that a test brings."""

    def __init__(self, act, **others):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.__dict__["act"] = act
        for name, module in others.items():
            setattr(self, name, module)

    def forward(self, x):
        return self.act(self, self.fc(x))


class Opaque(nn.Module):
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


class Inner(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.__dict__["act"] = act

    def forward(self, x):
        return self.act(x)


class MyLinear(nn.Linear):
    pass


def counts(net, y):
    net.count = 3
    return y


def branches(net, y):
    return y if net.training else 2 * y


def shared():
    other = nn.Linear(3, 3)
    net = Net(lambda net, y: net.other(y), other=other)
    other.weight = net.fc.weight
    return net


def hooked():
    net = Net(lambda net, y: y)
    net.fc.register_forward_hook(lambda *_: None)
    return net


def buffered():
    net = Net(lambda net, y: y)
    net.register_buffer("seen", np.zeros(3, np.float32))
    return net


def unused_parameter():
    return Net(lambda net, y: 2 * y, scale=nn.Parameter(np.ones(3, np.float32)))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Net(lambda net, y: net.opaque(y), opaque=Opaque()), "layer opaque (Opaque): has a backward"),
        (
            lambda: Net(lambda net, y: F.linear(y, net.fc.weight)),
            "Net: uses Linear, which is no layer and no func",
        ),
        (
            lambda: Net(lambda net, y: net.mine(y), mine=MyLinear(3, 3)),
            "layer mine (MyLinear): has arrays of its own, and is",
        ),
        (
            lambda: Net(
                lambda net, y: net.inner(y), inner=Inner(lambda x: F.batch_norm(x, None, None, training=True))
            ),
            "layer inner (Inner): uses BatchNorm, which is no layer and no function that files have: Adap",
        ),
        (unused_parameter, "Net: has arrays of its own, and is no layer that files have: Ada"),
        (lambda: Net(lambda net, y: y + net.fc.bias), "Net: computes with a parameter of layer fc, beside"),
        (
            lambda: Net(lambda net, y: y * STRANGE),
            "Net: computes with a parameter that stands in no module",
        ),
        (
            lambda: Net(lambda net, y: y * net.scale, scale=nn.Parameter(np.full(3, np.nan, np.float32))),
            "Net: its parameter scale has values that are not finite",
        ),
        (
            lambda: Net(lambda net, y: F.dropout(y, 2, net.training)),
            "Net: dropout: p must lie in [0, 1], got 2",
        ),
        (buffered, "Net: has arrays of its own, and is no layer that files have: Ada"),
        (
            lambda: Net(lambda net, y: net.fc(y), spare=nn.Linear(3, 3)),
            "layer spare (Linear): takes no part in forward, which cannot be written",
        ),
        (shared, "layer other (Linear): shares its weights with layer fc, which cannot be written"),
        (hooked, "Net: Linear has hooks"),
        (lambda: Net(counts), "Net: forward changes the attribute count of Net"),
        (lambda: Net(lambda net, y: y * rng.random()), "Net: forward draws random numbers"),
        (lambda: Net(branches), "Net: forward does something else in training than in evaluation"),
        (lambda: Net(lambda net, y: y * np.inf), "Net: computes with inf, which files have no number for"),
        (
            lambda: Net(lambda net, y: y * np.ones(3, np.float32)),
            "Net: an array is used that is no parameter (",
        ),
        (lambda: Net(lambda net, y: y if y.sum() > 0 else -y), "Net: forward depends on data" and "Net: "),
        (lambda: Net(lambda net, y: y.mean()), "Net: mean over the batch ("),
        (lambda: Net(lambda net, y: np.sin(y)), "Net: numpy.sin was called on a value ("),
        (lambda: Net(lambda net, y: y.numpy()), "Net: numpy() of a value: forward depends on data ("),
        (lambda: Net(lambda net, y: 3), "Net: returns something else than tensors that depend on its input"),
        (
            lambda: Net(lambda net, y: [y, None]),
            "Net: returns something else than tensors that depend on its inp",
        ),
        (lambda: Net(lambda net, y: 1 // 0), "Net: forward raised ZeroDivisionError: "),
        (
            lambda: Net(lambda net, y: F.dropout(y, 0.5, True)),
            "Net: dropout that does not follow the mode, train",
        ),
        (lambda: Net(lambda net, y: F.dropout(y, 0.5, False)), "Net: dropout that does not follow the mode"),
        (
            lambda: Net(lambda net, y: net.relu(y, 3), relu=nn.ReLU()),
            "layer relu (ReLU): is called with something else than one tensor",
        ),
        (
            lambda: Net(lambda net, y: net.norm(y), norm=nn.BatchNorm2d(3)),
            "layer norm (BatchNorm2d): BatchNorm2d needs images (C, H, W), but 3 flat features come in",
        ),
        (
            lambda: Net(lambda net, y: net.drop(y), drop=broken(nn.Dropout(), p=2)),
            "layer drop (Dropout): p must lie in [0, 1], got 2",
        ),
        (
            lambda: Net(lambda net, y: net.fc2(y), fc2=nn.Linear(4, 3)),
            "layer fc2 (Linear): in_features is 4, but 3 come in (samples (3,))",
        ),
        (
            lambda: nn.Linear(3, 3),
            "Linear: stands in no module: assign it to an attribute, or put it into a Seq",
        ),
        (
            lambda: nn.Sequential({"a b": nn.Linear(3, 3), "c": Inner(fastcnn.relu)}),
            "layer a b (Linear): its name must be letters, digits, '_' and '-' to be written",
        ),
        (
            lambda: nn.Sequential({"forward": nn.Linear(3, 3), "c": Inner(fastcnn.relu)}),
            "layer forward (Linear): GraphModule.add_module: 'forward' is another attribute: take an",
        ),
        (lambda: Inner(lambda x: x), "Inner: does not compute with all of its inputs"),
        (lambda: Inner(lambda x: x.split(0)), "Inner: split: split_size must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_written(make, expected):
    with pytest.raises(ArgumentError, match=re.escape(f"to_dicts: {expected}")):
        zoo.to_dicts(make(), (3,))


def broken(layer, **attributes):
    for name, value in attributes.items():
        setattr(layer, name, value)
    return layer


def test_an_input_that_is_not_used():
    class Two(nn.Module):
        def forward(self, x, y):
            return -x

    with pytest.raises(ArgumentError, match="to_dicts: Two: does not compute with all of its inputs"):
        zoo.to_dicts(Two(), [(3,), (3,)])


def test_a_shape_that_does_not_fit():
    with pytest.raises(
        ArgumentError, match=r"to_dicts: layer fc \(Linear\): in_features is 3, but 5 come in"
    ):
        zoo.to_dicts(Net(lambda net, y: -y), (5,))
    with pytest.raises(
        ArgumentError, match=r"input_shape must be \(C, H, W\), \(C, L\) or \(features,\), got 'x'"
    ):
        zoo.to_dicts(Net(lambda net, y: -y), "x")


def test_numbers_in_a_trace_are_no_values():
    """An operation that is applied to a plain number, not to a value of that number."""

    class Add(nn.Module):
        def forward(self, x):
            return graph.apply(graph.Add(), x, 0)

    assert zoo.to_dicts(Add(), (3,)) == {"nodes": [{"type": "add", "inputs": ["input", 0.0]}]}


def test_layers_that_forward_makes():
    model = Net(lambda net, y: nn.Softmax(1)(nn.ReLU()(net.relu(y))), relu=nn.ReLU())
    assert zoo.to_dicts(model, (3,))["nodes"][1:] == [
        {"name": "relu", "type": "ReLU"},
        {"name": "relu_2", "type": "ReLU"},
        {"name": "softmax", "type": "Softmax", "dim": 1},
    ]
