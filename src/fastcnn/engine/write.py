"""Writing a program: every node forward, then every node backward in reverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .graph import Add, Apply, Concat, Conv, Dense, Node, NormPool, Pool, Softmax
from .memory import Blob, External
from .nodes import conv, dense, merge, norm, norm_pool, pool, softmax
from .parts import Backward, Forward

_FORWARD: dict[type[Node], Callable[[Forward, Any], None]] = {
    Add: merge.forward_add,
    Apply: norm.forward,
    Concat: merge.forward_concat,
    Conv: conv.forward,
    Dense: dense.forward,
    NormPool: norm_pool.forward,
    Pool: pool.forward,
    Softmax: softmax.forward,
}
_BACKWARD: dict[type[Node], Callable[[Backward, Any], None]] = {
    Add: merge.backward_add,
    Apply: norm.backward,
    Concat: merge.backward_concat,
    Conv: conv.backward,
    Dense: dense.backward,
    NormPool: norm_pool.backward,
    Pool: pool.backward,
    Softmax: softmax.backward,
}


def _label(f: Forward, node: Node) -> str:
    """Return the layers of a node, with the batch normalisation that is part of its weights."""
    folded = f.folded.get(node)
    return node.label if folded is None else f"{node.label} + {folded.label}"


def _write_input(f: Forward, stays: bool) -> None:
    """Lay out the images; only convolutions read them an element at a time, and linear layers as they are."""
    graph, w = f.graph, f.writer
    value = graph.input
    if stays and w.layout.by_channels and all(isinstance(node, Dense) for node in value.consumers):
        f.blobs[value] = Blob(value.size, 1, 1, w.layout, padded=False, external="input")
        return
    padded = value is graph.output or not all(
        isinstance(node, Conv) and not node.depthwise for node in value.consumers
    )
    w.label = "input"
    w.from_nchw(x=f.blob(value, padded), images=External("input", value.size), channels=value.channels)


def write_forward(f: Forward, input_stays: bool) -> None:
    """Write the forward part: images in, every node. The input may stay: the whole program then has it."""
    graph, w = f.graph, f.writer
    for node in graph.nodes:
        if isinstance(node, Apply | NormPool):
            w.label = node.label
            norm.prepare(f, node)
    _write_input(f, input_stays)
    for node in graph.nodes:
        w.label = _label(f, node)
        _FORWARD[type(node)](f, node)


def write_output(f: Forward) -> None:
    """Write the results out."""
    value, w = f.graph.output, f.writer
    w.label = "output"
    w.to_nchw(images=External("output", value.size), x=f.blobs[value], channels=value.channels)


def write_output_grad(b: Backward) -> None:
    """Lay out the gradient of the output."""
    value, w = b.forward.graph.output, b.writer
    dy, _ = b.target(value)
    w.label = "output"
    w.from_nchw(x=dy, images=External("output_grad", value.size), channels=value.channels)


def write_backward(b: Backward) -> None:
    """Write the backward part from the output's gradient: nodes in reverse, the input's gradient out.

    It ends at what is trained: a node whose output depends on nothing that is has no backward pass.
    """
    graph, w = b.forward.graph, b.writer
    for node in reversed(graph.nodes):
        if not b.wanted(node.y):
            continue
        w.label = node.label
        _BACKWARD[type(node)](b, node)
        masked = node.clipped and node.y not in b.masked  # then the product's gradient is a blob of its own
        if masked or not node.reads_gradient_late:
            b.used_up.add(node.y)
    if b.input_gradient:
        value = graph.input
        w.label = "input"
        w.to_nchw(images=External("input_grad", value.size), x=b.grads[value], channels=value.channels)
