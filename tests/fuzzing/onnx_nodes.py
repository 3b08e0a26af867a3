"""ONNX graphs of any nodes, with whatever attributes their operators have."""

import numpy as np
import onnx as library
from onnx import TensorProto, defs, helper, numpy_helper

from fastcnn import onnx
from fastcnn.onnx.loading.folding import FOLDED

NAME = "a.onnx"
NEWEST = defs.onnx_opset_version()
KINDS = sorted({*onnx.operators(), *FOLDED, "Constant", "If", "LSTM", "QuantizeLinear"})
INTEGERS = [0, 1, 1, 1, 2, 2, 3, 4, 5, 7, 100, -1, -2, -3, -100, 2**31, 2**62, -(2**63)]
_FLOATS = [0.0, 1.0, 0.5, 2.0, 1e-5, -1.0, -1e-3, 1e9, 1e38, 1e-40, float("inf"), float("-inf"), float("nan")]
_TEXTS = [
    "",
    "NOTSET",
    "SAME_UPPER",
    "SAME_LOWER",
    "VALID",
    "constant",
    "reflect",
    "edge",
    "wrap",
    "DCR",
    "CRD",
]
_TEXTS += ["nearest", "linear", "cubic", "floor", "ceil", "round_prefer_ceil", "asymmetric", "align_corners"]
_TEXTS += [
    "half_pixel",
    "tanh",
    "none",
    "not_larger",
    "not_smaller",
    "stretch",
    "tf_crop_and_resize",
    "x" * 3000,
]
SHAPES = [(), (1,), (2,), (3,), (4,), (4, 1, 1), (1, 4, 1, 1), (7,), (6, 7), (4, 4), (7, 7), (8, 4)]
SHAPES += [(4, 4, 1, 1), (2, 4, 3, 3), (4, 1, 3, 3), (4, 2, 2), (0,), (0, 4, 1, 1), (2, 0), (1, 1, 1, 1, 1)]
_SAMPLES = [(4, 6, 7)] * 4 + [(4, 7), (7,), (1, 1, 1), (4,), (8, 8, 8), (2, 3, 4, 5), (1, 1, 64)]


def pick(rng, values):
    return values[int(rng.integers(len(values)))]


def whole(nodes, arrays=(), opset=18, functions=(), shape=(4, 6, 7), outputs=("y",)):
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("N", *shape))],
        [helper.make_tensor_value_info(each, TensorProto.FLOAT, None) for each in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in dict(arrays).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)


def drawn(rng, kind=None, opset=None):
    """Return a model of up to three nodes with any attributes; the first is of a kind, if one is given."""
    opset = opset or int(rng.integers(9, NEWEST + 1))
    arrays, nodes, values = {}, [], ["x"]
    for number in range(1 if kind else 1 + int(rng.integers(3))):
        each = kind or pick(rng, KINDS)
        try:
            schema = defs.get_schema(each, opset)
        except defs.SchemaError:  # which came later
            schema = defs.get_schema(each, NEWEST)
        inputs = [pick(rng, values)]
        least = max(schema.min_input, 1)
        for _ in range(1, int(rng.integers(least, max(min(schema.max_input, 6), least) + 1))):
            inputs.append(_array(arrays, rng) if rng.random() < 0.8 else pick(rng, [*values, ""]))
        outputs = [f"v{number}_{i}" for i in range(pick(rng, [1, 1, 1, 2, max(schema.min_output, 1)]))]
        node = helper.make_node(each, inputs, outputs, name=f"node{number}")
        for name, attribute in schema.attributes.items():
            if attribute.required or rng.random() < 0.4:
                made = attribute_of(name, attribute.type.value, rng)
                if made is not None:
                    node.attribute.append(made)
        nodes.append(node)
        values += outputs
    return whole(nodes, arrays, opset, shape=pick(rng, _SAMPLES), outputs=[nodes[-1].output[0]])


def _array(arrays, rng):
    name = f"w{len(arrays)}"
    shape = pick(rng, SHAPES)
    kind = pick(rng, ["f4"] * 5 + ["i8"] * 3 + ["f8", "i4", "?", "f2", "u1"])
    if kind[0] in "fu?":
        arrays[name] = rng.uniform(-1, 2, shape).astype(kind)
    else:
        arrays[name] = np.array([pick(rng, INTEGERS) % 2**31 - 0 for _ in range(int(np.prod(shape)))])
        small = rng.integers(-4, 8, shape)
        arrays[name] = small.astype(kind) if rng.random() < 0.8 else arrays[name].reshape(shape).astype(kind)
    return name


def attribute_of(name, kind, rng):
    """Return an attribute; now and then of another type than its operator has."""
    kinds = library.AttributeProto
    if rng.random() < 0.03:
        kind = pick(rng, [kinds.FLOAT, kinds.INT, kinds.STRING, kinds.FLOATS, kinds.INTS, kinds.TENSOR])
    count = pick(rng, [0, 1, 2, 2, 2, 4, 4, 4, 5, 8])
    draw = {
        kinds.INT: lambda: pick(rng, INTEGERS),
        kinds.FLOAT: lambda: pick(rng, _FLOATS),
        kinds.STRING: lambda: pick(rng, _TEXTS),
        kinds.INTS: lambda: [pick(rng, INTEGERS) for _ in range(count)],
        kinds.FLOATS: lambda: [pick(rng, _FLOATS) for _ in range(count)],
        kinds.TENSOR: lambda: numpy_helper.from_array(np.ones(pick(rng, SHAPES), np.float32)),
    }.get(kind)
    return None if draw is None else helper.make_attribute(name, draw(), attr_type=kind)
