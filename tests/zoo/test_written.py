"""Networks as JSON and TOML: what the text looks like, and what has no words."""

import json

import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError
from fastcnn.zoo import dicts
from fastcnn.zoo.definition import Call, Layer, Node


def test_json_has_a_layer_a_line():
    layers = [{"type": "Residual", "body": [{"type": "ReLU"}]}, {"type": "Linear", "out_features": 3}]
    text = """\
[
  {"type": "Residual", "body": [
    {"type": "ReLU"}
  ]},
  {"type": "Linear", "out_features": 3}
]
"""
    assert dicts.to_json(layers) == text
    assert json.loads(dicts.to_json([{"type": "Sequential", "body": []}])) == [
        {"type": "Sequential", "body": []}
    ]


def test_toml_has_no_none():
    with pytest.raises(ArgumentError, match="to_toml: TOML has no word for None; use JSON"):
        dicts.to_toml(zoo.to_dicts(nn.Sequential(nn.BatchNorm2d(3, momentum=None))))


def test_json_of_two_bodies():
    layers = [
        {"type": "Residual", "name": "a", "body": [{"type": "ReLU"}], "shortcut": [{"type": "Identity"}]},
        {"type": "Residual", "body": {"type": "ReLU"}, "shortcut": []},
    ]
    text = """\
[
  {"type": "Residual", "name": "a", "body": [
    {"type": "ReLU"}
  ], "shortcut": [
    {"type": "Identity"}
  ]},
  {"type": "Residual", "body": {"type": "ReLU"}, "shortcut": []}
]
"""
    assert dicts.to_json(layers) == text
    assert json.loads(text) == layers


def test_functions_that_others_refer_to_get_names():
    """Two are read later than by the next node, one of the layer's name, one by the output."""
    calls = [Call("relu", {}), Call("exp", {}), Layer("ReLU", {}, ""), Call("relu", {}), Call("add", {}), 2]
    sources = [(0,), (1,), (2,), (1,), (4, 2), (5,)]
    names = [None, None, "relu", None, None, None]
    nodes = tuple(Node(*each) for each in zip(calls, sources, [""] * 6, names, strict=True))
    table = zoo.dicts.plain(zoo.Nodes(("input",), nodes, (6, 3), "x"))
    assert table == {
        "output": ["relu_again", "relu"],
        "nodes": [
            {"name": "relu_2", "type": "relu"},
            {"name": "exp", "type": "exp"},
            {"name": "relu", "type": "ReLU"},
            {"name": "relu_3", "type": "relu", "inputs": "relu_2"},
            {"type": "add", "inputs": ["relu_3", "exp"]},
            {"name": "relu_again", "layer": "relu"},
        ],
    }
    assert dicts.plain(dicts.parse(table, "x")) == table
    text = dicts.to_json(table)
    assert text.startswith(
        '{"output": ["relu_again", "relu"], "nodes": [\n  {"name": "relu_2", "type": "relu"},\n'
    )
    assert json.loads(text) == table
