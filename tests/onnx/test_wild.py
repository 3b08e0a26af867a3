"""Whatever attributes and arrays of a node are, a network predicts, or an error names the node."""

import numpy as np
import onnx as library
import pytest
from onnx import AttributeProto, defs, helper

from fastcnn import onnx
from fastcnn.errors import DataError

from .graphs import save
from .running import NEWEST

IMAGE = (4, 6, 8)
WINDOW = {"kernel_shape": [2, 3]}


def ones(*shape):
    return np.ones(shape, np.float32)


def integers(*values):
    return np.array(values, np.int64)


# Of each operator: the arrays that it takes besides x, attributes with which it is right, and the version.
NODES = {
    "AveragePool": ([], WINDOW),
    "BatchNormalization": ([ones(4)] * 4, {}),
    "Cast": ([], {"to": 1}),
    "Celu": ([], {}),
    "Clip": ([], {}, 10),
    "Concat": ([], {"axis": 1}),
    "Constant": ([], {"value_float": 1.0}),
    "Conv": ([ones(2, 4, 2, 3)], {}),
    "ConvTranspose": ([ones(4, 2, 2, 3)], {}),
    "DepthToSpace": ([], {"blocksize": 2}),
    "Dropout": ([], {}, 11),
    "Elu": ([], {}),
    "Flatten": ([], {}),
    "Gather": ([integers(1, 0)], {"axis": 1}),
    "Gelu": ([], {}, 20),
    "Gemm": ([ones(5, 3)], {}, 18, (5,)),
    "GroupNormalization": ([ones(4)] * 2, {"num_groups": 2}, 21),
    "HardSigmoid": ([], {}),
    "InstanceNormalization": ([ones(4)] * 2, {}),
    "LRN": ([], {"size": 3}),
    "LayerNormalization": ([ones(8)], {}),
    "LeakyRelu": ([], {}),
    "LogSoftmax": ([], {}),
    "MaxPool": ([], WINDOW),
    "Pad": ([], {"pads": [0, 0, 1, 1, 0, 0, 1, 1]}, 10),
    "Pad of newer versions": ([integers(0, 0, 1, 1, 0, 0, 1, 1)], {}),
    **{
        f"Reduce{each}": ([], {"axes": [2]}, 11)
        for each in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Sum", "SumSquare")
    },
    "ReduceMean of newer versions": ([integers(1)], {}),
    "Reshape": ([integers(0, 8, -1)], {}),
    "Resize": ([np.zeros(0, np.float32), np.array([1, 1, 2, 1.5], np.float32)], {}),
    "Selu": ([], {}),
    "Shrink": ([], {}),
    "Slice": ([], {"starts": [1], "ends": [3], "axes": [1]}, 9),
    "Softmax": ([], {}),
    "Softmax of older versions": ([], {}, 11),
    "SpaceToDepth": ([], {"blocksize": 2}),
    "Split": ([], {"axis": 1}, 11),
    "SplitToSequence": ([], {"axis": 1}),
    "Squeeze": ([], {"axes": [1]}, 11, (1, 6, 8)),
    "Swish": ([], {}, 24),
    "ThresholdedRelu": ([], {}),
    "Transpose": ([], {"perm": [0, 2, 1, 3]}),
    "Unsqueeze": ([], {"axes": [1]}, 11),
    "Upsample": ([], {"scales": [1.0, 1.0, 2.0, 2.0]}, 7),
}  # fmt: skip
# Those whose attributes say nothing, or that have none.
PLAIN = {
    *(
        "Abs",
        "Add",
        "CastLike",
        "Div",
        "Erf",
        "Exp",
        "Expand",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "Greater",
    ),
    *("HardSwish", "Identity", "Log", "MatMul", "Max", "Mean", "Min", "Mish", "Mul", "Neg", "PRelu", "Pow"),
    *("Reciprocal", "Relu", "SequenceAt", "Shape", "Sigmoid", "Size", "Softplus", "Softsign", "Sqrt", "Sub"),
    *("Sum", "Tanh", "Where"),
}
_INTEGERS = [0, 1, 2, 3, 5, -1, -2, -7, 100, 2**31, 2**62, -(2**63)]
_FLOATS = [0.0, 1.0, 0.25, -0.5, 1e-40, 1e38, -1e38, float("inf"), float("-inf"), float("nan")]
_TEXTS = [
    "",
    "NOTSET",
    "VALID",
    "SAME_UPPER",
    "SAME_LOWER",
    "DCR",
    "CRD",
    "constant",
    "reflect",
    "edge",
    "wrap",
]
_TEXTS += [
    "linear",
    "cubic",
    "nearest",
    "tanh",
    "none",
    "floor",
    "ceil",
    "asymmetric",
    "align_corners",
    "x" * 999,
]
_TEXTS += ["half_pixel_symmetric", "tf_crop_and_resize", "round_prefer_ceil", "not_larger", "not_smaller"]
_LISTS = [[], [0], [1], [2, 2], [0, 1], [-1], [1, 1], [3, 0], [0, -1], [1, 1, 1, 1], [0, 2, 1, 1], [2] * 4]
_LISTS += [
    [0, 1, 2, 3],
    [0, 2, 3, 1],
    [-1] * 4,
    [100, 100],
    [2**62] * 2,
    [2**31] * 4,
    [1] * 8,
    [-(2**63)] * 8,
]
_LISTS += [
    [0, 0, 5, 5, 0, 0, 7, 7],
    [0, 0, -1, -2, 0, 0, -2, -1],
    [0, 1, 0, 0, 0, 2, 0, 0],
    list(range(3000)),
]
VALUES = {
    AttributeProto.INT: _INTEGERS,
    AttributeProto.FLOAT: _FLOATS,
    AttributeProto.STRING: _TEXTS,
    AttributeProto.INTS: _LISTS,
    AttributeProto.FLOATS: [[float(each) for each in values] for values in _LISTS]
    + [_FLOATS, [float("nan")] * 4],
}


