"""Tables of nodes that are wrong or hostile: each is refused, and the message names source, node and key."""

import math

import pytest

from fastcnn import nn, zoo
from fastcnn.errors import DataError
from fastcnn.zoo import dicts


def message(nodes, shape=(3, 4, 4), **others):
    with pytest.raises(DataError) as caught:
        zoo.from_dicts({"nodes": nodes, **others}, shape, "net.json")
    assert len(str(caught.value)) < 700
    return str(caught.value)


RELU = {"name": "a", "type": "ReLU"}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (3, "nodes[1] must be a table such as {'type': 'ReLU'}, got 3"),
        ({"inputs": "a"}, "nodes[1]: type is missing: one of Adaptive"),
        ({"type": "rellu"}, "nodes[1]: unknown type 'rellu' (did you mean 'relu'?); there is Adaptive"),
        ({"type": "os.system"}, "nodes[1]: unknown type 'os.system'; there is"),
        ({"type": "linear"}, "nodes[1]: unknown type 'linear' (did you mean 'Linear'?)"),
        (
            {"type": "relu", "inplace": True},
            "nodes[1] (relu): unknown key 'inplace'; it takes type, name, inputs",
        ),
        (
            {"type": "ReLU", "slope": 1},
            "nodes[1] (ReLU): unknown key 'slope'; it takes type, name, inputs, also",
        ),
        (
            {"type": "mean", "dim": [[1]]},
            "nodes[1] (mean): dim must be a number or a few, got lists in a list",
        ),
        ({"type": "mean", "dim": 0}, "nodes[1] (mean): mean over the batch"),
        ({"type": "mean"}, "nodes[1] (mean): mean over the batch"),
        ({"type": "mean", "dim": 9}, "nodes[1] (mean): mean: dim must lie in [-4, 4), got 9"),
        ({"type": "reshape"}, "nodes[1] (reshape): shape is missing"),
        ({"type": "reshape", "shape": [-1, 47]}, "reshape to (-1, 47), of which the first is not the batch"),
        (
            {"type": "reshape", "shape": [6, 8]},
            "shape must be -1, which is the batch, and then sizes, got (6, 8)",
        ),
        ({"type": "reshape", "shape": [-1, 2**62, 2**62]}, "of which the first is not the batch"),
        ({"type": "permute", "dims": [1, 0, 2, 3]}, "nodes[1] (permute): permute of the batch"),
        ({"type": "slice", "index": "0"}, "nodes[1] (slice): a part of the batch"),
        ({"type": "slice", "index": ":, 9"}, "nodes[1] (slice): an index of a value of the shape"),
        ({"type": "slice", "index": "x()"}, "nodes[1] (slice): index must be an index such as"),
        ({"type": "slice", "index": ":, ::0"}, "nodes[1] (slice): an index of a value of the shape"),
        ({"type": "slice", "index": "..., ..."}, "nodes[1] (slice): an index of a value of the shape"),
        ({"type": "softmax", "dim": 0}, "nodes[1] (softmax): softmax over the batch"),
        ({"type": "flatten"}, "nodes[1] (flatten): flatten of the batch"),
        ({"type": "cat", "inputs": ["a", "input"]}, "nodes[1] (cat): cat along the batch"),
        ({"type": "cat", "inputs": ["a", 1.0], "dim": 1}, "inputs must be names of nodes, got a number"),
        ({"type": "cat", "inputs": [], "dim": 1}, "inputs must be a name, or a list of 1 to 1000, got []"),
        ({"type": "cat", "inputs": ["a"] * 1001}, "inputs must be a name, or a list of 1 to 1000"),
        ({"type": "add"}, "nodes[1] (add): inputs: 2 needed, got 1"),
        ({"type": "add", "inputs": ["a", "a", "a"]}, "nodes[1] (add): inputs: 2 needed, got 3"),
        ({"type": "add", "inputs": [1, 2]}, "nodes[1] (add): inputs: one of them must be the name of a node"),
        (
            {"type": "add", "inputs": ["a", math.nan]},
            "nodes[1] (add): inputs: a number must be finite, got nan",
        ),
        ({"type": "add", "inputs": ["a", 10**400]}, "nodes[1] (add): inputs: a number must be below 2**63"),
        ({"type": "add", "inputs": ["a", None]}, "nodes[1] (add): inputs: no node is called None"),
        ({"type": "add", "inputs": ["a", True]}, "nodes[1] (add): inputs: no node is called True"),
        ({"type": "ReLU", "inputs": ["a", "a"]}, "nodes[1] (ReLU): inputs: 1 needed, got 2"),
        ({"type": "ReLU", "inputs": 1.0}, "nodes[1] (ReLU): inputs must be a name, or a list"),
        ({"type": "ReLU", "inputs": [1.0]}, "nodes[1] (ReLU): inputs must be names of nodes, got a number"),
        ({"type": "ReLU", "inputs": "inptu"}, "inputs: no node is called 'inptu' (did you mean 'input'?)"),
        ({"type": "ReLU", "inputs": ["a", ["a"]]}, "nodes[1] (ReLU): inputs: no node is called ['a']"),
        (
            {"name": "b", "type": "ReLU", "inputs": "b"},
            "nodes[1] b (ReLU): inputs: 'b' does not come before: nod",
        ),
        ({"name": "a", "type": "relu"}, "nodes[1] a: there are two nodes or inputs with this name"),
        ({"name": "input", "type": "relu"}, "nodes[1] input: there are two nodes or inputs with this name"),
        (
            {"name": "a.b", "type": "ReLU"},
            "nodes[1] a.b (ReLU): the name 'a.b' stands within that of another",
        ),
        (
            {"name": "0", "type": "ReLU", "also": ["a"]},
            "there are two layers with the name 'a', or within it",
        ),
        (
            {"name": "b..c", "type": "ReLU"},
            "nodes[1]: name must be letters, digits, '_' and '-', with dots bet",
        ),
        ({"name": "", "type": "ReLU"}, "nodes[1]: name must be letters"),
        ({"name": 3, "type": "ReLU"}, "nodes[1]: name must be letters"),
        ({"name": "x." * 40 + "x", "type": "ReLU"}, "nodes[1]: name must be letters"),
        ({"name": ".".join(["x" * 99] * 4), "type": "ReLU"}, "nodes[1]: name must be letters"),
        (
            {"name": "forward", "type": "ReLU"},
            "'forward' is another attribute: take another name",
        ),
        ({"name": "b._steps.c", "type": "ReLU", "also": ["_steps"]}, "'_steps' is another attribute"),
        ({"name": "b", "type": "ReLU", "also": "c"}, "also must be a list of 1 to 1000 names, got 'c'"),
        ({"name": "b", "type": "relu", "also": ["c"]}, "unknown key 'also'"),
        (
            {"layer": "b"},
            "nodes[1] (layer): layer must be the name of a node before it with a layer of its own",
        ),
        ({"layer": "input"}, "nodes[1] (layer): layer must be the name of a node before it"),
        ({"layer": ["a"]}, "nodes[1] (layer): layer must be the name of a node before it"),
        (
            {"layer": "a", "type": "ReLU"},
            "nodes[1] (layer): unknown key 'type'; it takes name, layer, inputs",
        ),
        ({"layer": "a", "inputs": ["a", "a"]}, "nodes[1] (layer): inputs: 1 needed, got 2"),
        (
            {"type": "Linear", "out_features": 3},
            "Linear takes flat features, but samples (3, 4, 4) come in: put",
        ),
        (
            {"type": "BatchNorm2d", "num_features": 4},
            "nodes[1] (BatchNorm2d): num_features is 4, but 3 come in",
        ),
        (
            {"type": "Conv2d", "out_channels": 3, "kernel_size": 9},
            "the kernel is larger than the padded input",
        ),
        ({"type": "max_pool2d", "kernel_size": 2, "padding": 2}, "padding may be at most half of the kernel"),
        (
            {"type": "adaptive_avg_pool2d", "output_size": 2**40},
            "the output would have the shape",
        ),
        ({"type": "pad", "padding": 2**62}, "2**63"),
        ({"type": "pad", "padding": 2**28}, "GiB"),
        ({"type": "Residual", "body": [{"type": "relu"}]}, "nodes[1].body[0]: unknown type 'relu'"),
    ],
)
def test_nodes_that_are_wrong(node, expected):
    text = message([RELU, node])
    assert text.startswith("net.json: nodes[1]")
    assert expected in text


