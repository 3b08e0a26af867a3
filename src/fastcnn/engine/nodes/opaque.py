"""Modules with a backward of their own: Python runs them on arrays, between two parts of a program."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np

from ..._shapes import allocate
from ...nn import Parameter, calls, changes
from ...nn.opaque import Opaque
from ..graph import Value, WithoutProducts
from ..memory import External
from ..parts import Backward, Forward


@dataclass(eq=False)
class OpaqueNode(WithoutProducts):
    """y = module(x, ...), whatever that does; it sees arrays and is asked for their gradients."""

    others: tuple[Value, ...]
    operation: Opaque
    input_shapes: tuple[tuple[int, ...], ...]  # of samples
    output_shape: tuple[int, ...]
    training: bool  # whether the module is in its own mode; else in evaluation mode

    @property
    def inputs(self) -> tuple[Value, ...]:
        """All of its inputs."""
        return self.x, *self.others

    @property
    def trained(self) -> bool:
        """Whether one of the module's parameters is."""
        return self.operation.trained()

    @property
    def outside_parameters(self) -> list[Parameter]:
        """All parameters of the module."""
        return list(self.operation.module.parameters())

    def forward(self, f: Forward) -> None:
        """Write the inputs out, end the part, and lay out what the module has made."""
        w, call = f.writer, _Call(self, f.writer.element.real, len(f.calls))
        f.calls[self] = call
        for name, value in zip(call.input_names, self.inputs, strict=True):
            w.to_nchw(images=External(name, value.size), x=f.blobs[value], channels=value.channels)
        w.close_part(_ForwardPause(call))
        w.from_nchw(
            x=f.blob(self.y), images=External(call.output_name, self.y.size), channels=self.y.channels
        )

    def backward(self, b: Backward) -> None:
        """Write the gradient of the output out, end the part, and lay out those of the inputs."""
        w, call = b.writer, b.forward.calls[self]
        w.to_nchw(
            images=External(call.output_grad_name, self.y.size), x=b.grads[self.y], channels=self.y.channels
        )
        wanted = tuple(b.wanted(value) for value in self.inputs)
        w.close_part(_BackwardPause(call, wanted))
        for name, value, is_wanted in zip(call.input_grad_names, self.inputs, wanted, strict=True):
            if is_wanted:
                dx = b.blob(value)
                w.from_nchw(x=dx, images=External(name, value.size), channels=value.channels)
                b.give(value, dx)


class _Call:
    """The latest call of a node's module, between the two passes of a plan."""

    def __init__(self, node: OpaqueNode, dtype: np.dtype, number: int) -> None:
        self.node = node
        self.dtype = dtype
        self.input_names = [f"input {i} of call {number}" for i in range(len(node.inputs))]
        self.output_name = f"output of call {number}"
        self.input_grad_names = [f"gradient of {name}" for name in self.input_names]
        self.output_grad_name = f"gradient of {self.output_name}"
        self.saved: Any = None

    def arrays(
        self, names: list[str], shapes: tuple[tuple[int, ...], ...], batch: int
    ) -> dict[str, np.ndarray]:
        """Return new arrays for the program to write."""
        what = f"{self.node.operation.name}: an array"
        return {name: allocate((batch, *s), self.dtype, what) for name, s in zip(names, shapes, strict=True)}


class _ForwardPause:
    def __init__(self, call: _Call) -> None:
        self._call = call

    def arrays(self, batch: int) -> dict[str, np.ndarray]:
        return self._call.arrays(self._call.input_names, self._call.node.input_shapes, batch)

    def run(self, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        call, node = self._call, self._call.node
        inputs = [given[name] for name in call.input_names]
        mode: AbstractContextManager = nullcontext() if node.training else calls.passive()
        with mode, changes.private():
            y, saved = node.operation.forward(*node.operation.inputs(inputs))
        call.saved = saved if node.training else None
        node.operation.check_output(y, (len(inputs[0]), *node.output_shape), call.dtype)
        return {call.output_name: np.require(y, requirements=["C", "A"])}


class _BackwardPause:
    def __init__(self, call: _Call, wanted: tuple[bool, ...]) -> None:
        self._call = call
        self._wanted = wanted

    def arrays(self, batch: int) -> dict[str, np.ndarray]:
        return self._call.arrays([self._call.output_grad_name], (self._call.node.output_shape,), batch)

    def run(self, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        call, operation = self._call, self._call.node.operation
        following = iter(self._wanted)
        wanted = tuple(is_value and next(following) for is_value in operation.takes)
        with changes.private():
            dxs = operation.backward(given[call.output_grad_name], call.saved, wanted)
        call.saved = None
        made = zip(call.input_grad_names, compress(dxs, operation.takes), strict=True)
        return {name: np.require(dx, requirements=["C", "A"]) for name, dx in made if dx is not None}
