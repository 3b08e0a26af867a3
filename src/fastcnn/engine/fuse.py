"""Fusions: nodes that run as one with the only reader of what they make; a kind of node says with which."""

from __future__ import annotations

from .graph import Graph, Node


def fuse(graph: Graph) -> Graph:
    """Join nodes wherever they can be.

    It goes backwards, so that what follows a node has been joined to the end before the node is asked: behind
    a convolution, ReLU and dropout are one elementwise node then, and stay so.
    """
    for node in reversed(list(graph.nodes)):
        while (after := node.y.only_reader) is not None:
            both = node.joined(after, graph.training)
            if both is None:
                break
            both.label = f"{node.label} + {after.label}"
            _replace(graph, node, after, both)
            node = both
    return graph


def _replace(graph: Graph, node: Node, after: Node, both: Node) -> None:
    """Put `both` in the place of the first of two nodes, or of the second if that reads other values too."""
    kept, gone = (node, after) if len(after.inputs) == 1 else (after, node)
    graph.nodes[graph.nodes.index(kept)] = both
    graph.nodes.remove(gone)
    both.y.producer = both
    for old in (node, after):
        for value in old.inputs:
            value.consumers = [each for each in value.consumers if each is not old]
    for value in both.inputs:
        value.consumers.append(both)
