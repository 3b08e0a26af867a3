"""ONNX files that tests write node by node."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save(
    path,
    nodes,
    shape=("N", 4, 6, 7),
    opset=18,
    arrays=None,
    inputs=None,
    outputs=("y",),
    kind=TensorProto.FLOAT,
):
    """Write a file of nodes, each a tuple (operator, inputs, outputs, attributes)."""
    made = [
        helper.make_node(op, ins.split(), outs.split(), name=f"{op}_{i}", **(more[0] if more else {}))
        for i, (op, ins, outs, *more) in enumerate(nodes)
    ]
    entries = inputs or {"x": shape}
    graph = helper.make_graph(
        made,
        "graph",
        [helper.make_tensor_value_info(name, kind, sizes) for name, sizes in entries.items()],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (arrays or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    onnx.save(model, path)
    return path
