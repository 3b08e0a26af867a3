"""Writing a program: every node forward, then every node backward in reverse."""

from __future__ import annotations

from .graph import Node, Value
from .memory import Blob, External
from .parts import Backward, Forward


def _label(f: Forward, node: Node) -> str:
    """Return the layers of a node, with the batch normalisation that is part of its weights."""
    folded = f.folded.get(node)
    return node.label if folded is None else f"{node.label} + {folded.label}"


def names(what: str, count: int) -> list[str]:
    """Return what a program calls so many arrays of the caller: "input", or "input 0", "input 1" ..."""
    return [what] if count == 1 else [f"{what} {i}" for i in range(count)]


def _write_input(f: Forward, value: Value, name: str, stays: bool) -> None:
    """Lay out samples; only convolutions read them an element at a time, and linear layers as they are."""
    w = f.writer
    # Narrow rows are a copy, which stays in any case.
    rows = (stays or w.element.narrow) and all(node.reads_rows for node in value.consumers)
    w.label = "input"
    if not (rows and w.layout.by_channels):
        padded = not all(node.reads_elements for node in value.consumers)
        w.from_nchw(x=f.blob(value, padded), images=External(name, value.size), channels=value.channels)
    elif w.element.narrow:
        f.blobs[value] = w.blob(value.size, 1, 1)
        w.from_nchw(x=f.blobs[value], images=External(name, value.size), channels=value.size)
    else:
        f.blobs[value] = Blob(value.size, 1, 1, w.layout, padded=False, external=name, dtype=w.element.value)


def write_forward(f: Forward, inputs_stay: bool) -> None:
    """Write the forward part: samples in, every node. Inputs may stay: the whole program then has them."""
    graph, w = f.graph, f.writer
    for node in graph.nodes:
        w.label = node.label
        with f.in_hand(node):
            node.prepare(f)
    for name, value in zip(names("input", len(graph.inputs)), graph.inputs, strict=True):
        if value.consumers:
            with f.storing(value):
                _write_input(f, value, name, inputs_stay)
    for node in graph.nodes:
        w.label = _label(f, node)
        with f.in_hand(node):
            node.forward(f)
        f.settle(node.y)


def write_outputs(f: Forward) -> None:
    """Write the results out."""
    w, outputs = f.writer, f.graph.outputs
    w.label = "output"
    for name, value in zip(names("output", len(outputs)), outputs, strict=True):
        with f.storing(value):
            w.to_nchw(images=External(name, value.size), x=f.blobs[value], channels=value.channels)


def write_output_grads(b: Backward) -> None:
    """Lay out the gradients of the outputs."""
    w, outputs = b.writer, b.forward.graph.outputs
    w.label = "output"
    for name, value in zip(names("output_grad", len(outputs)), outputs, strict=True):
        if b.wanted(value):
            with b.forward.storing(value):
                dy = b.blob(value)
                w.from_nchw(x=dy, images=External(name, value.size), channels=value.channels)
            b.give(value, dy)


def write_backward(b: Backward) -> None:
    """Write the backward part from the outputs' gradients: nodes in reverse, the inputs' gradients out.

    It ends at what is trained: a node whose output depends on nothing that is has no backward pass.
    """
    graph, w = b.forward.graph, b.writer
    for node in reversed(graph.nodes):
        if not b.wanted(node.y):
            continue
        w.label = node.label
        with b.forward.in_hand(node):
            node.backward(b)
        b.settle()
        own_copy = node.copies_gradient and node.y not in b.masked
        if own_copy or not node.reads_gradient_late:
            b.used_up.add(node.y)
    for name, value in zip(names("input_grad", len(graph.inputs)), graph.inputs, strict=True):
        if b.input_gradient and value in b.grads:
            w.label = "input"
            with b.forward.storing(value):
                w.to_nchw(images=External(name, value.size), x=b.grads[value], channels=value.channels)
