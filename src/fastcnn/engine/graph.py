"""The engine's picture of a model: values, and the nodes that make them.

A value is a tensor of one sample, (channels, height, width); features are (F, 1, 1). Nodes stand in the order
in which they run. They refer to the model's own parameters and modules, so nothing is copied here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .._shapes import Window
from ..nn import BatchNorm2d, Dropout, Parameter
from ..nn.parameter import is_trained
from .taps import Taps


@dataclass(eq=False)
class Value:
    """A tensor of one sample."""

    channels: int
    height: int
    width: int
    producer: Node | None = None
    consumers: list[Node] = field(default_factory=list)

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
class View:
    """A value as a layer sees it: with a margin of zeros (left, right, top, bottom), or flattened."""

    value: Value
    margin: tuple[int, int, int, int] = (0, 0, 0, 0)
    flat: bool = False

    @property
    def height(self) -> int:
        """Height with the margin."""
        return self.value.height + self.margin[2] + self.margin[3]

    @property
    def width(self) -> int:
        """Width with the margin."""
        return self.value.width + self.margin[0] + self.margin[1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample."""
        return (self.value.size,) if self.flat else (self.value.channels, self.height, self.width)


@dataclass(eq=False)
class Node:
    """One step: makes `y` from `x`."""

    x: Value
    y: Value
    label: str = field(default="", kw_only=True)  # the layers that it came from

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The values that it reads."""
        return (self.x,)

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Its parameters, None where a layer has none."""
        return ()

    @property
    def clipped(self) -> bool:
        """Whether it is a product or a sum that a ReLU is part of."""
        return False

    @property
    def reads_gradient_late(self) -> bool:
        """Whether the gradient of its product is still read when all backward passes are over."""
        return False

    @property
    def trained(self) -> bool:
        """Whether one of its parameters is."""
        return any(map(is_trained, self.parameters))


@dataclass(eq=False)
class Conv(Node):
    """A convolution, perhaps with ReLU and a bias for each position; window pads include margins."""

    weight: Parameter
    bias: Parameter | None
    window: Window
    groups: int
    position_bias: Parameter | None = None
    relu: bool = False

    @property
    def clipped(self) -> bool:
        """Whether it ends with a ReLU."""
        return self.relu

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Weight and biases."""
        return self.weight, self.bias, self.position_bias

    @property
    def reads_gradient_late(self) -> bool:
        """True: weights of few pixels and biases are summed last."""
        return True

    @property
    def depthwise(self) -> bool:
        """Whether each channel has a window of its own."""
        return self.groups == self.x.channels == self.y.channels > 1


@dataclass(eq=False)
class Dense(Node):
    """A linear layer over all elements of x in (C, H, W) order, perhaps with ReLU."""

    weight: Parameter
    bias: Parameter | None
    relu: bool = False

    @property
    def clipped(self) -> bool:
        """Whether it ends with a ReLU."""
        return self.relu

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Weight and bias."""
        return self.weight, self.bias

    @property
    def reads_gradient_late(self) -> bool:
        """True, as in a convolution."""
        return True


@dataclass(eq=False)
class Apply(Node):
    """Elementwise: batch normalisation, then ReLU, then dropout, each optional.

    A `fixed` normalisation is in evaluation mode: it has the running statistics.
    """

    norm: BatchNorm2d | None = None
    relu: bool = False
    dropout: Dropout | None = None
    fixed: bool = False

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Scale and shift."""
        return () if self.norm is None else (self.norm.weight, self.norm.bias)


@dataclass(eq=False)
class Pool(Node):
    """Pooling: the taps of each output pixel, and for averages what makes a factor for each."""

    taps: Taps
    factors: Callable[[], np.ndarray] | None


@dataclass(eq=False)
class NormPool(Node):
    """Batch normalisation, ReLU, dropout, then max-pooling over windows that share no pixel."""

    norm: BatchNorm2d
    relu: bool
    dropout: Dropout | None
    taps: Taps
    fixed: bool

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Scale and shift."""
        return self.norm.weight, self.norm.bias


@dataclass(eq=False)
class Softmax(Node):
    """Softmax over all elements of a sample, or its logarithm."""

    log: bool


@dataclass(eq=False)
class Add(Node):
    """y = x + other, perhaps clipped."""

    other: Value
    relu: bool = False

    @property
    def clipped(self) -> bool:
        """Whether it ends with a ReLU."""
        return self.relu

    @property
    def inputs(self) -> tuple[Value, ...]:
        """Both terms."""
        return self.x, self.other


@dataclass(eq=False)
class Concat(Node):
    """y = x's channels, then other's."""

    other: Value

    @property
    def inputs(self) -> tuple[Value, ...]:
        """Both parts."""
        return self.x, self.other


@dataclass(eq=False)
class Graph:
    """A lowered model."""

    input: Value
    output: Value
    output_flat: bool
    nodes: list[Node]
    dtype: np.dtype

    def wanted(self, input_gradient: bool = False) -> set[Value]:
        """Return the values whose gradients a backward pass has to make.

        They are those that depend on a parameter that is trained or, with `input_gradient`, on the input.
        """
        found = {self.input} if input_gradient else set()
        for node in self.nodes:
            if node.trained or not found.isdisjoint(node.inputs):
                found.add(node.y)
        return found
