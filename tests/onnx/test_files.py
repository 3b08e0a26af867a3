"""ONNX files that somebody else made: damaged, too large, or made to be so."""

import contextlib
import os
import time

import numpy as np
import onnx as library
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from fastcnn import nn, onnx
from fastcnn.errors import DataError, FastcnnError

from .graphs import save
from .running import samples

SHAPE = (4, 6, 7)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.onnx"
    onnx.export(nn.Conv2d(4, 2, 3).eval(), path, SHAPE)
    return path


def changed(path, change):
    """Write a file beside a good one, changed by a function of its model."""
    model = library.load(path)
    change(model)
    other = path.with_name("other.onnx")
    other.write_bytes(model.SerializeToString())
    return other


def test_what_is_no_onnx_file(tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(DataError, match=r"model.onnx: cannot be read: No such file"):
        onnx.load(path)
    for content in (b"", b"\x00" * 50, b"PK\x03\x04 a zip file", b"Text" * 30, os.urandom(1000)):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"model.onnx: not an ONNX file"):
            onnx.load(path)
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        onnx.load(tmp_path)


def test_a_file_that_ends_early(good):
    content = good.read_bytes()
    for size in range(0, len(content), 7):
        good.write_bytes(content[:size])
        with pytest.raises(DataError):
            onnx.load(good)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_bytes(tmp_path_factory, data):
    """Whatever is in a file is read, or refused as documented."""
    path = tmp_path_factory.getbasetemp() / "fuzzed.onnx"
    onnx.export(nn.Sequential(nn.Conv2d(1, 1, 2), nn.ReLU(), nn.Flatten()).eval(), path, (1, 3, 3))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with contextlib.suppress(FastcnnError):
        onnx.load(path)


def _weight(model):
    return next(each for each in model.graph.initializer if each.name == "weight")


def _sizes(*sizes):
    def change(model):
        tensor = _weight(model)
        del tensor.dims[:]
        tensor.dims.extend(sizes)

    return change


def _type(kind):
    return lambda model: setattr(_weight(model), "data_type", kind)


def _external(**facts):
    def change(model):
        tensor = _weight(model)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.ClearField("raw_data")
        for key, value in facts.items():
            tensor.external_data.add(key=key, value=value)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_sizes(2, 4, 3, 4), "array 'weight': its elements are damaged"),
        (_sizes(2**40, 2**40, 3, 3), r"array 'weight': cannot have the shape"),
        (_sizes(-1, 4, 3, 3), r"array 'weight': cannot have the shape \(-1, 4, 3, 3\)"),
        (_type(TensorProto.STRING), "array 'weight': has elements of a type that is not known"),
        (_type(TensorProto.COMPLEX64), "array 'weight': has elements of a type that is not known"),
        (_type(1000), "array 'weight': has elements of a type that is not known"),
        (_external(location="/etc/passwd"), "must stand in a file beside this one, got '/etc/passwd'"),
        (_external(location="../secret"), "must stand in a file beside this one, got '../secret'"),
        (_external(location=""), "must stand in a file beside this one, got ''"),
        (_external(location="link"), "must stand in a file beside this one, got 'link'"),
        (_external(location="missing"), "missing cannot be read: No such file"),
        (_external(location="loop"), "loop cannot be read: .*[Ss]ymlink loop|loop cannot be read: Too many"),
        (_external(location="data", offset="x"), "places in other files must be numbers, got 'x'"),
        (_external(location="data", offset="-1"), "places in other files must be numbers, got '-1'"),
        (_external(location="data", length="1000"), "data has 288 bytes, and ends before its elements do"),
        (_external(location="data", offset="1000"), "data has 288 bytes, and ends before its elements do"),
        (_external(location="data", length="4"), "array 'weight': its elements are damaged"),
        (lambda model: setattr(_weight(model), "name", ""), "array '': must have a name of its own"),
        (
            lambda model: model.graph.initializer.append(_weight(model)),
            "array 'weight': must have a name of its own",
        ),
        (lambda model: model.graph.output.append(model.graph.output[0]), "'output' stands there twice"),
        (lambda model: setattr(model.graph.input[0], "name", ""), "input '': must have a name of its own"),
        (
            lambda model: model.graph.input.append(model.graph.input[0]),
            "input 'input': must have a name of its own",
        ),
        (
            lambda model: setattr(model.graph.input[0].type.tensor_type.shape.dim[1], "dim_value", 2**62),
            "input 'input' would have the shape",
        ),
        (lambda model: model.graph.ClearField("input"), "has no input"),
        (lambda model: model.graph.ClearField("output"), "has no output"),
        (lambda model: model.ClearField("opset_import"), "operators must be of opset 6 to .*, got none"),
        (lambda model: setattr(model.opset_import[0], "version", 999), "operators must be of opset 6 to"),
        (lambda model: setattr(model.opset_import[0], "version", -1), "operators must be of opset 6 to"),
        (
            lambda model: setattr(model.graph.node[0], "domain", "com.microsoft"),
            "operators of 'com.microsoft'",
        ),
        (
            lambda model: setattr(model.graph.input[0].type.tensor_type, "elem_type", TensorProto.INT64),
            "must be an",
        ),
    ],
)
def test_damaged_parts(good, change, message):
    good.with_name("data").write_bytes(np.zeros(72, np.float32).tobytes())
    (good.parent / "secret").write_bytes(bytes(288))
    good.with_name("link").symlink_to("/etc/passwd")
    good.with_name("loop").symlink_to("loop")
    with pytest.raises(DataError, match=message):
        onnx.load(changed(good, change))


