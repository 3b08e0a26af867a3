"""The two parts of a program while they are written: what nodes have made so far, and helpers to make more.

Gradients of values are blobs like the values. The first reader of a value (in reverse) to be visited makes
its gradient, others add to it. A blob may be the gradient of several values, as Add hands its own on to both
of its inputs; it is added to in place only when the others have been used up. A gradient that is made only
for a convolution's output is written with the halo that the convolution's own backward pass reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..nn import AlphaDropout, Dropout, Dropout2d, FeatureAlphaDropout, Parameter, StochasticDepth
from .algorithms import Algorithm, Setting, pick
from .elements import ElementType
from .graph import Graph, Node, Value
from .memory import NO_HALO, Blob, Channels, External, Halo, Vectors
from .normalization import Normalization
from .placing import Place
from .widths import Blobs, convert, converted
from .writer import Writer

# Layers that drop something at random.
Dropping = Dropout | Dropout2d | StochasticDepth | AlphaDropout | FeatureAlphaDropout


@dataclass
class NormState:
    """What batch normalisation keeps between its pieces: rows and sums as in csrc/engine/batch_norm.h."""

    norm: Normalization
    rows: np.ndarray
    sums: Vectors | None
    tasks: int  # of operations that go by channels


@dataclass
class Forward:
    """The forward part, and what the backward part needs of it."""

    writer: Writer
    graph: Graph
    setting: Setting  # what implementations are chosen for
    wanted: set[Value]  # whose gradients the backward part makes
    folded: Mapping[Node, Node]  # batch normalisations that are part of weights
    halos: Mapping[Value, Halo]
    places: Mapping[Value, Place]  # of values that others hold, see placing.py
    wide: set[Value]  # values that are stored as they are summed, see widths.py
    blobs: Blobs = field(init=False)
    norms: dict[Node, NormState] = field(default_factory=dict)
    argmax: dict[Node, Vectors] = field(default_factory=dict)
    kept: dict[Node, Vectors] = field(default_factory=dict)  # statistics of each image
    activated: dict[Node, Blob] = field(default_factory=dict)  # what slopes were applied to
    dropouts: list[Dropping] = field(default_factory=list)
    flat: dict[Node, Blob] = field(default_factory=dict)  # inputs laid out anew
    calls: dict[Node, Any] = field(default_factory=dict)  # of modules that Python runs
    picked: list[tuple[str, str, str]] = field(default_factory=list)  # layers, pass, implementation
    _drops: dict[Node, int] = field(default_factory=dict)  # the numbers in `dropouts`, from 1
    _holders: dict[Value, Blob] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.blobs = Blobs(self.writer)

    def element_of(self, value: Value) -> ElementType:
        """Return the type that a value is stored in."""
        program = self.writer.program_element
        return program.wide if value in self.wide else program

    @contextmanager
    def storing(self, value: Value) -> Iterator[None]:
        """Let what is written be of the type that a value is stored in."""
        with self.writer.storing(value in self.wide):
            yield

    @contextmanager
    def in_hand(self, node: Node) -> Iterator[None]:
        """Let what is written be of the type that a node computes in."""
        wide = node.y in self.wide and not node.writes_sums
        with self.writer.storing(wide or node.computes_wide):
            yield

    def settle(self, value: Value) -> None:
        """Let a value that a node has made be stored in its type."""
        with self.storing(value):
            made = self.blobs.stored(value)
            if made.dtype != self.writer.element.value:
                convert(self.writer, self.blob(value), made)

    def blob(self, value: Value, padded: bool = True) -> Blob:
        """Return a new blob for a value."""
        place = self.places.get(value)
        if place is None or self.element_of(place.holder) != self.writer.element:
            halo = self.halos.get(value, NO_HALO)
            blob = self.writer.blob(value.channels, value.height, value.width, halo, padded)
        else:
            blob = Channels(self._held(place), place.first, value.channels)
        self.blobs[value] = blob
        return blob

    def _held(self, place: Place) -> Blob:
        """Return the blob that holds several values, made when the first of them is."""
        whole, value = self._holders.get(place.holder), place.holder
        if whole is None:
            with self.storing(value):
                whole = self.writer.blob(value.channels, value.height, value.width, place.halo)
            self._holders[value] = whole
        return whole

    def dropout(self, node: Node, dropout: Dropping | None) -> dict[str, float]:
        """Return what an operation is told of a node's dropout: nothing where there is none."""
        if dropout is None:
            return {}
        self.dropouts.append(dropout)
        self._drops[node] = len(self.dropouts)
        return self.dropout_again(node)

    def dropout_again(self, node: Node) -> dict[str, float]:
        """Return what an operation that drops the same elements is told."""
        number = self._drops[node]
        return {"dropout": number, "p": self.dropouts[number - 1].p}

    def pick(self, what: str, algorithms: Sequence[Algorithm[Any]], node: Node) -> Algorithm[Any]:
        """Return the implementation of one pass of a product, and note it for the description."""
        element = self.writer.element
        setting = self.setting._replace(
            narrow=element.narrow, tiles=element.tiles, wide=element.narrow and node.y in self.wide
        )
        chosen = pick(algorithms, node, setting)
        self.picked.append((node.label, what, chosen.name))
        return chosen


