"""A network that was read and not yet built: layers in a chain, or nodes that are no chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

MOST_LAYERS = 10_000
# What nodes call the sample.
INPUT = "input"
# The type of a node that is a parameter.
PARAMETER = "parameter"
# Blocks inside each other, and parts of a dotted name.
MOST_LEVELS = 32


class Layer(NamedTuple):
    """One layer of a network.

    Attributes
    ----------
    kind : str
        The name of a class that is declared, see `fastcnn.nn.declaration`.
    arguments : dict
        Those that are given, checked.
    where : str
        Where it stands, to open the message of an error.
    name : str or None
        Its name in the Sequential around it; None: its number.
    bodies : mapping of str to (tuple of Layer, or Layer)
        What a block holds, by argument: a Sequential of layers, or just one layer.
    """

    kind: str
    arguments: dict[str, Any]
    where: str
    name: str | None = None
    bodies: Mapping[str, tuple[Layer, ...] | Layer] = {}

    @property
    def body(self) -> tuple[Layer, ...] | Layer | None:
        """The network that a block is made around, None of what is no block."""
        return self.bodies.get("body")


def chain_of(body: tuple[Layer, ...] | Layer) -> tuple[Layer, ...]:
    """Return the layers of a body."""
    # A Layer is a tuple too, so this is the test that tells them apart.
    return (body,) if isinstance(body, Layer) else body


Chain = tuple[Layer, ...]


class Call(NamedTuple):
    """A function of `fastcnn.graph.FUNCTIONS`, and those of its settings that are given, checked."""

    function: str
    settings: dict[str, Any]


class Weight(NamedTuple):
    """A parameter of the network itself, which is in none of its layers.

    Attributes
    ----------
    shape : tuple of int
    mean, std : float
        Of the normal distribution that its first values are drawn from; without a std they are all the mean.
    """

    shape: tuple[int, ...]
    mean: float = 0.0
    std: float = 0.0


class Node(NamedTuple):
    """One step of a network that is no chain.

    Attributes
    ----------
    what : Layer, Call, Weight or int
        A layer of its own, a function, a parameter, or the number of the node whose layer it uses too.
    sources : tuple
        What it is applied to: the number of a value (an int), or a constant (a float). Values are the inputs
        of the network, then one for each node. A parameter has none.
    where : str
        Where it stands, to open the message of an error.
    name : str or None
        What others call it, and for a layer of its own or a parameter its place in the tree of modules, with
        dots.
    also : tuple of str
        Other places of its layer, or of the parameter.
    """

    what: Layer | Call | Weight | int
    sources: tuple[int | float, ...]
    where: str
    name: str | None = None
    also: tuple[str, ...] = ()


class Nodes(NamedTuple):
    """A network that is no chain.

    Attributes
    ----------
    inputs : tuple of str
        Their names.
    nodes : tuple of Node
        In the order in which they are computed.
    output : int, tuple of int, or dict of str to int
        The numbers of the values that it returns.
    source : str
        Where it came from, for messages.
    """

    inputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    output: Any
    source: str


Definition = Chain | Nodes