def test_samples_without_an_axis():
    nodes = [{"type": "mean", "dim": [1, 2, 3]}, {"type": "Linear", "out_features": 2}]
    assert message(nodes) == "net.json: nodes[1] (Linear): Linear needs features, but single numbers come in"
    nodes[1] = {"type": "Flatten"}
    assert "nodes[1] (Flatten): flatten: x of the shape (1,) has no axes 1 to -1" in message(nodes)
    model = zoo.from_dicts({"nodes": [nodes[0], {"type": "ReLU"}]}, (3, 4, 4))
    assert model.output_shape((5, 3, 4, 4)) == (5,)


def test_nothing_is_made_before_all_names_are_known():
    """The last of these has the name of the first: no weight is drawn for them."""
    nodes = [{"type": "Conv2d", "out_channels": 4, "kernel_size": 1, "name": f"n{i}"} for i in range(3)]
    stream = nn.init.default_generator()
    before = stream.bit_generator.state
    assert "there are two layers with the name 'n0'" in message(
        [*nodes, {**nodes[0], "name": "x", "also": ["n0"]}]
    )
    chain = [{**each, "name": "n"} for each in nodes]
    with pytest.raises(
        DataError, match=r"net: layers\[1\] \(Conv2d\): there are two layers with the name 'n'"
    ):
        zoo.from_dicts(chain, (3, 4, 4), "net")
    assert stream.bit_generator.state == before


