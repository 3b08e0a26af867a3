"""Lowering rules: what nodes an operation becomes; others are in arithmetic_rules.py, norm_rules.py,
pool_rules.py, product_rules.py and shape_rules.py.

A trace has held that the operation takes its inputs. Where the engine has no form for it, the rule raises
UnsupportedError: the model then runs eagerly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import graph, nn
from .._shapes import Window
from ..nn.opaque import Opaque
from ..ops._check import is_number
from ..ops._lines import Lines
from ..ops.padding import padding_lines
from ..ops.stochastic_depth import DRAWS
from .graph import Node, Value
from .nodes.apply import Apply
from .nodes.dropout import OF_CHANNELS, OF_ELEMENTS, DropNode
from .nodes.opaque import OpaqueNode
from .nodes.rearrange import Rearrange
from .nodes.resample import Resample
from .nodes.slopes import Slopes
from .tracing import UnsupportedError
from .view import View

# Of a sample's value: the places of elements are int32.
_MOST_ELEMENTS = 2**31 - 1
# What an operation of a trace is applied to.
Source = View | nn.Parameter | float | None


class Lowering:
    """Collects the nodes of one model of one element type.

    Parameters
    ----------
    dtype : np.dtype
        Of all parameters.
    training : bool
        Whether each layer is in its own mode; else all are in evaluation mode.
    """

    def __init__(self, dtype: np.dtype, training: bool) -> None:
        self.dtype = dtype
        self.training = training
        self.label = ""  # of the module that an operation belongs to
        self.nodes: list[Node] = []
        self.shape: tuple[int, ...] = ()  # of a sample of what the operation makes

    def append(self, node: Node) -> View:
        """Add a node and return a view of what it makes."""
        if node.y.size > _MOST_ELEMENTS:
            raise UnsupportedError("a sample with a value of 2**31 elements or more")
        node.y.producer = node
        node.label = self.label
        for value in node.inputs:
            value.consumers.append(node)
        self.nodes.append(node)
        return View(node.y)

    def laid_out(self, x: View) -> View:
        """Return a view of a value that has the elements of x in their places."""
        if x.order is None:
            return x
        if x.laid_out is None:
            if x.order.ndim > 3:
                raise UnsupportedError(f"a layer that reads a tensor of {1 + x.order.ndim} axes")
            y = sample(x.order.shape)
            self.append(Rearrange(x.value, y.value, x.order.ravel()))
            x.laid_out = y
        return x.laid_out

    def written(self, x: View) -> View:
        """Return a view of a value that has the margin of x too."""
        if not any(x.margin):
            return x
        rows, columns = padding_lines(x.value.sizes, x.margin, "constant", "engine")
        return resampled(self, x.value, rows, columns)

    def output(self, x: View) -> View:
        """Return a view of the value that the caller gets for x; it is no input."""
        x = self.written(x)
        if x.value.producer is None:
            x = View(x.value, order=x.elements())
        x = self.laid_out(x)
        x.value.is_output = True
        return x

    def weight(self, parameter: nn.Parameter, shape: tuple[int, ...]) -> None:
        """Check that a parameter has the shape that its layer needs."""
        self.array(parameter._array, shape, "a weight")

    def array(self, value: object, shape: tuple[int, ...], what: str) -> None:
        """Check that the program can read and write an array in place."""
        if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != self.dtype:
            raise UnsupportedError(f"{what} that is not a {self.dtype} array of the shape {shape}")
        if not (value.flags.c_contiguous and value.flags.aligned and value.flags.writeable):
            raise UnsupportedError(f"{what} that is not contiguous or not writeable")


def resampled(lowering: Lowering, value: Value, rows: Lines, columns: Lines, margin: float = 0.0) -> View:
    """Append what makes an image of the rows and columns of another; where there are none, it is `margin`."""
    y = Value(value.channels, rows.counts.size, columns.counts.size)
    return lowering.append(Resample(value, y, rows, columns, margin))


def sample(shape: tuple[int, ...]) -> View:
    """Return a view of a new value of a shape, (C, H, W), (C, L) or (F,)."""
    if not shape:
        raise UnsupportedError("one number for each sample")
    if len(shape) == 3:
        return View(Value(*shape))
    if len(shape) == 2:
        return View(Value(shape[0], 1, shape[1]), line=True)
    return View(Value(shape[0], 1, 1), flat=True)


def image(x: View, what: str) -> Value:
    """Return the value of a view of images."""
    if x.flat or x.line:
        raise UnsupportedError(f"{what} of {'flattened input' if x.flat else 'lines'}")
    return x.value


def over_value(x: View, w: Window) -> Window:
    """Return a window over x as one over x's value: its padding takes in x's margin."""
    return w._replace(
        in_h=x.value.height,
        in_w=x.value.width,
        pad_top=w.pad_top + x.margin[2],
        pad_left=w.pad_left + x.margin[0],
    )


def tensor(lowering: Lowering, x: Source, what: str) -> View:
    """Return an input that must be a value, with its elements in their places."""
    if not isinstance(x, View):
        raise UnsupportedError(f"{what} of a parameter")
    return lowering.laid_out(x)


def elementwise(lowering: Lowering, x: Source, **parts: Any) -> View:
    """Append an elementwise node."""
    view = lowering.written(tensor(lowering, x, "an elementwise layer"))
    value = view.value
    y = Value(*value.sizes)
    return view.of(lowering.append(Apply(value, y, **parts)).value)


def trains(lowering: Lowering, op: graph.BatchNorm | graph.Dropout) -> bool:
    """Tell whether an operation is in training mode, which it is in a program for training alone."""
    if op.training and not lowering.training:
        raise UnsupportedError(f"{type(op).__name__} that trains in evaluation mode")
    return op.training


def activation(lowering: Lowering, op: graph.Activation, x: Source) -> View:
    """Lower an activation that kernels have."""
    if op.kernel is None:
        raise UnsupportedError(f"{type(op).__name__} has no kernel")
    if isinstance(x, View) and x.order is not None and x.order.size == x.value.size:  # no element need move
        made = lowering.append(Apply(x.value, Value(*x.value.sizes), activation=op))
        return View(made.value, order=x.order)
    return elementwise(lowering, x, activation=op)


def prelu(lowering: Lowering, op: graph.PReLU, x: Source, weight: Source) -> View:
    """Lower a rectification with slopes for channels, or one for all."""
    view = tensor(lowering, x, "PReLU")
    if not isinstance(weight, nn.Parameter):
        raise UnsupportedError("PReLU with a weight that is no parameter")
    lowering.weight(weight, weight.shape)
    if weight.size > 1:  # each feature has its own
        view = lowering.laid_out(view.as_features())
    return elementwise(lowering, view, activation=Slopes(weight))


def opaque(lowering: Lowering, op: Opaque, *inputs: Source) -> View:
    """Lower a module with a backward of its own: Python runs it between two parts of the program."""
    if any(isinstance(each, nn.Parameter) for each in inputs):
        raise UnsupportedError(f"{op.name} has a backward of its own, and is given a parameter")
    views = [lowering.written(lowering.laid_out(each)) for each in inputs if isinstance(each, View)]
    values = [view.value for view in views]
    if not op.makes_one or not 1 <= len(lowering.shape) <= 3:
        raise UnsupportedError(f"{op.name} has a backward of its own, and makes no image and no features")
    y, shapes = sample(lowering.shape), tuple(view.shape for view in views)
    lowering.append(
        OpaqueNode(values[0], y.value, tuple(values[1:]), op, shapes, lowering.shape, lowering.training)
    )
    return y


def dropout(lowering: Lowering, op: graph.Dropout, x: Source) -> View:
    """Lower dropout, of channels too, alpha dropout or stochastic depth; none in evaluation mode."""
    what = type(op).__name__
    if not is_number(op.owner.p, 1.0):
        raise UnsupportedError(f"{what} with p={op.owner.p!r}")
    view = tensor(lowering, x, what)
    if not trains(lowering, op):
        return view
    by_channel = op.by_channel and not view.flat  # a channel of features is a feature
    if op.alpha:
        view = lowering.written(view)
        value = view.value
        node = DropNode(value, Value(*value.sizes), op.owner, by_channel)
        return view.of(lowering.append(node).value)
    shared = OF_CHANNELS if by_channel else OF_ELEMENTS
    if isinstance(op, graph.StochasticDepth):
        shared = DRAWS[op.owner.mode]
    return elementwise(lowering, view, dropout=op.owner, shared=shared)
