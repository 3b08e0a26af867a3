"""The picture of what a model does with one sample: its operations, recorded as they run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ... import _samples, graph
from ...errors import ArgumentError, StateError
from .. import calls, hooks, prediction
from ..opaque import Opaque
from ..sample import check_shapes, zeros
from ..tree import Tree
from . import words
from .picture import Box, Frame, Net, Picture

# Modules of this package say all by their class; of others the operation is told too.
_OURS = __name__.rpartition(".")[0].rpartition(".")[0] + "."


def record(model: Tree[Any], input_shape: Any, name: str) -> Picture:
    """Run one zero sample through a model in evaluation mode, and return the picture of what it did.

    Parameters
    ----------
    model : Module
    input_shape : tuple of int, or list of such tuples
        Of a sample; for each input, where there are several.
    name : str
        Of the picture; the class of the model if empty.

    Raises
    ------
    ShapeError
        If `input_shape` is something else, or does not fit the model.
    DTypeError
        If forward takes another number of inputs.
    StateError
        If NumPy computed a part of it: what depends on what is then not known.
    ArgumentError
        If no output depends on an input.
    """
    shapes = check_shapes(input_shape, "draw_graph: input_shape", "a tuple such as (C, H, W)", 1)
    samples = _samples.arrays(zeros(model, shapes, "draw_graph: the sample"))
    recorder = _Recorder(model)
    names = _input_names(model, len(samples))
    inputs = tuple(recorder.given(x, name) for x, name in zip(samples, names, strict=True))
    with calls.passive(), graph.recording(recorder):
        y = prediction.call(model, inputs)  # type: ignore[arg-type]
    recorder.close()
    if recorder.left is not None:
        raise StateError(
            f"draw_graph: {type(model).__name__}: {recorder.left}, so that the graph has a gap: use "
            "functions of fastcnn, or give the module a backward of its own, which makes it one box"
        )
    recorder.returned(y)
    return Picture(name or type(model).__name__, recorder.root, recorder.nets)


def _input_names(model: Tree[Any], count: int) -> list[str]:
    """Return the names of the inputs: those of forward's arguments, where there are several."""
    if count == 1:
        return [""]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    signature = inspect.signature(model.forward)
    names = [name for name, each in signature.parameters.items() if each.kind in kinds]
    return (names + [str(i) for i in range(len(names), count)])[:count]


class _Recorder(graph.Tape):
    """Applies operations to arrays, and draws a box for each in the frame of the innermost call."""

    def __init__(self, model: Tree[Any]) -> None:
        super().__init__(keep=False)
        self.root = Frame()
        self.nets: list[Net] = []
        self._model = model
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._frames: list[Frame] = []
        self._made: dict[int, Net] = {}  # the net of each value, by its number
        self._batches: set[int] = set()  # the values that have a batch
        self._counted: set[int] = set()  # parameters of which a box has told

    def given(self, array: np.ndarray, name: str) -> graph.Value:
        """Return the value of an input."""
        value = self.input(array)
        self._batches.add(value.index)
        box = Box("input", "end", name, shape=self._shape(value))
        self.root.members.append(box)
        self._make(value, box)
        return value

    def call(self, module: Any, forward: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        """Run the forward of a module on values, and draw what it does in a frame."""
        path = self._paths.get(id(module), "")
        around = self._frames[-1] if self._frames else None
        frame = Frame(type(module).__name__, _within(path, around), path)
        self._frames.append(frame)
        try:
            y = forward(*args, **kwargs)
        finally:
            self._frames.pop()
        members = frame.members
        if len(members) == 1 and isinstance(members[0], Box) and not members[0].called:
            _name_after(members[0], frame, module)
        elif members and around is not None:
            members = [frame]
        (self.root if around is None else around).members.extend(members)
        return y

    def record(self, operation: graph.Operation, inputs: tuple[Any, ...]) -> Any:
        """Apply an operation, and draw its box."""
        y = super().record(operation, inputs)
        values = [each for each in inputs if isinstance(each, graph.Value)]
        if isinstance(operation, hooks.Watch):
            for value, made in zip(values, graph.as_tuple(y), strict=True):
                self._made[made.index] = self._made[value.index]
                self._batches.update({made.index} if value.index in self._batches else ())
            return y
        box = Box(_type(operation), words.kind_of(operation, len(values) > 1))
        box.settings = words.settings(operation, inputs)
        box.parameters = self._parameters(operation, inputs)
        (self._frames[-1] if self._frames else self.root).members.append(box)
        for value in values:
            self._take(value, box)
        for made in graph.as_tuple(y):
            if any(value.index in self._batches for value in values):
                self._batches.add(made.index)
            self._make(made, box)
        box.shape = ", ".join(map(self._shape, graph.as_tuple(y)))
        return y

    def returned(self, y: Any) -> None:
        """Draw what the model returned."""
        named = list(_named(y))
        if not any(isinstance(each, graph.Value) for _, each in named):
            raise ArgumentError(
                f"draw_graph: {type(self._model).__name__}: no output depends on an input by layers, "
                f"functions and operators of fastcnn: forward returned {type(y).__name__}"
            )
        for name, each in named:
            if isinstance(each, graph.Value):
                box = Box("output", "end", name, shape=self._shape(each))
                self.root.members.append(box)
                self._take(each, box)

    def _make(self, value: graph.Value, box: Box) -> None:
        self._made[value.index] = net = Net(box)
        self.nets.append(net)

    def _take(self, value: graph.Value, box: Box) -> None:
        targets = self._made[value.index].targets
        if box not in targets:
            targets.append(box)

    def _shape(self, value: graph.Value) -> str:
        shape = self.kind(value.index)[0]
        return words.sizes(shape[1:] if value.index in self._batches else shape) or "1"

    def _parameters(self, operation: graph.Operation, inputs: tuple[Any, ...]) -> str:
        """Return how many parameters an operation takes, whether it shares them, whether none is trained."""
        found = [each for each in inputs if isinstance(each, graph.Operand) and each.recorder is None]
        if isinstance(operation, Opaque):
            found += operation.module.parameters()
        if not found:
            return ""
        shared = all(id(each) in self._counted for each in found)
        self._counted.update(map(id, found))
        frozen = not any(each.requires_grad for each in found)
        count = sum(int(np.prod(each.shape, dtype=object)) for each in found)
        return f"{count:,} {'shared ' if shared else ''}{'frozen ' if frozen else ''}params"


def _type(operation: graph.Operation) -> str:
    return type(operation.module).__name__ if isinstance(operation, Opaque) else operation.title


def _within(path: str, around: Frame | None) -> str:
    """Return a dotted name as it is within a frame."""
    if around is not None and around.path and path.startswith(around.path + "."):
        path = path[len(around.path) + 1 :]
    return path


def _name_after(box: Box, frame: Frame, module: Any) -> None:
    """Let the box of a call's only operation stand for the call."""
    if not type(module).__module__.startswith(_OURS) and box.type != frame.type:
        box.settings = f"{box.type} {box.settings}".rstrip()
    box.type, box.name, box.path = frame.type, frame.name, frame.path
    box.called = True


def _named(y: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (name, thing) of what is in nested tuples, lists and dicts."""
    if isinstance(y, dict):
        pairs = [(str(key), each) for key, each in y.items()]
    elif isinstance(y, tuple | list):
        pairs = [(str(i), each) for i, each in enumerate(y)] if len(y) > 1 else [("", each) for each in y]
    else:
        yield name, y
        return
    for key, each in pairs:
        yield from _named(each, f"{name}.{key}" if name and key else name or key)
