"""Whatever stands in a table of nodes is refused with an error of the package, or becomes a network.

A network runs, is written again, and then computes the same.
"""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastcnn import graph, zoo
from fastcnn.errors import FastcnnError
from fastcnn.zoo.layers import find, known

SHAPE = (3, 4, 4)
VALUES = st.sampled_from(
    [
        *(None, True, 0, 1, 2, 3, -1, 2**31, 2**62, 2**63, 0.5, -0.5, float("nan"), "", "a", "same"),
        *(":, 0:2", "...", "0", ":, None, 1:", [], [1], (1, 2), [2, 3], [-1, 48], [0, 2, 3, 1], [0, 1]),
        *([None, 2], [[1]], {}, {"type": "ReLU"}, [{"type": "ReLU"}]),
    ]
)
NAMES = ["input", "n0", "n1", "n2", "forward", "x.y", "", 3]
KINDS = [*known(), *graph.FUNCTIONS, "parameter"]
SMALL = st.one_of(st.integers(1, 3), VALUES)


def facts(kind):
    """Return the keys of a type, and those that it needs."""
    if kind == "parameter":
        return ["shape", "mean", "std"], ["shape"]
    if kind in graph.FUNCTIONS:
        function = graph.FUNCTIONS[kind]
        return list(function.settings), [key for key in function.settings if key not in function.defaults]
    declaration = find(kind)
    keys = [*declaration.arguments, *declaration.bodies]
    found = declaration.found
    return keys, [key for key in keys if key not in declaration.defaults and key not in found]


@st.composite
def node(draw, number):
    if draw(st.integers(0, 9)) == 0:
        return {"name": f"n{number}", "layer": draw(st.sampled_from(NAMES))}
    kind = draw(st.sampled_from(KINDS))
    keys, needed = facts(kind)
    table = {"name": draw(st.sampled_from([f"n{number}"] * 9 + NAMES)), "type": kind}
    for key in keys:
        if key in needed or draw(st.integers(0, 3)) == 0:
            table[key] = draw(SMALL)
    if kind == "parameter":
        return table
    binary = kind in graph.FUNCTIONS and graph.FUNCTIONS[kind].least == 2
    if binary or draw(st.integers(0, 2)) == 0:
        before = st.sampled_from(["input", *(f"n{each}" for each in range(number)), 0.5, 2])
        table["inputs"] = draw(st.lists(st.one_of(before, before, VALUES), min_size=1 + binary, max_size=2))
    return table


@st.composite
def network(draw):
    return {"nodes": [draw(node(number)) for number in range(draw(st.integers(1, 3)))]}


def attempt(function, given):
    """Return what a function makes for samples of SHAPE, or its error."""
    try:
        return function(given, SHAPE), ""
    except FastcnnError as error:
        return None, str(error)


@given(network())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_table(table):
    model, error = attempt(zoo.from_dicts, table)
    if model is None:
        assert len(error) < 700
        return
    x = np.linspace(-2, 2, 96, dtype=np.float32).reshape(2, *SHAPE)
    y = model.eval()(x)
    written, error = attempt(zoo.to_dicts, model)
    if written is None:  # what an empty Sequential makes of its input is the input
        assert error == "to_dicts: GraphModule: does not compute with all of its inputs"
        return
    again = zoo.from_dicts(json.loads(zoo.dicts.to_json(written)), SHAPE)
    again.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(again.eval()(x), y)
    assert zoo.to_dicts(again, SHAPE) == written


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_is_drawn(kind):
    """The keys that the strategy gives a type are those that it takes."""
    keys, needed = facts(kind)
    assert set(needed) <= set(keys)
    with pytest.raises(FastcnnError, match=r"unknown key 'x'.*; it takes "):
        zoo.from_dicts({"nodes": [{"type": kind, "x": 1}]}, SHAPE)


@st.composite
def with_parameter(draw):
    shape = draw(st.lists(st.integers(1, 4), max_size=4))
    table = {
        "name": "p",
        "type": "parameter",
        "shape": shape,
        "mean": draw(st.one_of(st.floats(-2, 2), SMALL)),
    }
    if draw(st.booleans()):
        table["std"] = draw(st.one_of(st.floats(0, 2), SMALL))
    function = draw(st.sampled_from([k for k in graph.FUNCTIONS if graph.FUNCTIONS[k].least == 2]))
    inputs = draw(st.permutations(["input", draw(st.sampled_from(["p", "p", "n"]))]))
    return {"nodes": [table, draw(node(1)), {"type": function, "inputs": list(inputs)}]}


@given(with_parameter())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_parameter(table):
    test_any_table.hypothesis.inner_test(table)
