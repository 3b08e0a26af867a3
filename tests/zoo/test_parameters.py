"""Parameters of a network itself, beside those of its layers, as nodes of a file."""

import json

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, zoo
from fastcnn.errors import DataError

SHAPE = (3, 4, 5)
X = np.random.default_rng(0).standard_normal((4, *SHAPE)).astype(np.float32)
NODES = [
    {"name": "conv", "type": "Conv2d", "out_channels": 2, "kernel_size": 1},
    {"name": "block.scale", "type": "parameter", "shape": [2, 1, 1], "mean": 0.25},
    {"type": "mul", "inputs": ["block.scale", "conv"]},
    {"name": "shift", "type": "parameter", "also": ["block.shift"], "shape": [2, 4, 5], "std": 0.5},
    {"name": "add", "type": "add", "inputs": ["mul", "shift"]},
    {"type": "sub", "inputs": ["add", "shift"]},
    {"type": "mul", "inputs": ["sub", "block.scale"]},
]
TABLE = {"nodes": [{**each, "name": "mul"} if number == 2 else each for number, each in enumerate(NODES)]}
TABLE["nodes"][5] = {"name": "sub", **NODES[5]}


class Scaled(nn.Module):
    """A block of a user: a scale for each channel, and a shift for each position."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(np.full((2, 1, 1), 1e-6, np.float32))
        self.shift = nn.Parameter(np.linspace(0, 1, 40, dtype=np.float32).reshape(2, 4, 5))
        self.conv = nn.Conv2d(3, 2, 1)

    def forward(self, x):
        return self.scale * self.conv(x) + self.shift - self.scale


def test_by_hand():
    """3 channels, weights of 1, biases of 0: sums of the channels times 0.25 times 0.25."""
    model = zoo.from_dicts(TABLE, SHAPE)
    model.conv.weight.data[...], model.conv.bias.data[...] = 1, 0
    names = {"conv.weight", "conv.bias", "block.scale", "block.shift", "shift"}
    assert model.state_dict().keys() == names
    assert model.shift is model.block.shift
    expected = np.repeat(X.sum(1, keepdims=True) / 16, 2, axis=1)
    np.testing.assert_allclose(model(X), expected, atol=1e-6)
    model.backward(np.ones_like(expected))
    np.testing.assert_allclose(model.shift.grad, 0, atol=1e-5)
    # d/ds of s^2 c is 2 s c.
    np.testing.assert_allclose(
        model.block.scale.grad, np.full((2, 1, 1), 2 * 0.25 * X.sum()), rtol=1e-4, atol=1e-4
    )


def test_written_again_as_it_was_read():
    assert json.loads(zoo.dicts.to_json(TABLE)) == TABLE
    assert zoo.dicts.plain(zoo.dicts.parse(TABLE, "net")) == TABLE
    model = zoo.from_dicts(TABLE, SHAPE)
    again = zoo.from_dicts(zoo.to_dicts(model, SHAPE), SHAPE)
    assert zoo.to_dicts(again, SHAPE) == zoo.to_dicts(model, SHAPE)
    again.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(again(X), model(X))
    # Initialised anew, they have the distribution of the file again.
    model.initialize(seed=1)
    first = model.shift.data.copy()
    assert model.initialize(seed=2).shift.data.std() == pytest.approx(0.5, rel=0.4)
    assert not np.array_equal(model.shift.data, first)
    np.testing.assert_array_equal(model.block.scale.data, 0.25)


def test_those_of_a_forward():
    model = Scaled()
    written = zoo.to_dicts(model, SHAPE)
    parameters = [each for each in written["nodes"] if each["type"] == "parameter"]
    assert parameters == [
        {"name": "scale", "type": "parameter", "shape": [2, 1, 1], "mean": 1e-6},
        {"name": "shift", "type": "parameter", "shape": [2, 4, 5], "mean": 0.5, "std": 0.29598454},
    ]
    assert sum("scale" in each.get("inputs", ()) for each in written["nodes"]) == 2
    again = zoo.from_dicts(written, SHAPE)
    np.testing.assert_array_equal(again.scale.data, model.scale.data)
    again.load_state_dict(model.state_dict())
    for mode in (True, False):
        np.testing.assert_array_equal(again.train(mode)(X), model.train(mode)(X))


def test_compiled_and_trained():
    model = zoo.from_dicts(TABLE, SHAPE).double()
    fast = fastcnn.compile(model)
    x, dy = X.astype(np.float64), np.random.default_rng(1).standard_normal((4, 2, 4, 5))
    y = model(x)
    model.backward(dy)
    grads = {name: each.grad for name, each in model.named_parameters()}
    model.zero_grad()
    np.testing.assert_allclose(fast(x), y, rtol=1e-12, atol=1e-12)
    fast.backward(dy)
    for name, each in model.named_parameters():
        np.testing.assert_allclose(each.grad, grads[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_another_parameter_in_its_place():
    model = zoo.from_dicts(TABLE, SHAPE)
    y = model(X)
    model.block.scale = nn.Parameter(np.zeros((2, 1, 1), np.float32))
    assert y.any()
    assert not model(X).any()


def test_numbers_without_axes():
    nodes = [
        {"name": "p", "type": "parameter", "shape": [], "mean": 3},
        {"type": "mul", "inputs": ["p", "input"]},
    ]
    model = zoo.from_dicts({"nodes": nodes}, SHAPE)
    np.testing.assert_array_equal(model(X), 3 * X)
    assert zoo.to_dicts(model, SHAPE)["nodes"][0] == {**nodes[0], "mean": 3.0}


P = {"name": "p", "type": "parameter", "shape": [3, 1, 1]}
MUL = {"type": "mul", "inputs": ["input", "p"]}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([{**P, "name": None}, MUL], "nodes[0] (parameter): name is missing"),
        ([{"name": "p", "type": "parameter"}, MUL], "nodes[0] p (parameter): shape is missing"),
        ([{**P, "shape": 3}, MUL], "nodes[0] p (parameter): shape must be a list of sizes, got 3"),
        ([{**P, "shape": [3, 0]}, MUL], "nodes[0] p (parameter): shape must be at least 1, got 0"),
        ([{**P, "shape": [[3]]}, MUL], "nodes[0] p (parameter): shape must be a number or a few, got lists"),
        ([{**P, "std": -1}, MUL], "nodes[0] p (parameter): std must be at least 0 and finite, got -1"),
        ([{**P, "mean": float("nan")}, MUL], "nodes[0] p (parameter): mean must be finite, got nan"),
        ([{**P, "inputs": "input"}, MUL], "nodes[0] p (parameter): unknown key 'inputs'"),
        ([{**P, "shape": [2**40, 2**20]}, MUL], "nodes[0] p (parameter): the weight"),
        ([{**P, "shape": [2**62, 2**62]}, MUL], "nodes[0] p (parameter): the weight"),
        ([{**P, "also": ["p"]}, MUL], "nodes[0] p (parameter): there are two layers with the name 'p'"),
        (
            [{**P, "name": "forward"}, MUL],
            "nodes[0] forward (parameter): GraphModule.add_module: 'forward' is",
        ),
        ([P], "output must not be a parameter"),
        ([P, {"type": "relu", "inputs": "input"}], "nodes[0] p (parameter): no node uses what it makes"),
        ([P, {"type": "relu"}], "nodes[1] (relu): inputs: one of them must be the name of a node that is no"),
        ([P, {"type": "mul", "inputs": ["p", 2]}], "nodes[1] (mul): inputs: one of them must be the name of"),
        ([P, {"type": "ReLU"}], "nodes[1] (ReLU): inputs: a layer is not applied to a parameter"),
        ([P, {"layer": "p"}], "nodes[1] (layer): layer must be the name of a node before it with a layer"),
        (
            [{**P, "shape": [2, 1, 1]}, MUL],
            "nodes[1] (mul): multiply: sizes must be equal or 1, got the shapes",
        ),
        ([{**P, "shape": [4, 3, 1, 1]}, MUL], "nodes[1] (mul): mul"),
    ],
)
def test_those_that_are_wrong(nodes, expected):
    nodes = [{key: value for key, value in each.items() if value is not None} for each in nodes]
    with pytest.raises(DataError) as caught:
        zoo.from_dicts({"nodes": [*nodes]}, SHAPE, "net")
    text = str(caught.value)
    assert text.startswith("net: ")
    assert expected in text


def test_no_output():
    with pytest.raises(DataError, match="net: output must not be a parameter"):
        zoo.from_dicts({"nodes": [P, {**MUL, "name": "a"}], "output": ["a", "p"]}, SHAPE, "net")
