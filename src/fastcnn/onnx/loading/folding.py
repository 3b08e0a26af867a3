"""Nodes that do not depend on the input, computed while a file is read: mostly arithmetic of shapes.

They are computed by the reference implementation of the onnx package, if their operator is one of those here,
which do nothing but compute, and if what they make is not larger than memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._shapes import check_size
from ...errors import DataError, FastcnnError, SizeError
from ..library import library
from .values import Known, known

_ITEMSIZE = 8  # of a number, at most
Arrays = Sequence[Any]  # None where an optional one is left out


def _broadcast(inputs: Arrays) -> Sequence[int]:
    return np.broadcast_shapes(*(each.shape for each in inputs if each is not None))


def _together(inputs: Arrays) -> Sequence[int]:
    return (sum(each.size for each in inputs if each is not None),)


def _of_values(inputs: Arrays) -> Sequence[int]:
    return [int(each) for each in inputs[0].ravel()]


def _expanded(inputs: Arrays) -> Sequence[int]:
    return np.broadcast_shapes(inputs[0].shape, tuple(int(each) for each in inputs[1].ravel()))


def _tiled(inputs: Arrays) -> Sequence[int]:
    return (inputs[0].size, *(int(each) for each in inputs[1].ravel()))


def _ranged(inputs: Arrays) -> Sequence[int]:
    start, limit, step = (float(np.ravel(each)[0]) for each in inputs if each is not None)
    return (max(math.ceil((limit - start) / step), 0),)


def _gathered(inputs: Arrays) -> Sequence[int]:
    table, places = inputs
    return (table.size // max(min(table.shape, default=1), 1), places.size)


def _product(inputs: Arrays) -> Sequence[int]:
    a, b = inputs[:2]
    return (a.size // max(a.shape[-1], 1) if a.ndim else 1, b.size // max(b.shape[0], 1) if b.ndim else 1)


# What each operator makes at most, as a shape.
_OPERATORS: dict[str, Callable[[Arrays], Sequence[int]]] = {
    **dict.fromkeys(
        (
            *("Abs", "Add", "And", "Cast", "CastLike", "Ceil", "Clip", "Div", "Equal", "Erf", "Exp", "Floor"),
            *("Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Log", "Max", "Mean", "Min"),
            *(
                "Mod",
                "Mul",
                "Neg",
                "Not",
                "Or",
                "Pow",
                "Reciprocal",
                "Relu",
                "Round",
                "Sigmoid",
                "Sign",
                "Sqrt",
            ),
            *("Sub", "Sum", "Tanh", "Where", "Xor"),
        ),
        _broadcast,
    ),
    **dict.fromkeys(
        (
            *("Concat", "Flatten", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"),
            *("Reshape", "Shape", "Size", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"),
        ),
        _together,
    ),
    "ConstantOfShape": _of_values,
    "Expand": _expanded,
    "Gather": _gathered,
    "MatMul": _product,
    "Range": _ranged,
    "Tile": _tiled,
}


FOLDED = frozenset(_OPERATORS)


def is_folded(kind: str) -> bool:
    """Whether nodes of an operator are computed if their inputs are known."""
    return kind in FOLDED


def fold(node: Any, inputs: Sequence[Known | None], opset: int, where: str, room: int) -> list[Known]:
    """Compute the outputs of a node.

    Parameters
    ----------
    node : NodeProto
        Of an operator that `is_folded`.
    inputs : sequence of Known or None
        None where an optional one is left out.
    opset : int
    where : str
        Opens messages.
    room : int
        Bytes that it may make.

    Raises
    ------
    DataError
        If it cannot be computed.
    """
    first = _folded(node, [each and each.first for each in inputs], opset, where, room)
    if all(each is None or each.fixed for each in inputs):
        return [known(each) for each in first]
    second = _folded(node, [each and each.second for each in inputs], opset, where, room)
    return [known(*each) for each in zip(first, second, strict=True)]


def _folded(node: Any, inputs: Arrays, opset: int, where: str, room: int) -> list[np.ndarray]:
    given = {name: each for name, each in zip(node.input, inputs, strict=True) if each is not None}
    try:
        shape = _OPERATORS[node.op_type](inputs)
        check_size(shape, _ITEMSIZE, "what it makes")
        if math.prod(shape) * _ITEMSIZE > room:
            raise SizeError(f"what it makes, of the shape {tuple(shape)}, is too much to be computed here")
        return computed(node, given, opset)
    except FastcnnError as error:
        raise DataError(f"{where}: {error}") from error
    except Exception as error:  # of any class
        raise DataError(f"{where}: cannot be computed: {error}") from error


def computed(node: Any, given: Mapping[str, np.ndarray], opset: int) -> list[np.ndarray]:
    """Return what the reference implementation makes of a node's inputs; it may raise anything."""
    helper = library().helper
    from onnx.reference import ReferenceEvaluator

    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(each.dtype), each.shape)
        for name, each in given.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], "node", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    with np.errstate(all="ignore"):
        return [np.asarray(each) for each in ReferenceEvaluator(model).run(None, dict(given))]
