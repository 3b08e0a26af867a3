"""Functions that files write in parts are one operation."""

import numpy as np
import pytest

from fastcnn import onnx
from fastcnn.engine.tracing import picture

from .graphs import save
from .running import reference, samples

SQRT2, HALF = np.float32(np.sqrt(2)), np.float32(0.5)
NUMBERS = {
    "sqrt2": SQRT2,
    "sqrt_half": np.float32(np.sqrt(0.5)),
    "half": HALF,
    "one": np.float32(1),
    "three": np.float32(3),
    "six": np.float32(6),
    "sixth": np.float32(1 / 6),
    "zero": np.float32(0),
}
GATE = [("Div", "x sqrt2", "a"), ("Erf", "a", "b"), ("Add", "b one", "c")]
CLIPPED = [("Add", "x three", "a"), ("Clip", "a zero six", "b")]
FILES = {
    "silu": ("SiLU", [("Sigmoid", "x", "a"), ("Mul", "x a", "y")]),
    "silu turned": ("SiLU", [("Sigmoid", "x", "a"), ("Mul", "a x", "y")]),
    "mish": ("Mish", [("Softplus", "x", "a"), ("Tanh", "a", "b"), ("Mul", "x b", "y")]),
    "gelu": ("GELU", [*GATE, ("Mul", "x c", "d"), ("Mul", "d half", "y")]),
    "gelu, half first": ("GELU", [*GATE, ("Mul", "half x", "d"), ("Mul", "c d", "y")]),
    "gelu by a product": (
        "GELU",
        [("Mul", "sqrt_half x", "a"), ("Erf", "a", "b"), ("Add", "one b", "c"), ("Mul", "x half", "d"),
         ("Mul", "d c", "y")],
    ),
    "hardswish": ("Hardswish", [*CLIPPED, ("Mul", "x b", "c"), ("Div", "c six", "y")]),
    "hardswish by a product": ("Hardswish", [*CLIPPED, ("Mul", "b x", "c"), ("Mul", "c sixth", "y")]),
    "hardswish of its gate": (
        "Hardswish",
        [("HardSigmoid", "x", "a", {"alpha": 1 / 6, "beta": 0.5}), ("Mul", "x a", "y")],
    ),
    "hardsigmoid": ("Hardsigmoid", [*CLIPPED, ("Div", "b six", "y")]),
    "hardsigmoid with numbers": ("Hardsigmoid", [("HardSigmoid", "x", "y", {"alpha": 1 / 6, "beta": 0.5})]),
    "relu6": ("ReLU6", [("Clip", "x zero six", "y")]),
    "selu": ("SELU", [("Selu", "x", "y")]),
    "swish": ("SiLU", [("Sigmoid", "x", "a"), ("Mul", "a x", "y")]),
    "threshold": ("Threshold", [("Greater", "x half", "a"), ("Where", "a x one", "y")]),
}  # fmt: skip


def operations(model, shape):
    return [
        type(each.operation).__name__ for each in picture(model, (shape,), np.dtype(np.float32), False).steps
    ]


@pytest.mark.parametrize("name", FILES)
def test_one_operation(tmp_path, name):
    wanted, nodes = FILES[name]
    path = save(tmp_path / "model.onnx", nodes, arrays=NUMBERS)
    model, x = onnx.load(path), samples((4, 6, 7), 2)
    assert operations(model, (4, 6, 7)) == [wanted]
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-6)


@pytest.mark.parametrize(
    "nodes",
    [
        [("Sigmoid", "x", "a"), ("Mul", "a a", "y")],
        [("Sigmoid", "x", "a"), ("Relu", "x", "b"), ("Mul", "a b", "y")],
        [*GATE, ("Mul", "x c", "d"), ("Mul", "d one", "y")],
        [*CLIPPED, ("Mul", "b b", "c"), ("Div", "c six", "y")],
        [*CLIPPED, ("Div", "b three", "y")],
    ],
)
def test_what_only_looks_like_it(tmp_path, nodes):
    path = save(tmp_path / "model.onnx", nodes, arrays=NUMBERS)
    model, x = onnx.load(path), samples((4, 6, 7), 2)
    assert len(operations(model, (4, 6, 7))) == len(nodes)
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-6)


def test_a_part_that_something_else_reads_stays(tmp_path):
    nodes = [("Sigmoid", "x", "a"), ("Mul", "x a", "b"), ("Add", "a b", "y")]
    path = save(tmp_path / "model.onnx", nodes)
    model, x = onnx.load(path), samples((4, 6, 7), 2)
    assert operations(model, (4, 6, 7)) == ["Sigmoid", "SiLU", "Add"]
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-6)


def test_a_bias_behind_a_product(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "fc.kernel": rng.standard_normal((7, 3)).astype(np.float32),
        "fc.bias": rng.standard_normal(3).astype(np.float32),
        "other": rng.standard_normal(3).astype(np.float32),
    }
    nodes = [("MatMul", "x fc.kernel", "a"), ("Add", "fc.bias a", "b"), ("Add", "b other", "y")]
    path = save(tmp_path / "model.onnx", nodes, arrays=arrays)
    model, x = onnx.load(path), samples((4, 6, 7), 2)
    assert [name for name, _ in model.named_parameters()] == ["other", "fc.weight", "fc.bias"]
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-5)
    # Where two nodes read the product, it has no bias.
    nodes = [("MatMul", "x fc.kernel", "a"), ("Add", "fc.bias a", "b"), ("Mul", "b a", "y")]
    model = onnx.load(save(tmp_path / "model.onnx", nodes, arrays=arrays))
    assert [name for name, _ in model.named_parameters()] == ["parameter", "fc.weight"]
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-5)


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 3, 1, 1)])
def test_a_bias_behind_a_convolution(tmp_path, shape):
    """As Keras has it; of one number for each column it stays a sum."""
    rng = np.random.default_rng(0)
    arrays = {
        "conv.kernel": rng.standard_normal((3, 4, 1, 1)).astype(np.float32),
        "conv.bias": rng.standard_normal(shape).astype(np.float32),
    }
    nodes = [("Conv", "x conv.kernel", "a"), ("Add", "a conv.bias", "b"), ("Relu", "b", "y")]
    path = save(tmp_path / "model.onnx", nodes, arrays=arrays)
    model, x = onnx.load(path), samples((4, 6, 7), 2)
    assert {name: each.shape for name, each in model.named_parameters()} == {
        "conv.weight": (3, 4, 1, 1),
        "conv.bias": (3,),
    }
    assert operations(model, (4, 6, 7)) == ["Conv2d", "ReLU"]
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-5)
    arrays["conv.bias"] = arrays["conv.bias"].ravel()
    path = save(tmp_path / "model.onnx", nodes, ("N", 4, 3, 3), arrays=arrays)
    model, x = onnx.load(path), samples((4, 3, 3), 2)
    assert operations(model, (4, 3, 3)) == ["Conv2d", "Add", "ReLU"]
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-5)


def test_a_bias_that_something_else_reads_is_no_layers_own(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "fc.kernel": rng.standard_normal((7, 3)).astype(np.float32),
        "shift": rng.standard_normal(3).astype(np.float32),
    }
    nodes = [("MatMul", "x fc.kernel", "a"), ("Add", "a shift", "b"), ("Mul", "b shift", "y")]
    path = save(tmp_path / "model.onnx", nodes, arrays=arrays)
    model, x = onnx.load(path), samples((4, 6, 7), 2)
    assert {name for name, _ in model.named_parameters()} == {"fc.weight", "shift"}
    np.testing.assert_allclose(model.predict(x), reference(path, x), 1e-5, 1e-5)