def test_arrays_in_another_file(good):
    model = library.load(good)
    weight = library.numpy_helper.to_array(_weight(model))
    good.with_name("data").write_bytes(b"1234" + weight.tobytes())
    path = changed(good, _external(location="data", offset="4", length=str(weight.nbytes)))
    x = samples(SHAPE, 2)
    np.testing.assert_array_equal(onnx.load(path).predict(x), onnx.load(good).predict(x))


@pytest.mark.parametrize(
    "nodes",
    [
        [("ConstantOfShape", "large", "c"), ("Add", "x c", "y")],
        [("Range", "zero billions one", "c"), ("Add", "x c", "y")],
        [("Expand", "one large", "c"), ("Add", "x c", "y")],
        [("Tile", "one_of_one large_one", "c"), ("Add", "x c", "y")],
        [("Pad", "x pads", "y")],
        [("Resize", "x none scales", "y")],
        [("Unsqueeze", "column axis", "a"), ("Mul", "a row", "c"), ("Add", "x c", "y")],
    ],
)
def test_what_would_not_fit_into_memory(tmp_path, nodes):
    """It is refused before memory is taken, within a second."""
    arrays = {
        "large": np.array([2**20, 2**20, 2**20]),
        "large_one": np.array([2**50]),
        "zero": np.float32(0),
        "one": np.float32(1),
        "one_of_one": np.ones(1, np.float32),
        "billions": np.float32(1e15),
        "pads": np.array([0, 0, 2**40, 2**40, 0, 0, 0, 0]),
        "none": np.zeros(0, np.float32),
        "scales": np.array([1, 1, 1e9, 1e9], np.float32),
        "axis": np.array([1]),
        "column": np.ones(2**17, np.float32),
        "row": np.ones(2**17, np.float32),
    }
    used = {each for node in nodes for each in node[1].split()}
    path = save(tmp_path / "model.onnx", nodes, arrays={key: arrays[key] for key in arrays.keys() & used})
    start = time.perf_counter()
    with pytest.raises(FastcnnError):
        onnx.load(path)
    assert time.perf_counter() - start < 5


def test_constants_of_a_few_bytes_each(tmp_path):
    nodes = [*(("ConstantOfShape", "megabytes", f"c{i}") for i in range(100)), ("Add", "x c0", "y")]
    path = save(tmp_path / "model.onnx", nodes, arrays={"megabytes": np.array([2**24])})
    with pytest.raises(DataError, match=r"\(ConstantOfShape\): what it makes, .* is too much to be computed"):
        onnx.load(path)


NO_TEXT = b"\xff\xfe"


@pytest.mark.parametrize(
    "name", [b"weight", b"output", b"input", b"Conv", b"somebody", b"her note", b"other file"]
)
def test_names_that_are_no_text(good, name):
    """Protocol buffers have bytes in their place."""
    model = library.load(good)
    model.producer_name = "somebody"
    model.metadata_props.add(key="her note", value="a")
    tensor = _weight(model).external_data.add(key="location", value="other file")
    if name == b"other file":
        _weight(model).data_location = TensorProto.EXTERNAL
    assert tensor
    content = model.SerializeToString()
    assert name in content
    good.write_bytes(content.replace(name, NO_TEXT * (len(name) // 2) + b"a" * (len(name) % 2)))
    assert all(isinstance(each, str) for each in onnx.read_metadata(good))
    with contextlib.suppress(DataError):
        onnx.load(good).predict(samples(SHAPE, 2))


def test_graphs_inside_nodes(tmp_path):
    inner = helper.make_graph([], "inner", [], [])
    model = library.load(save(tmp_path / "model.onnx", [("Relu", "x", "y")]))
    model.graph.node.append(helper.make_node("If", ["x"], ["z"], then_branch=inner, else_branch=inner))
    library.save(model, tmp_path / "model.onnx")
    with pytest.raises(DataError, match=r"\(If\): is no operator that is known here"):
        onnx.load(tmp_path / "model.onnx")
