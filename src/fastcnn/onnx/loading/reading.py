"""The nodes of an ONNX file, each read into what it makes."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FastcnnError
from ..library import library
from . import elements, norms, parts, pools, products, resampling, shapes  # noqa: F401
from .elements import aligned
from .folding import fold, is_folded
from .network import Network
from .nodes import RULES, RefusedError, Source
from .values import Absent, Known, Made, as_computed, known, to_array

# What leaves the elements of an array as they are: it is the file's own still, and not computed.
_MOVES = {"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
# The oldest version that the onnx package computes; what is computed means the same in older ones.
_OLDEST_FOLDED = 9


def read_node(net: Network, node: Any, opset: int, folder: Path) -> None:
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
    if opset < 7:
        inputs = aligned(source, inputs)
    if id(node) in net.absorbed:
        made: Any = next(each for each in inputs if isinstance(each, Made))
    elif node.op_type == "Constant":
        made = _constant(source, node, folder)
    elif inputs and is_folded(node.op_type) and all(isinstance(each, Known | None) for each in inputs):
        made = fold(node, inputs, max(opset, _OLDEST_FOLDED), source.where, net.room)
        net.room -= sum(each.first.nbytes for each in made)
        if node.op_type in _MOVES and isinstance(inputs[0], Known):
            made = [each._replace(name=inputs[0].name) for each in made]
    elif node.op_type in RULES:
        function = RULES[node.op_type]
        try:
            inspect.signature(function).bind(net, source, *inputs)
        except TypeError:
            source.refuse(f"has {len(inputs)} inputs, which do not fit")
        try:
            made = function(net, source, *inputs)
        except FastcnnError as error:
            if str(error).startswith(source.where):
                raise
            raise RefusedError(f"{source.where}: {error}") from error
    else:
        source.refuse(
            "is no operator that is known here"
            + (" for what depends on the input" if is_folded(node.op_type) else "")
            + f"; those are {', '.join(sorted(RULES))}"
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
        return known(as_computed(to_array(tensor, folder, source.where)))
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
