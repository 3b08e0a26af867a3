"""Writing a program: every node forward, then every node backward in reverse."""

from __future__ import annotations

from .graph import Node
from .memory import Blob, External
from .parts import Backward, Forward


def _label(f: Forward, node: Node) -> str:
    """Return the layers of a node, with the batch normalisation that is part of its weights."""
    folded = f.folded.get(node)
    return node.label if folded is None else f"{node.label} + {folded.label}"


def _write_input(f: Forward, stays: bool) -> None:
    """Lay out the images; only convolutions read them an element at a time, and linear layers as they are."""
    graph, w = f.graph, f.writer
    value = graph.input
    if stays and w.layout.by_channels and all(node.reads_rows for node in value.consumers):
        f.blobs[value] = Blob(value.size, 1, 1, w.layout, padded=False, external="input")
        return
    padded = value is graph.output or not all(node.reads_elements for node in value.consumers)
    w.label = "input"
    w.from_nchw(x=f.blob(value, padded), images=External("input", value.size), channels=value.channels)


def write_forward(f: Forward, input_stays: bool) -> None:
    """Write the forward part: images in, every node. The input may stay: the whole program then has it."""
    graph, w = f.graph, f.writer
    for node in graph.nodes:
        w.label = node.label
        node.prepare(f)
    _write_input(f, input_stays)
    for node in graph.nodes:
        w.label = _label(f, node)
        node.forward(f)


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
        node.backward(b)
        own_copy = node.copies_gradient and node.y not in b.masked
        if own_copy or not node.reads_gradient_late:
            b.used_up.add(node.y)
    if b.input_gradient:
        value = graph.input
        w.label = "input"
        w.to_nchw(images=External("input_grad", value.size), x=b.grads[value], channels=value.channels)
