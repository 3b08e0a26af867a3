"""A network of nodes is a module like others."""

import copy
import pickle
import weakref

import numpy as np
import pytest

from fastcnn import graph, nn, zoo
from fastcnn.errors import ArgumentError, DTypeError
from fastcnn.nn import calls
from fastcnn.zoo.graph_module import GraphModule, Step

TABLE = {
    "inputs": ["image"],
    "nodes": [
        {"name": "a.conv", "type": "Conv2d", "out_channels": 3, "kernel_size": 1},
        {"name": "mul", "type": "mul", "inputs": ["a.conv", 0.5]},
        {"type": "slice", "index": ":, 0:2, ..., ::2"},
        {"name": "sum", "type": "sum", "dim": [1, 2, 3], "keepdim": True},
        {"name": "cat", "type": "cat", "inputs": ["mul", "image"], "dim": 1},
        {"type": "add", "inputs": ["cat", "sum"]},
    ],
}
X = np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype(np.float32)


@pytest.fixture
def model():
    return zoo.from_dicts(TABLE, (3, 4, 4)).initialize(seed=0)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy(model, copied):
    again = copied(model)
    np.testing.assert_array_equal(again(X), model(X))
    assert zoo.to_dicts(again, (3, 4, 4)) == TABLE


def test_a_layer_can_be_replaced(model):
    model.a.conv = nn.Conv2d(3, 3, 1, bias=False)
    conv = model.a.conv
    half = conv(X) * np.float32(0.5)
    total = half[:, :2, :, ::2].sum((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(model(X), np.concatenate([half, X], 1) + total, rtol=1e-5)
    assert list(model.state_dict()) == ["a.conv.weight"]


def test_the_number_of_inputs(model):
    with pytest.raises(DTypeError, match="GraphModule: inputs must be image; got 2"):
        model(X, X)


def test_values_are_forgotten_when_nobody_reads_them_any_more():
    """Each step finds no array of those that it does not need."""
    alive = []

    class Watch(nn.Module):
        def forward(self, x):
            alive.append(sum(each() is not None for each in references))
            references.append(weakref.ref(graph.as_array(x)))
            return x + 1

    references = []
    model = GraphModule(("input",))
    model.place("watch", Watch())
    model.follow([Step("watch", None, (each,)) for each in range(6)], 6)
    with calls.passive():
        model(np.zeros(3, np.float32))
    assert max(alive) <= 2


def test_names_that_meet():
    model = GraphModule(("input",))
    model.place("a.b", nn.ReLU())
    for name, expected in (
        ("a.b", "there are two layers with the name 'a.b', or within it"),
        ("a", "there are two layers with the name 'a', or within it"),
        ("a.b.c", "the name 'a.b.c' stands within that of another layer"),
        ("train", "GraphModule.add_module: 'train' is another attribute: take another name"),
        ("a.train", "Module.add_module: 'train' is another attribute: take another name"),
    ):
        with pytest.raises(ArgumentError, match=expected):
            model.place(name, nn.ReLU())
    assert [name for name, _ in model.named_modules()] == ["", "a", "a.b"]
