"""Functions that an ONNX file has of its own."""

import time

import numpy as np
import onnx as library
import pytest
from onnx import TensorProto, helper

from fastcnn import onnx
from fastcnn.errors import DataError

from .running import samples

OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]


def function(name, *nodes):
    """Return a function of ``a`` whose nodes, (operator, inputs, outputs), make ``b``."""
    made = [
        helper.make_node(kind, ins.split(), outs.split(), domain="own" if kind[0] == "F" else "")
        for kind, ins, outs in nodes
    ]
    return helper.make_function("own", name, ["a"], ["b"], made, OPSETS)


def saved(path, *functions):
    """Write a file that calls the first."""
    graph = helper.make_graph(
        [helper.make_node("F0", ["x"], ["y"], domain="own")],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("N", 3))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(graph, functions=functions, opset_imports=OPSETS, ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def test_nodes_stand_in_the_place_of_calls(tmp_path):
    path = saved(
        tmp_path / "model.onnx",
        function("F0", ("F1", "a", "c"), ("F1", "c", "b")),
        function("F1", ("Add", "a a", "b")),
    )
    x = samples((3,), 2)
    np.testing.assert_array_equal(onnx.load(path).predict(x), 4 * x)


def test_circles(tmp_path):
    path = tmp_path / "model.onnx"
    for functions in (
        [function("F0", ("F0", "a", "b"))],
        [function("F0", ("F1", "a", "b")), function("F1", ("F0", "a", "b"))],
    ):
        with pytest.raises(DataError, match=r"model.onnx: its functions call each other in a circle"):
            onnx.load(saved(path, *functions))


def test_too_many_levels(tmp_path):
    functions = [function(f"F{i}", (f"F{i + 1}", "a", "b")) for i in range(200)]
    with pytest.raises(DataError, match="in a circle, or through too many others"):
        onnx.load(saved(tmp_path / "model.onnx", *functions, function("F200", ("Relu", "a", "b"))))


def test_a_few_that_make_more_than_any_memory_holds(tmp_path):
    """Ten that call the next ten times: ten thousand million nodes, or one large array as often."""
    calls = [(f"c{i}", f"c{i + 1}") for i in range(9)]
    names = [("a", "c0"), *calls, ("c9", "b")]
    functions = [function(f"F{i}", *((f"F{i + 1}", a, b) for a, b in names)) for i in range(10)]
    start = time.perf_counter()
    with pytest.raises(DataError, match="more than 100,000 nodes"):
        onnx.load(saved(tmp_path / "model.onnx", *functions, function("F10", ("Relu", "a", "b"))))
    large = function("F3", ("Add", "a d", "b"))
    array = library.numpy_helper.from_array(np.zeros(2**20, np.float32))
    large.node.insert(0, helper.make_node("Constant", [], ["d"], value=array))
    with pytest.raises(DataError, match="its functions make more than 268,435,456 bytes"):
        onnx.load(saved(tmp_path / "model.onnx", *functions[:3], large))
    assert time.perf_counter() - start < 5


def test_two_of_one_name(tmp_path):
    one = function("F0", ("Relu", "a", "b"))
    with pytest.raises(DataError, match="two of its functions have one name"):
        onnx.load(saved(tmp_path / "model.onnx", one, one))
