"""The two parts of a program while they are written: what nodes have made so far, and helpers to make more.

Gradients of values are blobs like the values. The first reader of a value (in reverse) to be visited makes
its gradient, others add to it; Add hands its own gradient on to both of its inputs if, by the time that one
of them is added to, the other has been used up. A gradient that is made only for a convolution's output is
written with the halo that the convolution's own backward pass reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..nn import BatchNorm2d, Dropout, Parameter
from .emit import Writer
from .graph import Apply, Conv, Dense, Graph, Node, NormPool, Value
from .memory import Blob, Vectors


@dataclass
class NormState:
    """What batch normalisation keeps between its pieces; rows and sizes as in csrc/lanes.h."""

    norm: BatchNorm2d
    rows: np.ndarray
    sums: Vectors | None
    sizes: list[int]  # pixels, vectors, channels
    tasks: int  # of operations that go by channels

    @property
    def running(self) -> list[np.ndarray]:
        """The running mean and variance."""
        return [self.norm.running_mean, self.norm.running_var]


@dataclass
class Forward:
    """The forward part, and what the backward part needs of it."""

    writer: Writer
    graph: Graph
    training: bool
    wanted: set[Value]  # whose gradients the backward part makes
    blobs: dict[Value, Blob] = field(default_factory=dict)
    norms: dict[Apply | NormPool, NormState] = field(default_factory=dict)
    argmax: dict[Node, Vectors] = field(default_factory=dict)
    dropouts: list[Dropout] = field(default_factory=list)
    drops: dict[Node, int] = field(default_factory=dict)  # the numbers in `dropouts`, from 1
    folded: dict[Conv, Apply | NormPool] = field(default_factory=dict)
    flat: dict[Dense, Blob] = field(default_factory=dict)  # inputs laid out anew

    def blob(self, value: Value) -> Blob:
        """Return a new blob for a value."""
        blob = self.blobs[value] = self.writer.blob(value.channels, value.height, value.width)
        return blob

    def dropout(self, node: Apply | NormPool) -> tuple[int, float]:
        """Return (the number of a node's dropout, from 1; its probability), or zeros where there is none."""
        if node.dropout is None:
            return 0, 0.0
        self.dropouts.append(node.dropout)
        self.drops[node] = len(self.dropouts)
        return self.drops[node], node.dropout.p


@dataclass
class Backward:
    """The backward part."""

    forward: Forward
    input_gradient: bool
    grads: dict[Value, Blob] = field(default_factory=dict)
    masked: set[Value] = field(default_factory=set)  # whose gradients are behind their ReLU already
    parameter_grads: list[tuple[Parameter, np.ndarray]] = field(default_factory=list)

    @property
    def writer(self) -> Writer:
        """The program's writer."""
        return self.forward.writer

    def wanted(self, value: Value) -> bool:
        """Tell whether the gradient of a value is needed."""
        return value in self.forward.wanted

    def target(self, value: Value) -> tuple[Blob, int]:
        """Return (the blob of a value's gradient, 1 if it holds a part already, which is to be added to)."""
        if value in self.grads:
            return self.grads[value], 1
        blob = self.grads[value] = self.writer.blob(value.channels, value.height, value.width)
        return blob, 0

    def give(self, value: Value, grad: Blob) -> None:
        """Let `grad` be a part of a value's gradient: all of it, or added to what there is."""
        if value not in self.grads:
            self.grads[value] = grad
            return
        whole = self.grads[value]
        tables = [whole.pixels, grad.pixels, whole.pixels]
        self.writer.add(
            "apply", [whole, grad, None, whole], tables, [value.pixels, self.writer.vectors(value.channels)]
        )

    def parameter(self, parameter: Parameter | None) -> np.ndarray | None:
        """Return the array that a parameter's gradient is written to, None if it is not trained."""
        if parameter is None or not parameter.requires_grad:
            return None
        grad = self.writer.constant(parameter.size)
        self.parameter_grads.append((parameter, grad))
        return grad
