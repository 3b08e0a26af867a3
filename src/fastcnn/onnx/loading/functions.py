"""Functions that an ONNX file has of its own, put in the place of their calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ...errors import DataError

# Nodes of a file, functions that call each other, and bytes of what they make together.
_MOST_NODES = 100_000
_MOST_LEVELS = 100
_MOST_BYTES = 2**28
Key = tuple[str, str, str]
_WHOLE: Key = ("", "", "")  # the graph, among functions


def inlined(model: Any, path: str) -> Any:
    """Return a model without functions.

    The onnx package does it; how many nodes that makes is known before, for a few functions that call each
    other make more than any memory holds.

    Raises
    ------
    DataError
        If it cannot be done, or there are too many nodes.
    """
    if model.functions:
        _check(model, path)
        import onnx.inliner

        try:
            model = onnx.inliner.inline_local_functions(model)
        except Exception as error:  # of any class
            raise DataError(f"{path}: its functions cannot be read: {error}") from error
    if len(model.graph.node) > _MOST_NODES:
        raise DataError(f"{path}: more than {_MOST_NODES:,} nodes")
    return model


def _check(model: Any, path: str) -> None:
    """Refuse functions that call each other in a circle, and those that make too much."""
    bodies = {(each.domain, each.name, each.overload): each.node for each in model.functions}
    if len(bodies) != len(model.functions):
        raise DataError(f"{path}: two of its functions have one name")
    bodies[_WHOLE] = model.graph.node
    calls = {key: Counter(_calls(body)) for key, body in bodies.items()}
    left = dict.fromkeys(bodies)
    nodes: dict[Key, int] = {}
    sizes: dict[Key, int] = {}
    for _ in range(_MOST_LEVELS):
        ready = [key for key in left if not any(each in left for each in calls[key])]
        for key in ready:
            nodes[key] = sum(count * nodes.get(each, 1) for each, count in calls[key].items())
            own = sum(each.ByteSize() for each in bodies[key])
            sizes[key] = own + sum(count * sizes.get(each, 0) for each, count in calls[key].items())
            if nodes[key] > _MOST_NODES:
                raise DataError(f"{path}: more than {_MOST_NODES:,} nodes")
            if sizes[key] > _MOST_BYTES:
                raise DataError(f"{path}: its functions make more than {_MOST_BYTES:,} bytes of nodes")
            del left[key]
    if left:
        raise DataError(f"{path}: its functions call each other in a circle, or through too many others")


def _calls(nodes: Iterable[Any]) -> Iterator[Key]:
    """Yield what nodes call, those of graphs inside them too."""
    for node in nodes:
        yield node.domain, node.op_type, node.overload
        for attribute in node.attribute:
            for each in (attribute.g, *attribute.graphs):
                yield from _calls(each.node)
