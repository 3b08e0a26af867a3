"""The graph of an ONNX file while it is written: nodes, arrays and names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..library import library


class Operand(NamedTuple):
    """What a node takes: a value of the graph, or an array.

    Attributes
    ----------
    name : str
        What nodes call it.
    shape : tuple of int
        That of a value begins with 0, for the batch.
    array : array or None
        The elements, of what is no value.
    """

    name: str
    shape: tuple[int, ...]
    array: np.ndarray | None = None

    @property
    def is_value(self) -> bool:
        """Whether it depends on the input."""
        return self.array is None


class Writer:
    """Takes the nodes of a graph, in the order in which they are computed.

    Parameters
    ----------
    opset : int
        Version of the operators.
    dtype : dtype
        Of values and parameters.
    stored : mapping of int to str
        The name of each parameter and buffer of the network, by the id of its array.

    Attributes
    ----------
    nodes : list of NodeProto
    scope : str
        The place of the module whose operations are written.
    """

    def __init__(self, opset: int, dtype: np.dtype, stored: Mapping[int, str]) -> None:
        self.opset = opset
        self.dtype = dtype
        self._stored = stored
        self.nodes: list[Any] = []
        self._arrays: dict[str, np.ndarray] = {}
        self._constants: dict[tuple[Any, ...], str] = {}
        self._names = set(stored.values())  # which nothing else may have
        self.scope = ""

    def name(self, wanted: str) -> str:
        """Return a name that nothing has yet, and take it."""
        name, count = wanted, 1
        while name in self._names:
            count += 1
            name = f"{wanted}_{count}"
        self._names.add(name)
        return name

    def node(self, kind: str, *inputs: str | Operand, name: Any = None, **attributes: Any) -> str:
        """Append a node with one output, and return the name of that.

        Parameters
        ----------
        kind : str
            The operator.
        *inputs : str or Operand
            "" for an optional one that is left out.
        name : str, optional
            Of the output.
        **attributes
            Those that are None are left out.
        """
        title = self.name(f"{self.scope}/{kind}" if self.scope else kind)
        output = self.name(f"{title}_output") if name is None else name
        given = [each if isinstance(each, str) else each.name for each in inputs]
        while given and not given[-1]:
            given.pop()
        known = {key: each for key, each in attributes.items() if each is not None}
        self.nodes.append(library().helper.make_node(kind, given, [output], name=title, **known))
        return output

    def array(self, array: np.ndarray) -> str:
        """Return the name of an array of the network, which is that in its state dict."""
        known = self._stored.get(id(array))
        if known is None:
            return self.constant(array, array.dtype)
        self._arrays[known] = array
        return known

    def constant(self, values: Any, dtype: Any = None) -> str:
        """Return the name of an array of constants, which has a slash in it; equal ones are one.

        Parameters
        ----------
        values : array_like
        dtype : dtype, optional
            Default: that of values.
        """
        array = np.asarray(values, self.dtype if dtype is None else dtype)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._constants:
            self._constants[key] = self.name(f"{self.scope}/constant")
            self._arrays[self._constants[key]] = array
        return self._constants[key]

    def integers(self, values: Iterable[int]) -> str:
        """Return the name of a list of int64: axes, sizes, margins."""
        return self.constant(list(values), np.int64)

    # What several rules need ------------------------------------------------------------------------

    def reshaped(self, x: str | Operand, sample: Sequence[int]) -> str:
        """Return x with samples of a shape."""
        return self.node("Reshape", x, self.integers((0, *sample)))

    def reduced(self, kind: str, x: str | Operand, axes: Sequence[int], keepdims: bool) -> str:
        """Return a sum, mean or maximum over axes, which were an attribute at first."""
        if self.opset < (13 if kind == "ReduceSum" else 18):
            return self.node(kind, x, axes=list(axes), keepdims=int(keepdims))
        return self.node(kind, x, self.integers(axes), keepdims=int(keepdims))

    def with_axes(self, kind: str, x: str | Operand, axes: Iterable[int]) -> str:
        """Return a Squeeze or an Unsqueeze of x, whose axes were an attribute at first."""
        if self.opset < 13:
            return self.node(kind, x, axes=list(axes))
        return self.node(kind, x, self.integers(axes))

    def part(self, x: str | Operand, axis: int, start: int, stop: int) -> str:
        """Return the elements from start to stop along an axis."""
        return self.parts(x, [(axis, start, stop, 1)])

    def parts(self, x: str | Operand, along: Sequence[tuple[int, int, int, int]]) -> str:
        """Return the elements of (axis, start, stop, step) for each of some axes."""
        axes, starts, stops, steps = (list(each) for each in zip(*along, strict=True))
        if self.opset >= 10:
            ends = [stop if stop >= 0 else -(2**62) for stop in stops]  # before the first element
            return self.node("Slice", x, *map(self.integers, (starts, ends, axes, steps)))
        if all(step == 1 for step in steps):  # those of a Slice before opset 10
            return self.node("Slice", x, axes=axes, starts=starts, ends=stops)
        for axis, *bounds in along:
            x = self.node("Gather", x, self.integers(range(*bounds)), axis=axis)
        return str(x)

    def clipped(self, x: str | Operand, low: float | None, high: float | None) -> str:
        """Return x within limits, which were attributes at first."""
        limits = [None if each is None or math.isinf(each) else float(each) for each in (low, high)]
        if self.opset < 11:
            return self.node("Clip", x, min=limits[0], max=limits[1])
        return self.node("Clip", x, *("" if each is None else self.constant(each) for each in limits))

    def padded(
        self,
        x: Operand,
        margins: Sequence[int],
        value: float | None = 0.0,
        mode: str = "constant",
    ) -> str:
        """Return x with (top, left, bottom, right) around its last two axes; lines have left and right."""
        top, left, bottom, right = margins
        first = [0] * max(len(x.shape) - 2, 0)
        before, after = ([*first, *ends][-len(x.shape) :] for ends in ((top, left), (bottom, right)))
        if self.opset < 11:
            return self.node("Pad", x, pads=[*before, *after], value=value, mode=mode)
        given = "" if value is None else self.constant(value)
        return self.node("Pad", x, self.integers([*before, *after]), given, mode=mode)

    def resized(self, x: str | Operand, sizes: Sequence[int], **attributes: Any) -> str:
        """Return x with the last two axes in new sizes, from opset 11 on; before 18 all sizes are given."""
        if self.opset >= 18:
            return self.node("Resize", x, "", "", self.integers(sizes), axes=(2, 3), **attributes)
        same = self.part(self.node("Shape", x), 0, 0, 2)
        whole = self.node("Concat", same, self.integers(sizes), axis=0)
        # Before opset 13 what is not given is an array of no elements.
        nothing = "" if self.opset >= 13 else self.constant([], np.float32)
        return self.node("Resize", x, nothing, nothing, whole, **attributes)

    def by_channel(self, numbers: str | Operand, ndim: int) -> str | Operand:
        """Return one number for each channel (C,) so that they broadcast over (N, C, ...)."""
        if ndim == 2:
            return numbers
        return self.with_axes("Unsqueeze", numbers, range(1, ndim - 1))

    def initializers(self) -> list[Any]:
        """Return the arrays, as ONNX keeps them."""
        to_tensor = library().numpy_helper.from_array
        return [to_tensor(np.asarray(each, order="C"), name) for name, each in self._arrays.items()]
