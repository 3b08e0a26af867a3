"""Fusions: patterns of neighbouring nodes that run as one, each in a function of its own."""

from __future__ import annotations

from .graph import Apply, Conv, Dense, Graph, Node


def _only_consumer(node: Node, graph: Graph) -> Node | None:
    """Return the one node that reads what `node` makes, or None."""
    if node.y is graph.output or len(node.y.consumers) != 1:
        return None
    return node.y.consumers[0]


def _absorb(graph: Graph, first: Node, second: Node) -> None:
    """Let `first` make what `second` made, and drop `second`."""
    first.y = second.y
    first.y.producer = first
    graph.nodes.remove(second)


def fuse_product_relu(graph: Graph) -> None:
    """Convolution or linear layer -> ReLU: one node that clips what it writes."""
    for node in list(graph.nodes):
        if isinstance(node, Conv | Dense) and not node.relu:
            after = _only_consumer(node, graph)
            if isinstance(after, Apply) and after.norm is None and after.relu and after.dropout is None:
                node.relu = True
                _absorb(graph, node, after)


def fuse_elementwise(graph: Graph) -> None:
    """Batch normalisation -> ReLU -> dropout: one elementwise node, in that order."""
    for node in list(graph.nodes):
        while isinstance(node, Apply) and node.dropout is None and node in graph.nodes:
            after = _only_consumer(node, graph)
            if not isinstance(after, Apply) or after.norm is not None or (node.relu and after.relu):
                break
            node.relu |= after.relu
            node.dropout = after.dropout
            _absorb(graph, node, after)


def fuse(graph: Graph) -> Graph:
    """Apply every fusion, in order."""
    fuse_elementwise(graph)
    fuse_product_relu(graph)
    return graph
