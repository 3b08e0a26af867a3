"""The halos of zeros around values and their gradients: found for all nodes before anything is written.

A value has the halo that the widest of its readers reads. So has a gradient; it is read by the node that made
the value, and where that only hands it on, by those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .graph import Add, Apply, Conv, Graph, Node, NormPool, Pool, Value
from .memory import NO_HALO, Halo, widest
from .nodes import conv, conv_input, norm, pool

_INPUT_HALOS: dict[type[Node], Callable[[Any], Halo]] = {Conv: conv.input_halo, Pool: pool.input_halo}
_MASKS: dict[type[Node], Callable[[Any], bool]] = {Apply: norm.masks_gradient, Pool: pool.masks_gradient}


def value_halos(graph: Graph, folded: Mapping[Node, Apply | NormPool]) -> dict[Value, Halo]:
    """Return the halos of values, of those that have one.

    Where a normalisation is part of a convolution's weights, its output is what the convolution has written.
    """
    halos: dict[Value, Halo] = {}
    for node in graph.nodes:
        if (input_halo := _INPUT_HALOS.get(type(node))) is not None:
            halos[node.x] = widest(halos.get(node.x, NO_HALO), input_halo(node))
    for norm_node in folded.values():
        if isinstance(norm_node, Apply):
            halos[norm_node.x] = halos.get(norm_node.y, NO_HALO)
    return halos


def masked_gradients(graph: Graph, wanted: set[Value]) -> set[Value]:
    """Return the values whose gradient their one reader writes behind the mask of the ReLU that made them."""
    found = set()
    for node in graph.nodes:
        masks = _MASKS.get(type(node))
        if masks is not None and masks(node) and node.x in wanted and node.x is not graph.output:
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
        own_copy = node.clipped and node.y not in masked
        halos.before[node] = NO_HALO if own_copy else read
    return halos
