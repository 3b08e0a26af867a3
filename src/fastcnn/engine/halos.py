"""The halos of zeros around values and their gradients: found for all nodes before anything is written.

A value has the halo that the widest of its readers reads. So has a gradient; it is read by the node that made
the value, and where that only hands it on, by those before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .graph import Add, Apply, Conv, Dense, Graph, Node, NormPool, Pool, Value
from .memory import NO_HALO, Halo, widest
from .nodes import conv, conv_input, norm, pool


def value_halos(graph: Graph, folded: Mapping[Conv, Apply | NormPool]) -> dict[Value, Halo]:
    """Return the halos of values, of those that have one.

    Where a normalisation is part of a convolution's weights, its output is what the convolution has written.
    """
    halos: dict[Value, Halo] = {}
    for node in graph.nodes:
        if isinstance(node, Conv):
            halo = conv.input_halo(node)
        elif isinstance(node, Pool):
            halo = pool.input_halo(node)
        else:
            continue
        halos[node.x] = widest(halos.get(node.x, NO_HALO), halo)
    for norm_node in folded.values():
        if isinstance(norm_node, Apply):
            halos[norm_node.x] = halos.get(norm_node.y, NO_HALO)
    return halos


def masked_gradients(graph: Graph, wanted: set[Value]) -> set[Value]:
    """Return the values whose gradient their one reader writes behind the mask of the ReLU that made them."""
    found = set()
    for node in graph.nodes:
        masks = (isinstance(node, Pool) and pool.masks_gradient(node)) or (
            isinstance(node, Apply) and norm.masks_gradient(node)
        )
        if masks and node.x in wanted and node.x is not graph.output:
            found.add(node.x)
    return found


@dataclass(frozen=True)
class GradientHalos:
    """The halos of gradients.

    Attributes
    ----------
    before, behind : dict
        By the node that made a value: of its gradient, and of the same behind the node's ReLU.
    """

    before: dict[Node, Halo]
    behind: dict[Node, Halo]

    def of_gradient(self, value: Value) -> Halo:
        """Return that of a value's gradient."""
        return NO_HALO if value.producer is None else self.before.get(value.producer, NO_HALO)

    def masked(self, node: Node) -> Halo:
        """Return that of the gradient of a node's output behind the node's ReLU."""
        return self.behind.get(node, NO_HALO)


def gradient_halos(graph: Graph, wanted: set[Value], masked: set[Value]) -> GradientHalos:
    """Return the halos of gradients, where those of some values are written behind their ReLU."""
    halos = GradientHalos({}, {})
    for node in graph.nodes:
        if node.y not in wanted:
            continue
        if isinstance(node, Conv) and node.x in wanted:
            read = widest(NO_HALO, conv_input.gradient_halo(node))
        elif isinstance(node, Add) or norm.hands_on(node, masked=node.y in masked):
            read = widest(NO_HALO, *(halos.of_gradient(value) for value in node.inputs if value in wanted))
        else:
            continue
        halos.behind[node] = read
        own_copy = isinstance(node, Add | Conv | Dense) and node.relu and node.y not in masked
        halos.before[node] = NO_HALO if own_copy else read
    return halos