def attempt(path, kind, sample):
    """Predict with a file, or look that the error names its node."""
    try:
        network = onnx.load(path)
    except DataError as error:
        told = str(error)
        assert told.startswith(str(path))
        assert (
            f"node '{kind}_0' ({kind}): " in told
            or told.endswith(f"'{kind}_0' ({kind})")
            or "output 'y' does not depend" in told
        ), told[:500]
        assert len(told) < 3000, told[:500]
        return False
    x = np.ones((2, *sample), np.float32)
    with np.errstate(all="ignore"):
        network.predict(x, engine=False)
    return True


def built(tmp_path, kind, arrays, attributes, opset, sample):
    """Write a file of one node, and of what its outputs are."""
    names = [f"w{i}" for i in range(len(arrays))]
    inputs = " ".join([*(["x"] if kind != "Constant" else []), *names])
    known = dict(zip(names, arrays, strict=True))
    output = "o" if kind in ("SplitToSequence", "Constant") else "y"
    nodes = [(kind, inputs, output, attributes)]
    if kind == "SplitToSequence":
        nodes.append(("SequenceAt", "o zero", "y"))
        known["zero"] = np.int64(0)
    elif kind == "Constant":
        nodes.append(("Add", "x o", "y"))
    elif kind == "Split":
        nodes[0] = (kind, inputs, "y other", attributes)
    return save(tmp_path / "model.onnx", nodes, ("N", *sample), opset, known)


def facts_of(name):
    arrays, attributes, opset, sample, *_ = (*NODES[name], 18, IMAGE)[:4] if len(NODES[name]) < 3 else (
        *NODES[name], IMAGE)[:4]  # fmt: skip
    return name.split()[0], arrays, attributes, min(opset, NEWEST), sample


def test_every_operator_is_here():
    assert {name.split()[0] for name in NODES} | PLAIN == {*onnx.operators(), "Constant"}


@pytest.mark.parametrize("name", NODES)
def test_attributes(tmp_path, name):
    kind, arrays, attributes, opset, sample = facts_of(name)
    try:
        schema = defs.get_schema(kind, opset)
    except defs.SchemaError:
        pytest.skip("an operator that the installed onnx package does not have")
    assert attempt(built(tmp_path, kind, arrays, attributes, opset, sample), kind, sample)
    for key, attribute in schema.attributes.items():
        own = attribute.type.value
        for type_, values in VALUES.items():
            # Of another type than the operator has one value is enough.
            for value in values if type_ == own else values[1:2]:
                path = built(tmp_path, kind, arrays, attributes, opset, sample)
                model = library.load(path)
                node = model.graph.node[0]
                kept = [each for each in node.attribute if each.name != key]
                del node.attribute[:]
                node.attribute.extend([*kept, helper.make_attribute(key, value, attr_type=type_)])
                library.save(model, path)
                attempt(path, kind, sample)


ARRAYS = [
    *(ones(), ones(0), ones(1), ones(4), ones(8), ones(4, 4), ones(8, 4), ones(4, 1, 1), ones(2, 4, 2, 3)),
    *(ones(0, 4, 1, 1), ones(2, 0, 1, 1), ones(2, 4, 0, 1), ones(1, 1, 1, 1, 1), ones(3, 4, 1, 1, 1)),
    *(np.full(4, -1, np.float32), np.full(4, np.nan, np.float32), np.full((), np.inf, np.float32)),
    *(
        np.int64(0),
        np.int64(-1),
        np.int64(7),
        integers(),
        integers(0),
        integers(1),
        integers(-1),
        integers(9),
    ),
    *(
        integers(2**62),
        integers(1, 1),
        integers(0, -1),
        integers(1, 1, 2, 2),
        integers(0, 0, 1, 1, 0, 0, 2, 1),
    ),
    *(integers(-(2**63)), np.array([True, False]), np.array(True), ones(4).astype(np.float64)),
    *(ones(4).astype(np.float16), np.ones((2, 4, 2, 3), np.int8), np.ones(4, np.uint8)),
]


@pytest.mark.parametrize("kind", onnx.operators())
def test_arrays(tmp_path, kind):
    """One array after the other in each place of an operator's inputs."""
    name = next((name for name in NODES if name.split()[0] == kind and name.endswith("newer versions")), kind)
    arrays, attributes, opset, sample = ([], {}, 18, IMAGE) if name not in NODES else facts_of(name)[1:]
    try:
        schema = defs.get_schema(kind, opset)
    except defs.SchemaError:
        schema = defs.get_schema(kind)
        opset = min(schema.since_version, NEWEST)
    for place in range(min(schema.max_input, 7) - 1):
        for array in ARRAYS:
            given = [*[*arrays, *[ones(4)] * place][:place], array, *arrays[place + 1 :]]
            attempt(built(tmp_path, kind, given, attributes, opset, sample), kind, sample)