@dataclass(frozen=True)
class Factored:
    """A gradient that a program leaves as a product dy^T x, with what it calls the two arrays."""

    parameter: Parameter
    dy: External
    x: External


class GradientHalos(Protocol):
    """The halos of gradients, see halos.py."""

    def of_gradient(self, value: Value) -> Halo:
        """Return that of a value's gradient."""

    def masked(self, node: Node) -> Halo:
        """Return that of the gradient in front of a node's activation."""


@dataclass
class Backward:
    """The backward part."""

    forward: Forward
    input_gradient: bool
    halos: GradientHalos
    masked: set[Value]  # whose gradients are passed through their activation as they are written
    grads: Blobs = field(init=False)
    parameter_grads: list[tuple[Parameter, np.ndarray]] = field(default_factory=list)
    factored: list[Factored] = field(default_factory=list)
    used_up: set[Value] = field(default_factory=set)  # whose gradient nobody reads any more
    _to_give: list[tuple[Value, Blob]] = field(default_factory=list)  # parts of gradients in the other type

    def __post_init__(self) -> None:
        self.grads = Blobs(self.writer, change=True)

    @property
    def writer(self) -> Writer:
        """The program's writer."""
        return self.forward.writer

    def wanted(self, value: Value) -> bool:
        """Tell whether the gradient of a value is needed."""
        return value in self.forward.wanted

    def blob(self, value: Value) -> Blob:
        """Return a new blob for a gradient of a value."""
        halo = self.halos.of_gradient(value)
        return self.writer.blob(value.channels, value.height, value.width, halo)

    def target(self, value: Value) -> tuple[Blob, bool]:
        """Return (the blob of a value's gradient, whether it holds a part already, to be added to)."""
        if self.forward.element_of(value) != self.writer.element:
            blob = self.blob(value)
            self._to_give.append((value, blob))
            return blob, False
        if value in self.grads:
            if self._is_shared(value):
                copy = self.blob(value)
                self.writer.apply(z=copy, y=self.grads[value], vectors=self.writer.vectors(value.channels))
                self.grads[value] = copy
            return self.grads[value], True
        blob = self.grads[value] = self.blob(value)
        return blob, False

    def settle(self) -> None:
        """Give what nodes have written to targets of the other type than that of the gradient."""
        for value, blob in self._to_give:
            self.give(value, blob)
        self._to_give.clear()

    def give(self, value: Value, grad: Blob) -> None:
        """Let `grad` be a part of a value's gradient: all of it, or added to what there is."""
        with self.forward.storing(value):
            if grad.dtype != self.writer.element.value:
                part = self.blob(value)
                convert(self.writer, part, grad)
                grad = part
            if value not in self.grads:
                self.grads[value] = grad
                return
            before = self.grads[value]
            whole = self.grads[value] = self.blob(value) if self._is_shared(value) else before
            self.writer.apply(z=whole, y=grad, r=before, vectors=self.writer.vectors(value.channels))

    def _is_shared(self, value: Value) -> bool:
        """Tell whether the gradient of a value is that of another one too, which is still needed."""
        blob = self.grads.stored(value)
        return any(
            other is not value and grad is blob and other not in self.used_up
            for other, grad in self.grads.items()
        )

    def operand(self, value: Value) -> Blob:
        """Return the blob of a value for the gradient of the weights that it was multiplied by."""
        producer, remade = value.producer, None
        if producer is not None:
            with self.forward.in_hand(producer):
                remade = producer.remade(self)
        return self.forward.blobs[value] if remade is None else converted(self.writer, remade)

    def may_leave_factors(self, parameter: Parameter) -> bool:
        """Tell whether the program may leave a gradient as the product that it is: it is all of it."""
        graph = self.forward.graph
        users = sum(each is parameter for node in graph.nodes for each in node.parameters)
        outside = any(each is parameter for node in graph.nodes for each in node.outside_parameters)
        setting = self.forward.setting
        asked = setting.few and setting.wanted.factors
        return asked and parameter.requires_grad and users == 1 and not outside

    def leave_factors(self, parameter: Parameter, dy: Blob, x: Blob) -> None:
        """Write dy and x, whose product dy^T x is the gradient of a parameter, to arrays of the plan."""
        number = len(self.factored)
        arrays = []
        for name, blob in ((f"factor dy {number}", dy), (f"factor x {number}", x)):
            arrays.append(External(name, blob.channels * blob.height * blob.width))
            self.writer.to_nchw(images=arrays[-1], x=blob, channels=blob.channels)
        self.factored.append(Factored(parameter, *arrays))

    def parameter(self, parameter: Parameter | None) -> np.ndarray | None:
        """Return the array that a parameter's gradient is written to, None if it is not trained."""
        if parameter is None or not parameter.requires_grad:
            return None
        grad = self.writer.constant(parameter.size)
        self.parameter_grads.append((parameter, grad))
        return grad
