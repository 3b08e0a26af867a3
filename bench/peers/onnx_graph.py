"""A network of `layers.describe` as an ONNX model with its weights, as an exporter would write it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .layers import Step

_OPSET = 17
_IR_VERSION = 8
# Layers and functions without arguments or weights.
_PLAIN = {
    "ReLU": "Relu",
    "relu": "Relu",
    "add": "Add",
    "AdaptiveAvgPool2d": "GlobalAveragePool",
}


class _Graph:
    """Collects the nodes of a graph."""

    def __init__(self, state: dict[str, np.ndarray]) -> None:
        self.state = state
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Append a node; return the name of its output."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def weights(self, place: str, *names: str) -> list[str]:
        """Return the names of those arrays of a layer that there are."""
        keys = [f"{place}.{name}" for name in names]
        return [self.constant(key, self.state[key]) for key in keys if key in self.state]

    def constant(self, name: str, array: np.ndarray) -> str:
        """Return the name of a constant."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def step(self, kind: str, a: dict[str, Any], inputs: list[str], place: str) -> str:
        """Append what a step of `layers.describe` stands for; return the name of its output."""
        if kind == "Dropout":
            return inputs[0]
        if kind in _PLAIN:
            return self.add(_PLAIN[kind], inputs)
        if kind == "cat":
            return self.add("Concat", inputs, axis=a["dim"])
        if kind == "mean":
            return self.add("ReduceMean", inputs, axes=list(a["dim"]), keepdims=int(a["keepdim"]))
        if kind == "ReLU6":
            limits = [self.constant(f"{place}.{x}", np.array(x, np.float32)) for x in (0, 6)]
            return self.add("Clip", [*inputs, *limits])
        if kind == "Conv2d":
            return self.add(
                "Conv",
                [*inputs, *self.weights(place, "weight", "bias")],
                kernel_shape=a["kernel"],
                strides=a["stride"],
                pads=_pads(a["padding"]),
                dilations=a["dilation"],
                group=a["groups"],
            )
        if kind == "ConvTranspose2d":
            return self.add(
                "ConvTranspose",
                [*inputs, *self.weights(place, "weight", "bias")],
                kernel_shape=a["kernel"],
                strides=a["stride"],
                pads=[*a["padding"], *a["padding"]],
                output_padding=a["output_padding"],
            )
        if kind == "Linear":
            return self.add("Gemm", [*inputs, *self.weights(place, "weight", "bias")], transB=1)
        if kind == "BatchNorm2d":
            names = self.weights(place, "weight", "bias", "running_mean", "running_var")
            return self.add("BatchNormalization", [*inputs, *names], epsilon=a["eps"])
        if kind in ("MaxPool2d", "AvgPool2d"):
            operator = "MaxPool" if kind == "MaxPool2d" else "AveragePool"
            pads = _pads(a["padding"])
            return self.add(operator, inputs, kernel_shape=a["kernel"], strides=a["stride"], pads=pads)
        if kind == "ZeroPad2d":
            top, left, bottom, right = _pads(a["padding"])
            pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
            return self.add("Pad", [*inputs, self.constant(f"{place}.pads", pads)])
        if kind == "PositionBias":
            return self.add("Add", [*inputs, *self.weights(place, "bias")])
        assert kind == "Flatten", kind
        return self.add("Flatten", inputs, axis=1)


def _pads(padding: list[int]) -> list[int]:
    left, right, top, bottom = padding
    return [top, left, bottom, right]


def build(steps: list[Step], state: dict[str, np.ndarray], shape: tuple[int, ...]) -> bytes:
    """Return the model for batches of one shape."""
    graph, values = _Graph(state), ["x"]
    for kind, arguments, sources, place in steps:
        values.append(graph.step(kind, arguments, [values[source] for source in sources], place))
    made = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(values[-1], TensorProto.FLOAT, None)],
        list(graph.constants.values()),
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION)
    model = onnx.shape_inference.infer_shapes(model)  # the output must have one
    onnx.checker.check_model(model)
    return model.SerializeToString()
