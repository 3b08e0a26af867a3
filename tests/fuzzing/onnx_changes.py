"""Changes of ONNX files.

Half of the inputs are graphs of any nodes, and half are files whose parts were changed: sizes, types, names
(so that there are cycles), attributes, nodes, functions, arrays in other files. Some of both have changed
bytes besides.
"""

import numpy as np
import onnx as library
from google.protobuf.message import DecodeError
from onnx import TensorProto, defs, helper, numpy_helper

from .mutations import mutated
from .onnx_nodes import INTEGERS, KINDS, NAME, NEWEST, SHAPES, attribute_of, drawn, pick

_TYPES = [*range(-1, 26), 1000]
_PLACES = ["", NAME, "missing", "../x", "/etc/passwd", "\0", ".", "loop", "x" * 300, f"./{NAME}", "é\n"]


def changed(files, rng):
    """Return a file; of one that is damaged already, and not read by the parser, bytes are changed."""
    if rng.integers(2):
        model = drawn(rng)
    else:
        data = pick(rng, files)
        try:
            model = library.ModelProto.FromString(data)
        except DecodeError:
            return mutated([data], rng)
        for _ in range(1 + rng.integers(4)):
            pick(rng, _CHANGES)(model, rng)
    content = model.SerializeToString()
    return content if rng.integers(8) else mutated([content], rng)


def _names(model):
    graph = model.graph
    found = [each.name for part in (graph.initializer, graph.input, graph.output) for each in part]
    return [*found, *(name for node in graph.node for name in (*node.input, *node.output)), "", "new"]


def _node(change):
    """Return a change of one node, of the graph or of a function."""

    def apply(model, rng):
        lists = [each for each in (model.graph.node, *(f.node for f in model.functions)) if each]
        if lists:
            nodes = pick(rng, lists)
            change(model, nodes, int(rng.integers(len(nodes))), rng)

    return apply


def _renamed(model, nodes, i, rng):
    part = nodes[i].input if rng.integers(2) else nodes[i].output
    if part:
        part[int(rng.integers(len(part)))] = pick(rng, _names(model))


def _other_inputs(model, nodes, i, rng):
    if rng.integers(2) and nodes[i].input:
        del nodes[i].input[int(rng.integers(len(nodes[i].input)))]
    else:
        nodes[i].input.append(pick(rng, _names(model)))


def _other_kind(model, nodes, i, rng):
    if rng.integers(3):
        nodes[i].op_type = pick(rng, [*KINDS, "Twice", "More", "x" * 5000])
    else:
        nodes[i].domain = pick(rng, ["", "own", "ai.onnx", "com.microsoft"])


def _other_attribute(model, nodes, i, rng):
    node = nodes[i]
    if node.attribute and rng.integers(2):
        each = pick(rng, node.attribute)
        made = attribute_of(each.name, each.type, rng)
        if made is not None:
            each.CopyFrom(made)
        return
    try:
        known = defs.get_schema(node.op_type, NEWEST).attributes
    except defs.SchemaError:
        return
    if known:
        name = pick(rng, sorted(known))
        made = attribute_of(name, known[name].type.value, rng)
        if made is not None:
            node.attribute.append(made)


def _moved_node(model, nodes, i, rng):
    kept = library.NodeProto()
    kept.CopyFrom(nodes[i])
    if rng.integers(2):
        del nodes[i]
    if rng.integers(2):
        nodes.insert(int(rng.integers(len(nodes) + 1)), kept)


def _tensor(change):
    def apply(model, rng):
        found = [
            *model.graph.initializer,
            *(a.t for node in model.graph.node for a in node.attribute if a.HasField("t")),
        ]
        if found:
            change(pick(rng, found), rng, model)

    return apply


def _other_sizes(tensor, rng, model):
    if tensor.dims and rng.integers(2):
        tensor.dims[int(rng.integers(len(tensor.dims)))] = pick(rng, INTEGERS)
    else:
        del tensor.dims[:]
        tensor.dims.extend(pick(rng, [*SHAPES, (2**40, 2**40), (1,) * 70]))


def _other_type(tensor, rng, model):
    tensor.data_type = int(np.int32(pick(rng, _TYPES)))


def _other_data(tensor, rng, model):
    if rng.integers(2):
        tensor.raw_data = mutated([tensor.raw_data], rng)
    else:
        tensor.ClearField("raw_data")
        tensor.float_data.extend([1.0] * int(rng.integers(5)))
        tensor.int64_data.extend([1] * int(rng.integers(5)))


def _elsewhere(tensor, rng, model):
    tensor.data_location = TensorProto.EXTERNAL
    if rng.integers(2):
        tensor.ClearField("raw_data")
    for key, values in (
        ("location", _PLACES),
        ("offset", ["0", "1", "100", "-1", "9" * 30, "x", "٣"]),
        ("length", ["0", "4", "16", "144", "-1", "9" * 18, ""]),
    ):
        if rng.random() < 0.7:
            tensor.external_data.add(key=key, value=pick(rng, values))


def _other_name(tensor, rng, model):
    tensor.name = pick(rng, _names(model))


def _other_entry(model, rng):
    part = model.graph.input if rng.integers(3) else model.graph.output
    kind = rng.integers(5)
    if not part or kind == 0:
        part.add(name=pick(rng, _names(model)))
    elif kind == 1:
        pick(rng, part).name = pick(rng, _names(model))
    elif kind == 2:
        pick(rng, part).type.tensor_type.elem_type = int(np.int32(pick(rng, _TYPES)))
    elif kind == 3:
        sizes = pick(rng, part).type.tensor_type.shape.dim
        if sizes and rng.integers(2):
            pick(rng, sizes).dim_value = pick(rng, INTEGERS)
        else:
            sizes.add(dim_value=pick(rng, INTEGERS))
    else:
        del part[int(rng.integers(len(part)))]


def _other_opset(model, rng):
    if model.opset_import and rng.integers(4):
        pick(rng, model.opset_import).version = pick(rng, [*range(NEWEST + 2), -1, 2**40])
    else:
        model.opset_import.add(domain=pick(rng, ["", "own", "ai.onnx"]), version=pick(rng, [1, 9, 18]))


def _more_functions(model, rng):
    """Functions that call each other, in a circle or many times."""
    count, times = pick(rng, [1, 2, 20, 200]), pick(rng, [1, 1, 2, 10])
    for number in range(count):
        target = f"F{number + 1}" if number + 1 < count else pick(rng, ["F0", "F1", "Relu", f"F{number}"])
        calls = [helper.make_node(target, ["a"], [f"b{i}"], domain="own") for i in range(times)]
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
        model.functions.append(helper.make_function("own", f"F{number}", ["a"], ["b0"], calls, opsets))
    model.graph.node.insert(0, helper.make_node("F0", ["x"], ["made"], domain="own"))


def _many_nodes(model, rng):
    """Constants of whole megabytes, one after the other."""
    model.graph.initializer.append(numpy_helper.from_array(np.int64([2**20, pick(rng, [1, 4, 30])]), "large"))
    for number in range(pick(rng, [10, 500])):
        model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["large"], [f"large{number}"]))


_CHANGES = [
    *(_node(each) for each in (_renamed, _other_inputs, _other_kind, _other_attribute, _moved_node)),
    *(_node(_other_attribute) for _ in range(3)),
    *(_tensor(each) for each in (_other_sizes, _other_type, _other_data, _elsewhere, _other_name)),
    *(_other_entry, _other_opset, _more_functions, _many_nodes),
]
