"""Fusions: patterns of neighbouring nodes that run as one, each in a function of its own."""

from __future__ import annotations

from .graph import Add, Apply, Conv, Dense, Graph, Node, NormPool, Pool


def _only_consumer(node: Node, graph: Graph) -> Node | None:
    """Return the one node that reads what `node` makes, or None."""
    if node.y is graph.output or len(node.y.consumers) != 1:
        return None
    return node.y.consumers[0]


def _absorb(graph: Graph, first: Node, second: Node) -> None:
    """Let `first` make what `second` made, and drop `second`."""
    first.y = second.y
    first.y.producer = first
    first.label += f" + {second.label}"
    graph.nodes.remove(second)


def fuse_relu(graph: Graph) -> None:
    """Convolution, linear layer or sum -> ReLU: one node that clips what it writes."""
    for node in list(graph.nodes):
        if isinstance(node, Conv | Dense | Add) and not node.relu:
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


def _share_no_pixel(pool: Pool) -> bool:
    """Tell whether the windows of a pool lie in the image and no pixel is in two of them."""
    inside = pool.taps.within((0, pool.x.height), (0, pool.x.width))
    counts = pool.taps.counts
    return bool(counts.all() and (inside.counts == counts).all() and pool.taps.disjoint)


def fuse_norm_pool(graph: Graph) -> None:
    """Batch normalisation (-> ReLU -> dropout) -> max-pooling: the full-size output is never written.

    Dropout needs the ReLU: where the output is 0, the gradient is 0, dropped or clipped.
    """
    for node in list(graph.nodes):
        if not isinstance(node, Apply) or node.norm is None or (node.dropout is not None and not node.relu):
            continue
        after = _only_consumer(node, graph)
        if isinstance(after, Pool) and after.factors is None and _share_no_pixel(after):
            label = f"{node.label} + {after.label}"
            fused = NormPool(
                node.x, after.y, node.norm, node.relu, node.dropout, after.taps, node.fixed, label=label
            )
            graph.nodes[graph.nodes.index(node)] = fused
            graph.nodes.remove(after)
            node.x.consumers[node.x.consumers.index(node)] = fused
            fused.y.producer = fused


def fuse(graph: Graph) -> Graph:
    """Apply every fusion, in order."""
    fuse_elementwise(graph)
    fuse_relu(graph)
    fuse_norm_pool(graph)
    return graph