def test_a_layer_again_for_samples_of_another_shape():
    nodes = [
        {"name": "fc", "type": "Linear", "out_features": 3},
        {"layer": "fc", "name": "again"},
    ]
    assert len(list(zoo.from_dicts({"nodes": nodes}, (3,)).parameters())) == 2
    assert "nodes[1] again (layer): in_features is 5, but 3 come in" in message(nodes, (5,))


def test_cycles():
    nodes = [
        {"name": "a", "type": "add", "inputs": ["input", "b"]},
        {"name": "b", "type": "relu", "inputs": "a"},
    ]
    assert message(nodes) == (
        "net.json: nodes[0] a (add): inputs: 'b' does not come before: nodes stand in the order in which "
        "they are computed, and have no cycles"
    )


def test_nodes_that_nobody_uses():
    nodes = [RELU, {"name": "b", "type": "relu", "inputs": "input"}]
    assert message(nodes) == (
        "net.json: nodes[0] a (ReLU): no node uses what it makes: name it in their inputs, or in output"
    )
    assert message(nodes, output="a").startswith("net.json: nodes[1] b (relu): no node uses what it makes")
    assert message([RELU], inputs=["input", "other"], shape=[(3,), (3,)]) == (
        "net.json: nodes[0] a (ReLU): inputs is missing"
    )
    used = [{**RELU, "inputs": "other"}]
    assert message(used, inputs=["input", "other"]) == "net.json: inputs: no node uses 'input'"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({"nodes": []}, "net.json: nodes must be a list of nodes, got []"),
        ({"nodes": "relu"}, "net.json: nodes must be a list of nodes, got 'relu'"),
        (
            {"nodes": [RELU], "layers": []},
            "net.json: the network: unknown key 'layers'; it takes inputs, nodes, ou",
        ),
        ({"nodes": [RELU], "output": "b"}, "net.json: output: no node is called 'b'"),
        ({"nodes": [RELU], "output": ["b"]}, "net.json: output: no node is called 'b'"),
        ({"nodes": [RELU], "output": []}, "net.json: output must be the name of a node, or a list or table"),
        ({"nodes": [RELU], "output": 3}, "net.json: output must be the name of a node"),
        ({"nodes": [RELU], "output": [["a"]]}, "net.json: output: no node is called ['a']"),
        ({"nodes": [RELU], "output": {"x y": "a"}}, "net.json: output must be letters, digits"),
        ({"nodes": [RELU], "inputs": []}, "net.json: inputs must be a list of 1 to 1000 names, got []"),
        ({"nodes": [RELU], "inputs": "x"}, "net.json: inputs must be a list of 1 to 1000 names, got 'x'"),
        ({"nodes": [RELU], "inputs": ["x", "x"]}, "net.json: inputs: 'x' stands there twice"),
        ({"nodes": [{"type": "ReLU"}] * 10_001}, "net.json: nodes: more than 10,000 layers"),
    ],
)
def test_tables_that_are_wrong(others, expected):
    assert message(**others).startswith(expected)


def test_hostile_networks():
    # Each layer alone would fit.
    wide = [{"type": "Linear", "out_features": 30_000}] * 999
    assert message(wide, (9,)).endswith("GiB of memory are free")
    # So would each sum: values that are kept at the same time count, too.
    grown = [{"type": "cat", "inputs": ["input"], "dim": 1}]
    for number in range(50):
        grown[-1]["name"] = f"n{number}"
        grown.append({"type": "cat", "inputs": [f"n{number}"] * 2, "dim": 1})
    assert "GiB" in message(grown) or "2**63" in message(grown)
    nested = [{"type": "ReLU"}]
    for _ in range(40):
        nested = [{"type": "Residual", "body": nested}]
    assert message(nested).endswith("more than 32 blocks inside each other")
    inner = [{"type": "Sequential", "body": [{"type": "ReLU"}] * 6000}] * 2
    assert message(inner).endswith("more than 10,000 layers")
    text = '{"nodes": ' + "[" * 100_000
    with pytest.raises(DataError, match=r"net\.json: not a JSON file"):
        dicts.parse_json(text, "net.json")
