"""The halos of zeros around values and their gradients: found for all nodes before anything is written.

A value has the halo that the widest of its readers reads. So has a gradient; it is read by the node that made
the value, and where that only hands it on, by those before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .graph import Graph, Node, Value
from .memory import NO_HALO, Halo, widest


def value_halos(graph: Graph, folded: Mapping[Node, Node]) -> dict[Value, Halo]:
    """Return the halos of values, of those that have one.

    Where a normalisation is part of a convolution's weights, its output is what the convolution has written.
    """
    halos: dict[Value, Halo] = {}
    for node in graph.nodes:
        if (read := node.input_halo()) != NO_HALO:
            halos[node.x] = widest(halos.get(node.x, NO_HALO), read)
    for node in folded.values():
        if node.elementwise:
            halos[node.x] = halos.get(node.y, NO_HALO)
    return halos


def masked_gradients(graph: Graph, wanted: set[Value]) -> set[Value]:
    """Return the values whose gradient their one reader passes through the activation that made them."""
    return {node.x for node in graph.nodes if node.masks_gradient and node.x in wanted}


@dataclass(frozen=True)
class GradientHalos:
    """The halos of gradients.

    Attributes
    ----------
    before, behind : dict
        By the node that made a value: of its gradient, and of the same in front of the node's activation.
    """

    before: dict[Node, Halo]
    behind: dict[Node, Halo]

    def of_gradient(self, value: Value) -> Halo:
        """Return that of a value's gradient."""
        return NO_HALO if value.producer is None else self.before.get(value.producer, NO_HALO)

    def masked(self, node: Node) -> Halo:
        """Return that of the gradient in front of a node's activation."""
        return self.behind.get(node, NO_HALO)


def gradient_halos(graph: Graph, wanted: set[Value], masked: set[Value]) -> GradientHalos:
    """Return the halos of gradients, where those of some values are passed through their activation."""
    halos = GradientHalos({}, {})
    for node in graph.nodes:
        if node.y not in wanted:
            continue
        masked_here = node.y in masked
        reads = node.x in wanted or (node.weight_reads_halo and node.trained)
        read = node.gradient_halo() if reads else NO_HALO
        if node.hands_on(masked_here):
            inputs = [halos.of_gradient(value) for value in node.inputs if value in wanted]
            read = widest(read, *inputs)
        if read == NO_HALO:
            continue
        halos.behind[node] = widest(NO_HALO, read)
        own_copy = node.copies_gradient and not masked_here
        halos.before[node] = NO_HALO if own_copy else halos.behind[node]
    return halos
