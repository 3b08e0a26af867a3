"""A module that does what the nodes of a file say: layers and functions, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import graph, nn
from ..errors import ArgumentError, DTypeError
from .definition import Weight


class Step(NamedTuple):
    """A layer or a function, and what it is applied to; or a parameter.

    Attributes
    ----------
    what : str or Operation
        The place of a layer or a parameter in the tree of modules, with dots; or the operation.
    apply : callable or None
        ``apply(operation, *inputs)``, for an operation.
    sources : tuple
        Numbers of values (int), and constants (float): the inputs are 0, 1, ..., then each step makes one. A
        parameter has none.
    """

    what: Any
    apply: Callable[..., Any] | None
    sources: tuple[int | float, ...]


class GraphModule(nn.Module):
    """A network of layers and functions that is no chain.

    Its layers stand in a tree of modules under the names of their nodes, such as ``layer1.0.conv1``. They are
    looked up in each call, so that they can be replaced.

    Parameters
    ----------
    inputs : sequence of str
        Names of the tensors that it takes.

    Attributes
    ----------
    input_shape : tuple, or None
        Shape of a sample, or a tuple of those of several inputs, if what it was read from says it.
    """

    input_shape: tuple[Any, ...] | None = None

    def __init__(self, inputs: Sequence[str]) -> None:
        super().__init__()
        self._inputs = tuple(inputs)
        self._steps: list[tuple[Step, list[int]]] = []
        self._output: Any = 0
        self._own: dict[str, Weight] = {}

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors that it takes."""
        return self._inputs

    def place(self, name: str, module: nn.Module | nn.Parameter) -> None:
        """Put a layer or a parameter into the tree under a dotted name.

        Raises
        ------
        ArgumentError
            If it cannot have the name, or another layer has it or stands within it or around it.
        """
        *path, last = name.split(".")
        holder: nn.Module = self
        for part in path:
            if part not in holder._modules:
                holder.add_module(part, nn.Module())
            holder = holder._modules[part]
            if type(holder) is not nn.Module:
                raise ArgumentError(f"the name {name!r} stands within that of another layer")
        if last in holder._modules or last in holder._parameters:
            raise ArgumentError(f"there are two layers with the name {name!r}, or within it")
        if isinstance(module, nn.Parameter):
            holder.register_parameter(last, module)
        else:
            holder.add_module(last, module)

    def own(self, weight: Weight, places: Sequence[str]) -> None:
        """Put a parameter into the tree, in one place or several, with fresh values."""
        parameter = nn.Parameter(np.empty(weight.shape, np.float32))
        for place in places:
            self.place(place, parameter)
        self._own[places[0]] = weight
        _draw(parameter, weight, None)

    def owned(self, place: str) -> Weight | None:
        """Return what is known of a parameter that stands in a place, None if there is none."""
        return self._own.get(place)

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw its own parameters anew, those that are in no layer."""
        for place, weight in self._own.items():
            _draw(self.get_parameter(place), weight, generator)

    def follow(self, steps: Iterable[Step], output: Any) -> None:
        """Set the steps, in order, and the numbers of the values that are returned."""
        given = list(steps)
        last = {
            each: number
            for number, step in enumerate(given)
            for each in step.sources
            if isinstance(each, int)
        }
        for each in graph.leaves(output):
            last.pop(each, None)
        done: list[list[int]] = [[] for _ in given]
        for value, number in last.items():
            done[number].append(value)
        self._steps = list(zip(given, done, strict=True))
        self._output = output

    def forward(self, *inputs: Any) -> Any:
        """Return the output, or several as they stand in the file: in a tuple or a dict."""
        if len(inputs) != len(self._inputs):
            raise DTypeError(f"GraphModule: inputs must be {', '.join(self._inputs)}; got {len(inputs)}")
        values = dict(enumerate(inputs))
        for number, (step, done) in enumerate(self._steps, len(inputs)):
            given = [values[each] if isinstance(each, int) else each for each in step.sources]
            for each in done:
                del values[each]  # whose memory can be used again
            if not step.sources:
                values[number] = self.get_parameter(step.what)
            elif step.apply is None:
                values[number] = self.get_submodule(step.what)(*given)
            else:
                values[number] = step.apply(step.what, *given)
        return graph.replaced(self._output, values.__getitem__)


def _draw(parameter: nn.Parameter, weight: Weight, generator: np.random.Generator | None) -> None:
    if weight.std:
        nn.init.normal_(parameter, weight.mean, weight.std, generator)
    else:
        nn.init.constant_(parameter, weight.mean)
