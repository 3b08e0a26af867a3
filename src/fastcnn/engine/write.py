"""Writing a program: every node forward, then every node backward in reverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .graph import Add, Apply, Concat, Conv, Dense, Node, NormPool, Pool, Value
from .memory import External
from .nodes import conv, dense, merge, norm, norm_pool, pool
from .parts import Backward, Forward

_FORWARD: dict[type[Node], Callable[[Forward, Any], None]] = {
    Add: merge.forward_add,
    Apply: norm.forward,
    Concat: merge.forward_concat,
    Conv: conv.forward,
    Dense: dense.forward,
    NormPool: norm_pool.forward,
    Pool: pool.forward,
}
_BACKWARD: dict[type[Node], Callable[[Backward, Any], None]] = {
    Add: merge.backward_add,
    Apply: norm.backward,
    Concat: merge.backward_concat,
    Conv: conv.backward,
    Dense: dense.backward,
    NormPool: norm_pool.backward,
    Pool: pool.backward,
}


def _sizes(value: Value) -> list[int]:
    return [value.pixels, value.channels]


def _label(f: Forward, node: Node) -> str:
    """Return the layers of a node, with the batch normalisation that is part of its weights."""
    folded = f.folded.get(node) if isinstance(node, Conv) else None
    return node.label if folded is None else f"{node.label} + {folded.label}"


def write_forward(f: Forward) -> None:
    """Write the forward part: images in, every node, results out."""
    graph, w = f.graph, f.writer
    if not f.training:
        norm.find_folded(f)
    source = f.blob(graph.input)
    for node in graph.nodes:
        if isinstance(node, Apply | NormPool):
            w.label = node.label
            norm.prepare(f, node)
    w.label = "input"
    w.add("pack", [source, External("input", graph.input.size)], [source.pixels], _sizes(graph.input))
    for node in graph.nodes:
        w.label = _label(f, node)
        _FORWARD[type(node)](f, node)
    result = f.blobs[graph.output]
    w.label = "output"
    w.add("unpack", [External("output", graph.output.size), result], [result.pixels], _sizes(graph.output))


def write_backward(b: Backward) -> None:
    """Write the backward part: the output's gradient in, every node in reverse, the input's gradient out."""
    graph, w = b.forward.graph, b.writer
    dy, _ = b.target(graph.output)
    w.label = "output"
    w.add("pack", [dy, External("output_grad", graph.output.size)], [dy.pixels], _sizes(graph.output))
    for node in reversed(graph.nodes):
        w.label = node.label
        _BACKWARD[type(node)](b, node)
    if b.input_gradient:
        dx = b.grads[graph.input]
        w.label = "input"
        w.add("unpack", [External("input_grad", graph.input.size), dx], [dx.pixels], _sizes(graph.input))
