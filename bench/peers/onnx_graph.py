"""A network of `layers.describe` as an ONNX model with its weights, as an exporter would write it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_OPSET = 17
_IR_VERSION = 8


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

    def weight(self, name: str) -> list[str]:
        """Return the name of an array of the state, or nothing if there is none."""
        if name not in self.state:
            return []
        return [self.constant(name, self.state[name])]

    def constant(self, name: str, array: np.ndarray) -> str:
        """Return the name of a constant."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def layer(self, layer: list[Any], x: str, path: str = "") -> str:
        """Append what a layer of `layers.describe` stands for; return the name of its output."""
        kind, a, children = layer
        if kind == "Sequential":
            for i, child in enumerate(children):
                x = self.layer(child, x, f"{path}{i}.")
            return x
        if kind in ("Residual", "DenseResidual"):
            y = self.layer(children[0], x, f"{path}body.")
            x = self.layer(children[1], x, f"{path}shortcut.") if children[1:] else x
            return self.add("Add", [x, y]) if kind == "Residual" else self.add("Concat", [x, y], axis=1)
        if kind == "Dropout":
            return x
        if kind == "Conv2d":
            return self.add(
                "Conv",
                [x, *self.weight(f"{path}weight"), *self.weight(f"{path}bias")],
                kernel_shape=a["kernel"],
                strides=a["stride"],
                pads=_pads(a["padding"]),
                dilations=a["dilation"],
                group=a["groups"],
            )
        if kind == "Linear":
            return self.add("Gemm", [x, *self.weight(f"{path}weight"), *self.weight(f"{path}bias")], transB=1)
        if kind == "BatchNorm2d":
            names = [f"{path}{name}" for name in ("weight", "bias", "running_mean", "running_var")]
            return self.add("BatchNormalization", [x, *(self.weight(n)[0] for n in names)], epsilon=a["eps"])
        if kind in ("MaxPool2d", "AvgPool2d"):
            operator = "MaxPool" if kind == "MaxPool2d" else "AveragePool"
            pads = _pads(a["padding"])
            return self.add(operator, [x], kernel_shape=a["kernel"], strides=a["stride"], pads=pads)
        if kind == "ZeroPad2d":
            top, left, bottom, right = _pads(a["padding"])
            pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
            return self.add("Pad", [x, self.constant(f"{path}pads", pads)])
        if kind == "PositionBias":
            return self.add("Add", [x, *self.weight(f"{path}bias")])
        plain = {"ReLU": "Relu", "AdaptiveAvgPool2d": "GlobalAveragePool"}
        return self.add("Flatten", [x], axis=1) if kind == "Flatten" else self.add(plain[kind], [x])


def _pads(padding: list[int]) -> list[int]:
    left, right, top, bottom = padding
    return [top, left, bottom, right]


def build(layer: list[Any], state: dict[str, np.ndarray], shape: tuple[int, ...]) -> bytes:
    """Return the model for batches of one shape."""
    graph = _Graph(state)
    output = graph.layer(layer, "x")
    made = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, (shape[0], "classes"))],
        list(graph.constants.values()),
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return model.SerializeToString()
