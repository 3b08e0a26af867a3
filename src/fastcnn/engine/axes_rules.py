"""What reads a value along some of its axes: repeated values, sums, means, maxima and softmax.

The axes that stay are made the channels of a value and the others its pixels: what repeats a pixel or adds
pixels up then does it along any axes. Where they stand so already no element moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .. import graph
from .._outputs import class_axis
from .graph import Node, Value
from .nodes.amax import Amax
from .nodes.arithmetic import Repeat
from .nodes.pool import Pool
from .nodes.softmax import PixelSoftmax, Softmax
from .rules import Lowering, Source
from .shape_rules import in_order, unmoved
from .taps import Axis, Taps
from .tracing import UnsupportedError
from .view import View


def broadcast(lowering: Lowering, x: View, shape: tuple[int, ...], what: str) -> View:
    """Return a view of a shape, in which axes of one element are repeated."""
    if x.shape == shape:
        return x
    if len(x.shape) != len(shape):
        raise UnsupportedError(f"{what} of values of different shapes")
    x = lowering.written(x)
    wide = [i for i, (size, whole) in enumerate(zip(x.shape, shape, strict=True)) if size != whole]
    kept = [i for i in range(len(shape)) if i not in wide]
    if x.order is None and wide == [1, 2]:
        channels, height, width = shape
        return x.of(lowering.append(Repeat(x.value, Value(channels, height, width))).value)
    channels = math.prod(shape[i] for i in kept)
    one = _as_channels(lowering, x, x.elements().reshape(channels, 1))
    y = lowering.append(Repeat(one, Value(channels, 1, math.prod(shape[i] for i in wide)))).value
    return in_order(y, _put_back(y, shape, kept, wide))


def mean(lowering: Lowering, op: graph.Mean, x: Source) -> View:
    """Lower the mean over axes of a sample."""
    return _summed(lowering, op, x, lambda count: 1 / count)


def total(lowering: Lowering, op: graph.Sum, x: Source) -> View:
    """Lower the sum over axes of a sample."""
    return _summed(lowering, op, x, lambda count: 1.0)


def _summed(
    lowering: Lowering, op: graph.Mean | graph.Sum, x: Source, factor: Callable[[int], float]
) -> View:
    def over_pixels(value: Value) -> Node:
        taps = Taps(Axis.adaptive(1, value.height), Axis.adaptive(1, value.width))
        return Pool(value, Value(value.channels, 1, 1), taps, lambda: np.full(1, factor(value.pixels)))

    return _reduced(lowering, op, x, over_pixels)


def maximum(lowering: Lowering, op: graph.Amax, x: Source) -> View:
    """Lower the maximum over axes of a sample; no element moves for channels, or for all axes."""

    def over_pixels(value: Value) -> Node:
        return Amax(value, Value(value.channels, 1, 1), False)

    def over_channels(value: Value, height: int, width: int) -> Node:
        return Amax(value, Value(1, height, width), True)

    return _reduced(lowering, op, x, over_pixels, over_channels)


def _reduced(
    lowering: Lowering,
    op: graph.Mean | graph.Sum | graph.Amax,
    x: Source,
    over_pixels: Callable[[Value], Node],
    over_channels: Callable[[Value, int, int], Node] | None = None,
) -> View:
    """Append a node over the pixels of a value, or one over its channels whose output has these sizes."""
    view = unmoved(lowering, x, op.name)
    shape = view.shape
    axes = tuple(each - 1 for each in op.axes((0, *shape)))
    kept = [i for i in range(len(shape)) if i not in axes]
    if not kept and not op.keepdim:
        raise UnsupportedError("one number for each sample")
    value, in_place = view.value, view.order is None and not view.flat
    if over_channels is not None and view.order is None and (not kept or (in_place and axes == (0,))):
        node = over_channels(value, *((value.height, value.width) if kept else (1, 1)))
    elif in_place and axes == tuple(range(1, len(shape))):
        node = over_pixels(value)
    else:
        order = view.elements().transpose(*kept, *axes)
        order = order.reshape(math.prod(order.shape[: len(kept)]), -1)
        node = over_pixels(_as_channels(lowering, view, order))
    made = lowering.append(node).value
    sizes = tuple(1 if i in axes else size for i, size in enumerate(shape) if op.keepdim or i not in axes)
    return in_order(made, np.arange(made.size).reshape(sizes))


def softmax(lowering: Lowering, op: graph.Softmax | graph.LogSoftmax, x: Source) -> View:
    """Lower softmax along an axis, whose elements are made the channels of pixels."""
    view, log = unmoved(lowering, x, "Softmax"), isinstance(op, graph.LogSoftmax)
    shape = view.shape
    along = class_axis(op.dim, 1 + len(shape), "softmax") - 1
    if len(shape) == 1:
        view = lowering.laid_out(view)
        y = Value(*view.value.sizes)
        return view.of(lowering.append(Softmax(view.value, y, log)).value)
    order = np.moveaxis(view.elements(), along, 0)
    value = _as_channels(lowering, view, order.reshape(len(order), -1))
    made = lowering.append(PixelSoftmax(value, Value(*value.sizes), log)).value
    return in_order(made, np.moveaxis(np.arange(made.size).reshape(order.shape), 0, along))


def _as_channels(lowering: Lowering, x: View, order: np.ndarray) -> Value:
    """Return a value that has rows of elements as its channels, and their columns as pixels."""
    value = x.value
    if np.array_equal(order.ravel(), np.arange(value.size)) and order.shape == (value.channels, value.pixels):
        return value
    return lowering.laid_out(View(value, order=order.reshape(len(order), 1, -1))).value


def _put_back(y: Value, shape: tuple[int, ...], kept: list[int], wide: list[int]) -> np.ndarray:
    """Return the order of a value whose channels are the axes `kept` and whose pixels the others."""
    order = np.arange(y.size).reshape([shape[i] for i in (*kept, *wide)])
    return order.transpose(np.argsort([*kept, *wide]))
