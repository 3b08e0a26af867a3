"""The engine's picture of a model: values, and the nodes that make them.

A value is a tensor of one sample, (channels, height, width); features are (F, 1, 1). Nodes stand in the order
in which they run. They refer to the model's own parameters and modules, so nothing is copied here.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..graph import Activation
from ..nn import Parameter
from ..nn.parameter import is_trained
from .algorithms import Setting
from .memory import NO_HALO, Blob, Halo
from .normalization import Normalization
from .taps import Taps


@dataclass(eq=False)
class Value:
    """A tensor of one sample."""

    channels: int
    height: int
    width: int
    producer: Node | None = None
    consumers: list[Node] = field(default_factory=list)
    is_output: bool = False  # whether the caller gets it

    @property
    def only_reader(self) -> Node | None:
        """The one node that reads it, once, if the caller does not get it."""
        return self.consumers[0] if len(self.consumers) == 1 and not self.is_output else None

    @property
    def pixels(self) -> int:
        """Height times width."""
        return self.height * self.width

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return self.channels, self.height, self.width

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.channels * self.pixels


@dataclass(eq=False)
class Node:
    """One step: makes `y` from `x`, and from other values where a kind of node has them.

    A kind of node is a class in nodes/ that says what it needs around its arrays, what it costs, and how it
    is written. The rest of the engine asks a node what it can do, and never what it is. What is said here is
    so unless a kind says otherwise.
    """

    x: Value
    y: Value
    label: str = field(default="", kw_only=True)  # the layers that it came from

    # Whether it is made of products.
    multiplies: ClassVar[bool] = False
    # Whether each element of y is made of the same element of x alone.
    elementwise: ClassVar[bool] = False
    # Whether it reads pixel by pixel: each of them may stand anywhere.
    reads_pixels: ClassVar[bool] = False
    # Whether it can read samples as the caller has them, with channels in the lanes.
    reads_rows: ClassVar[bool] = False
    # Whether it can do what a batch normalisation of fixed statistics behind it does.
    normalizes_output: ClassVar[bool] = False
    # Whether the gradient of its weight reads `gradient_halo` too.
    weight_reads_halo: ClassVar[bool] = False
    # Whether it has kernels only for values that are stored as they are summed.
    computes_wide: ClassVar[bool] = False
    # Whether it can store y as it is summed and compute with narrow values.
    writes_sums: ClassVar[bool] = False
    # Whether it still reads the gradient in front of its activation when all backward passes are over.
    reads_gradient_late: ClassVar[bool] = False

    # What it is made of

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The values that it reads."""
        return (self.x,)

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Its parameters, None where a layer has none."""
        return ()

    @property
    def outside_parameters(self) -> list[Parameter]:
        """Parameters whose gradients Python makes, not the program."""
        return []

    @property
    def trained(self) -> bool:
        """Whether one of its parameters is."""
        return any(map(is_trained, self.parameters))

    @property
    def normalization(self) -> Normalization | None:
        """The batch normalisation that it begins with."""
        return None

    @property
    def takes_statistics(self) -> bool:
        """Whether it normalises by the batch's own statistics, and counts them."""
        return self.normalization is not None and not self.normalization.fixed

    @property
    def ends_with(self) -> Activation | None:
        """The activation that y comes out of; dropout may follow."""
        return None

    @property
    def only_activation(self) -> Activation | None:
        """The activation that it is, if it does nothing else."""
        return None

    @property
    def kept_factor(self) -> float:
        """What dropout multiplies the elements of y by that it keeps."""
        return 1.0

    @property
    def drops(self) -> bool:
        """Whether it ends with dropout."""
        return False

    @property
    def terms(self) -> tuple[Value, ...]:
        """What it adds, if it is a sum."""
        return ()

    @property
    def joins(self) -> tuple[Value, ...]:
        """The parts that it joins along channels, if it is a concatenation."""
        return ()

    @property
    def channel_bias(self) -> Parameter | None:
        """The bias for each channel that its products start from."""
        return None

    @property
    def windows_apart(self) -> Taps | None:
        """The taps of windows of which it takes the maxima, if no pixel is in two of them."""
        return None

    # What fusions may do with it

    def joined(self, after: Node, training: bool) -> Node | None:
        """Return the one node that does the same as this one and then the only reader of its y, or None.

        In `training` it must have what gradients need.
        """
        return None

    @property
    def folds_normalization(self) -> bool:
        """Whether a batch normalisation of fixed statistics behind it can be part of its weights."""
        return False

    # Which layout suits it

    def cost(self, setting: Setting, wanted: Container[Value]) -> float:
        """Return how long the products of one image take, in vector operations at the machine's peak.

        Those of the passes for whose gradients `wanted` asks count too.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what it costs")

    def exact(self, setting: Setting) -> bool:
        """Tell whether a prediction's y is the same to the bit in both layouts."""
        return True

    @property
    def takes_channels(self) -> bool:
        """Whether there are kernels for it with channels in the lanes."""
        return True

    @property
    def writes_past_channels(self) -> bool:
        """Whether it writes whole vectors of some of a pixel's channels, with channels in the lanes."""
        return False

    @property
    def reads_elements(self) -> bool:
        """Whether it reads x an element at a time, so that a pixel need not fill whole vectors."""
        return False

    # What stands around its arrays, and whose gradient is whose

    def input_halo(self) -> Halo:
        """Return the halo that it reads around x."""
        return NO_HALO

    def gradient_halo(self) -> Halo:
        """Return the halo that it reads around the gradient of y to make that of x."""
        return NO_HALO

    def hands_on(self, masked: bool) -> bool:
        """Tell whether the gradient of its inputs is that of y as it is.

        `masked` says that the gradient of y has been passed through the activation that y comes out of.
        """
        return False

    @property
    def masks_gradient(self) -> bool:
        """Whether it passes the gradient of x through the activation that x came out of as it writes it."""
        return False

    @property
    def copies_gradient(self) -> bool:
        """Whether the gradient in front of its activation is an array of its own."""
        return False

    # How it is written

    def prepare(self, f: Any) -> None:
        """Write what runs before the whole forward pass; `f` is a `parts.Forward`."""

    def forward(self, f: Any) -> None:
        """Write the forward pass."""
        raise NotImplementedError(f"{type(self).__name__} has no forward pass")

    def backward(self, b: Any) -> None:
        """Write the gradients of parameters and of the inputs that `b`, a `parts.Backward`, wants."""
        raise NotImplementedError(f"{type(self).__name__} has no backward pass")

    def remade(self, b: Any) -> Blob | None:
        """Make y anew for its only reader's backward pass, where that costs less than to have kept it."""
        return None


class WithoutProducts(Node):
    """A node that only moves numbers, which takes about as long in either layout."""

    def cost(self, setting: Setting, wanted: Container[Value]) -> float:
        """Return 0."""
        return 0.0


@dataclass(eq=False)
class Graph:
    """A lowered model.

    Attributes
    ----------
    inputs : tuple of Value
    outputs : tuple of Value
        All that the model returns.
    output_shapes : list of tuple
        Of a sample of each, which may be flattened.
    form : nested tuples, lists and dicts
        What the model returns, with the number of an output in the place of each; None where it has None.
    nodes : list of Node
    dtype : np.dtype
    training : bool
        Whether there is a backward pass.
    """

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    output_shapes: list[tuple[int, ...]]
    form: Any
    nodes: list[Node]
    dtype: np.dtype
    training: bool

    def wanted(self, input_gradient: bool = False) -> set[Value]:
        """Return the values whose gradients a backward pass has to make.

        They are those that depend on a parameter that is trained or, with `input_gradient`, on the input.
        """
        found = set(self.inputs) if input_gradient else set()
        for node in self.nodes:
            if node.trained or not found.isdisjoint(node.inputs):
                found.add(node.y)
        return found
