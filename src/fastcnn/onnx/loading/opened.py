"""An ONNX file that was parsed, once: its notes and its network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ... import nn
from ..._shapes import available_bytes
from ...errors import DataError
from ...zoo.building import build_layers
from ...zoo.graph_module import GraphModule
from ..library import library
from .files import is_text, opset_of, read_model
from .inputs import input_names, input_shapes
from .network import Network
from .nodes import RefusedError
from .reading import read_node
from .values import Absent, Known, Made, Row, as_computed, known, to_array

# Bytes that nodes may make while a file is read, besides as much again as its arrays have.
_MOST_COMPUTED = 2**30
# The exporters that give arrays the names of parameters, and what fastcnn's names of constants have.
_WITH_NAMES = ("fastcnn", "pytorch")
_CONSTANTS = "/"


class Opened:
    """A file; it raises as `fastcnn.onnx.load` does.

    Parameters
    ----------
    path : str or path
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._name = os.fspath(path)
        self._model = read_model(self._name)

    @property
    def metadata(self) -> dict[str, str]:
        """Its notes."""
        notes = [(each.key, each.value) for each in self._model.metadata_props]
        return {key: value for key, value in notes if is_text(key) and isinstance(value, str)}

    def network(self, input_shape: Sequence[Any] | None = None) -> GraphModule:
        """Return its network; see `fastcnn.onnx.load`."""
        name, folder = self._name, Path(self._name).parent
        graph, opset = self._model.graph, opset_of(self._model, name)
        maker = self._model.producer_name
        arrays = _arrays(graph, folder, name, _CONSTANTS if maker == "fastcnn" else None)
        entries = [each for each in graph.input if each.name not in arrays]
        shapes = input_shapes(entries, input_shape, name)
        net = Network(dict(zip(input_names(entries), shapes, strict=True)), name)
        net.values |= arrays
        net.room = min(_MOST_COMPUTED, available_bytes() // 4) + sum(
            each.first.nbytes for each in arrays.values()
        )
        net.has_names = maker in _WITH_NAMES
        net.batches = _batches(entries)
        for number, (entry, shape) in enumerate(zip(entries, shapes, strict=True)):
            net.values[entry.name] = Made(number, shape)
        for node in graph.node:
            for each in node.input:
                net.users.setdefault(each, []).append(node)
        for each in graph.output:
            net.users.setdefault(each.name, []).append(None)
        for node in graph.node:
            read_node(net, node, opset, folder)
        whole, several = net.finished(_output(graph, net)), len(shapes) > 1
        with nn.init.undrawn():
            result = build_layers(whole, shapes if several else shapes[0])
        assert isinstance(result, GraphModule)
        _fill(result, net, entries)
        result.input_shape = tuple(shapes) if several else shapes[0]
        result.eval()
        return result


def _arrays(graph: Any, folder: Path, path: str, mark: str | None) -> dict[str, Known]:
    """Return the arrays of a file by name; those with a mark in their names are constants."""
    if graph.sparse_initializer:
        raise DataError(f"{path}: sparse arrays are not known here")
    found: dict[str, Known] = {}
    for tensor in graph.initializer:
        where = f"{path}: array {tensor.name[:200]!r}"
        if not is_text(tensor.name) or tensor.name in found:
            raise DataError(f"{where}: must have a name of its own")
        name = "" if mark is not None and mark in tensor.name else tensor.name
        found[tensor.name] = known(as_computed(to_array(tensor, folder, where)), name=name)
    return found


def _batches(entries: Sequence[Any]) -> set[int]:
    """Return how many samples a file has written down, if it has."""
    found = set()
    for each in entries:
        sizes = each.type.tensor_type.shape.dim
        if sizes and sizes[0].dim_value > 0:
            found.add(sizes[0].dim_value)
    return found


def _output(graph: Any, net: Network) -> Any:
    """Return the numbers of what the network returns: of one output, or of several by name."""
    found: dict[str, int] = {}
    for each in graph.output:
        where, value = f"{net.path}: output {each.name[:200]!r}", net.values.get(each.name)
        if not is_text(each.name):
            raise DataError(f"{where}: must have a name of its own")
        if each.name in found:
            raise DataError(f"{where} stands there twice")
        if isinstance(value, Absent):
            raise DataError(f"{where} is one that is not known here of {value.where}")
        if isinstance(value, Row):
            raise DataError(f"{where} mixes the samples of a batch, in a row since {value.where}")
        if not isinstance(value, Made):
            raise DataError(f"{where} does not depend on the input")
        found[each.name] = value.number
    if not found:
        raise DataError(f"{net.path}: has no output")
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
            wanted = "no such array" if own is None else f"the shape {tuple(own.shape)}"
            raise RefusedError(f"{net.origins[name]}: {name} must have {wanted}, got {array.shape}")
    model.load_state_dict(net.state)
    for name in net.frozen:
        model.get_parameter(name).requires_grad = False
