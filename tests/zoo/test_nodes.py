"""Networks that are no chain, read from tables of nodes: what they mean, and what is refused."""

import json

import numpy as np
import pytest
import tomli_w

import fastcnn.nn.functional as F
from fastcnn import zoo
from fastcnn.errors import DataError, ShapeError
from fastcnn.zoo import dicts

# A residual block with a projection, a layer that is used twice, a number, several operators.
TABLE = {
    "nodes": [
        {"name": "stem.conv", "type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1},
        {"name": "x", "type": "relu"},
        {"name": "block.conv", "type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1},
        {"layer": "block.conv"},
        {"name": "y", "type": "mul", "inputs": ["block.conv", 0.5]},
        {"name": "short", "type": "Conv2d", "inputs": "x", "out_channels": 4, "kernel_size": 1},
        {"type": "add", "inputs": ["y", "short"]},
        {"type": "mean", "dim": [2, 3]},
        {"type": "Linear", "out_features": 5},
    ],
}
# The fourth node is not used above: a value of its own that only the fifth may take.
TABLE["nodes"][4]["inputs"] = ["again", 0.5]
TABLE["nodes"][3]["name"] = "again"


def test_what_nodes_mean():
    model = zoo.from_dicts(TABLE, (3, 4, 4)).initialize(seed=0)
    assert list(model.state_dict()) == [
        *("stem.conv.weight", "stem.conv.bias", "block.conv.weight", "block.conv.bias"),
        *("short.weight", "short.bias", "8.weight", "8.bias"),
    ]
    images = np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype(np.float32)
    stem, conv = model.get_submodule("stem.conv"), model.get_submodule("block.conv")
    x = F.relu(stem(images))
    y = conv(conv(x)) * np.float32(0.5) + model.get_submodule("short")(x)
    np.testing.assert_array_equal(model(images), model.get_submodule("8")(y.mean((2, 3))))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("net.json", json.dumps(TABLE)),
        ("net.toml", tomli_w.dumps(TABLE)),
        ("net", json.dumps(TABLE)),
    ],
)
def test_files(name, text, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    model = zoo.read(path, (3, 4, 4))
    assert repr(model) == repr(zoo.from_dicts(TABLE, (3, 4, 4)))
    kept, network = zoo.read_layers(path)
    assert dicts.plain(network) == TABLE
    assert dicts.plain(zoo.parse(kept, "again")) == TABLE


def test_sizes_are_found_in_order():
    model = zoo.from_dicts(TABLE, (3, 4, 4))
    assert model.get_submodule("stem.conv").in_channels == 3
    assert model.get_submodule("8").in_features == 4


def test_a_softmax_at_the_end_is_left_to_the_loss(tmp_path):
    for last in ({"type": "softmax"}, {"type": "Softmax"}):
        path = tmp_path / "net.json"
        path.write_text(json.dumps({"nodes": [*TABLE["nodes"], last]}))
        images = np.ones((2, 3, 4, 4), np.float32)
        logits = zoo.read(path, (3, 4, 4)).initialize(seed=0)(images)
        whole = zoo.read(path, (3, 4, 4), logits=False).initialize(seed=0)(images)
        np.testing.assert_array_equal(F.softmax(logits), whole)


def test_blocks_can_be_nodes():
    body = [{"type": "Conv2d", "out_channels": 3, "kernel_size": 1}]
    nodes = [{"name": "res", "type": "Residual", "body": body}, {"type": "sub", "inputs": ["res", "input"]}]
    model = zoo.from_dicts({"nodes": nodes}, (3, 4, 4))
    assert list(model.state_dict()) == ["res.body.0.weight", "res.body.0.bias"]
    images = np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype(np.float32)
    expected = model.get_submodule("res.body")(images)
    np.testing.assert_allclose(model(images), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (None, lambda a, b: b),
        ("a", lambda a, b: a),
        (["b", "a"], lambda a, b: (b, a)),
        ({"first": "a", "second": "b"}, lambda a, b: {"first": a, "second": b}),
    ],
)
def test_outputs(output, expected):
    nodes = [{"name": "a", "type": "relu"}, {"name": "b", "type": "neg"}]
    table = {"nodes": nodes} if output is None else {"nodes": nodes, "output": output}
    if output == "a":
        table["nodes"] = nodes[:1]
    model = zoo.from_dicts(table, (3,))
    a = F.relu(np.array([[-1, 2, 3]], np.float32))
    made, wanted = model(np.array([[-1, 2, 3]], np.float32)), expected(a, -a)
    assert type(made) is type(wanted)
    assert repr(made) == repr(wanted)
    plain = dicts.plain(dicts.parse(table, "x"))
    # The last node need not be named.
    assert plain == {key: value for key, value in table.items() if key == "nodes" or output != "a"}


def test_several_inputs():
    table = {
        "inputs": ["image", "mask"],
        "nodes": [
            {"type": "mul", "inputs": ["image", "mask"]},
            {"type": "Flatten"},
            {"name": "fc", "type": "Linear", "out_features": 2},
        ],
    }
    model = zoo.from_dicts(table, [(3, 2, 2), (1, 2, 2)])
    x, mask = np.ones((2, 3, 2, 2), np.float32), np.full((2, 1, 2, 2), 2, np.float32)
    np.testing.assert_array_equal(model(x, mask), model.get_submodule("fc")(2 * x.reshape(2, 12)))
    assert dicts.plain(dicts.parse(table, "x")) == table
    with pytest.raises(
        ShapeError, match=r"input_shape must have a shape for each of 2 inputs \(image, mask\)"
    ):
        zoo.from_dicts(table, (3, 2, 2))
    del table["nodes"][0]["inputs"]
    with pytest.raises(DataError, match=r"nodes\[0\] \(mul\): inputs is missing"):
        dicts.parse(table, "x")
