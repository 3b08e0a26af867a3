"""Networks read from ONNX files."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ... import nn
from ...errors import DataError
from ...zoo.building import build_layers
from ...zoo.graph_module import GraphModule
from ..library import library
from . import elements, norms, parts, pools, products, resampling  # noqa: F401
from . import shapes as _shapes  # noqa: F401
from .files import read_model, with_opset
from .folding import fold, is_folded
from .inputs import input_names, input_shapes
from .network import Network
from .nodes import RULES, RefusedError, Source
from .values import Above, Absent, Known, Made, known, to_array

__all__ = ["load", "operators", "read_metadata"]

# What leaves the elements of an array as they are: it is the file's own still, and not computed.
_MOVES = {"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}


def operators() -> list[str]:
    """Return the operators that nodes of a file may have; those of shapes only where these are known."""
    return sorted(RULES)


def read_metadata(path: str | PathLike[str]) -> dict[str, str]:
    """Return the notes that an ONNX file carries.

    Raises
    ------
    ImportError
        If the onnx package is not installed.
    DataError
        If the file cannot be read.
    """
    return {each.key: each.value for each in read_model(path).metadata_props}


def load(path: str | PathLike[str], input_shape: Sequence[Any] | None = None) -> GraphModule:
    """Return the network that an ONNX file holds, with its weights.

    It is a module like others: it predicts, is compiled, and can be trained. Its layers have the names of
    their arrays in the file; arrays that stand beside layers are parameters, and constants parameters that
    are not trained. The first axis of each input is the batch, of any size.

    Parameters
    ----------
    path : str or path
        Arrays that stand in other files must lie in its folder.
    input_shape : (C, H, W), (C, L) or (F,), or a sequence of those, optional
        Shape of one sample, where the file leaves sizes open.

    Returns
    -------
    GraphModule
        In evaluation mode. Its attribute `input_shape` is the shape of a sample, or a tuple of several.

    Raises
    ------
    ImportError
        If the onnx package is not installed.
    DataError
        If the file cannot be read, is damaged, or has a node that has no form here; the message names it.
    ShapeError
        If input_shape is no shape, does not fit, or is needed.
    """
    name = os.fspath(path)
    model, opset = with_opset(read_model(name), name)
    graph = model.graph
    folder = Path(name).parent
    arrays: dict[str, Known] = {}
    for tensor in graph.initializer:
        arrays[tensor.name] = known(
            _numbers(to_array(tensor, folder, f"{name}: array {tensor.name[:200]!r}")), name=tensor.name
        )
    if graph.sparse_initializer:
        raise DataError(f"{name}: sparse arrays are not known here")
    entries = [each for each in graph.input if each.name not in arrays]
    shapes = input_shapes(entries, input_shape, name)
    net = Network(dict(zip(input_names(entries), shapes, strict=True)), name)
    net.values |= arrays
    net.batches = {each.type.tensor_type.shape.dim[0].dim_value for each in entries if _has_batch(each)} or {
        1
    }
    for number, (entry, shape) in enumerate(zip(entries, shapes, strict=True)):
        net.values[entry.name] = Made(number, shape)
    for node in graph.node:
        for each in node.input:
            net.users.setdefault(each, []).append(node)
    for each in graph.output:
        net.users.setdefault(each.name, []).append(None)
    for node in graph.node:
        _read(net, node, opset, folder)
    output = _output(graph, net.values, name)
    several = len(shapes) > 1
    with nn.init.undrawn():
        result = build_layers(net.finished(output), shapes if several else shapes[0])
    assert isinstance(result, GraphModule)
    _fill(result, net, entries)
    result.input_shape = tuple(shapes) if several else shapes[0]
    result.eval()
    return result


def _has_batch(entry: Any) -> bool:
    """Tell whether a file has written down how many samples an input has."""
    sizes = entry.type.tensor_type.shape.dim
    return bool(sizes) and sizes[0].dim_value > 0


def _numbers(array: np.ndarray) -> np.ndarray:
    """Return float16 numbers as float32, in which is computed."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _read(net: Network, node: Any, opset: int, folder: Path) -> None:
    """Read a node, and note what its outputs are."""
    source, values = Source(node, opset, net.path), net.values
    if node.domain not in ("", "ai.onnx"):
        source.refuse(f"operators of {node.domain[:100]!r} are not known here")
    missing = [each for each in node.input if each not in values]
    if missing:
        source.refuse(f"{missing[0][:200]!r} is made by no node before it")
    inputs = [values[each] for each in node.input]
    for name, each in zip(node.input, inputs, strict=True):
        if isinstance(each, Absent):
            source.refuse(f"reads {name[:200]!r}, an output that is not known here of {each.where}")
    if id(node) in net.absorbed:
        made: Any = next(each for each in inputs if isinstance(each, Made))
    elif node.op_type == "Constant":
        made = _constant(source, node, folder)
    elif inputs and is_folded(node.op_type) and not any(isinstance(each, Made | Above) for each in inputs):
        made = fold(node, inputs, opset, source.where)
        if node.op_type in _MOVES and isinstance(inputs[0], Known):
            made = [each._replace(name=inputs[0].name) for each in made]
    elif node.op_type in RULES:
        function = RULES[node.op_type]
        try:
            inspect.signature(function).bind(net, source, *inputs)
        except TypeError:
            source.refuse(f"has {len(inputs)} inputs, which do not fit")
        made = function(net, source, *inputs)
    else:
        source.refuse(
            "is no operator that is known here"
            + (" for what depends on the input" if is_folded(node.op_type) else "")
            + f"; those are {', '.join(operators())}"
        )
    outputs = made if isinstance(made, list) else [made]
    for name in node.output:
        if name in values and name:
            source.refuse(f"{name[:200]!r} is made a second time")
    for name, each in zip(node.output, outputs, strict=False):
        if name:
            values[name] = each
    values |= {name: Absent(source.where) for name in node.output[len(outputs) :] if name}


def _constant(source: Source, node: Any, folder: Path) -> Known:
    """Return the array of a node that is one."""
    tensor = source.get("value")
    if isinstance(tensor, library().TensorProto):
        return known(_numbers(to_array(tensor, folder, source.where)))
    for key, kind in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        found = source.get(key)
        if found is not None:
            try:
                return known(np.array(found, kind))
            except (TypeError, ValueError, OverflowError) as error:
                source.refuse(f"{key} must be numbers: {error}")
    source.refuse("holds no numbers")


def _output(graph: Any, values: Mapping[str, Any], path: str) -> Any:
    """Return the numbers of what the network returns: of one output, or of several by name."""
    found = {}
    for each in graph.output:
        value = values.get(each.name)
        if isinstance(value, Absent):
            raise DataError(
                f"{path}: output {each.name[:200]!r} is one that is not known here of {value.where}"
            )
        if not isinstance(value, Made):
            raise DataError(f"{path}: output {each.name[:200]!r} does not depend on the input")
        found[each.name] = value.number
    if not found:
        raise DataError(f"{path}: has no output")
    return next(iter(found.values())) if len(found) == 1 else found


def _fill(model: nn.Module, net: Network, entries: Sequence[Any]) -> None:
    """Give parameters and buffers what the file holds."""
    proto = library().TensorProto
    if entries[0].type.tensor_type.elem_type == proto.DOUBLE:
        model.double()
    known_names = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, array in net.state.items():
        own = known_names.get(name)
        if own is None or tuple(own.shape) != array.shape:
            raise RefusedError(f"{net.path}: array {name!r} of the shape {array.shape} fits no layer")
    model.load_state_dict(net.state)
    for name in net.frozen:
        model.get_parameter(name).requires_grad = False
