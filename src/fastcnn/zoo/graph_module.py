"""A module that does what the nodes of a file say: layers and functions, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .. import graph, nn
from ..errors import ArgumentError, DTypeError


class Step(NamedTuple):
    """A layer or a function, and what it is applied to.

    Attributes
    ----------
    what : str or Operation
        The place of a layer in the tree of modules, with dots; or the operation.
    apply : callable or None
        ``apply(operation, *inputs)``, for an operation.
    sources : tuple
        Numbers of values (int), and constants (float): the inputs are 0, 1, ..., then each step makes one.
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
    """

    def __init__(self, inputs: Sequence[str]) -> None:
        super().__init__()
        self._inputs = tuple(inputs)
        self._steps: list[tuple[Step, list[int]]] = []
        self._output: Any = 0

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors that it takes."""
        return self._inputs

    def place(self, name: str, module: nn.Module) -> None:
        """Put a layer into the tree under a dotted name.

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
        if last in holder._modules:
            raise ArgumentError(f"there are two layers with the name {name!r}, or within it")
        holder.add_module(last, module)

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
            if step.apply is None:
                values[number] = self.get_submodule(step.what)(*given)
            else:
                values[number] = step.apply(step.what, *given)
        return graph.replaced(self._output, values.__getitem__)
