"""Lowering rules of what computes nothing: shapes, orders of elements, parts, and what is put together.

Most of it is only remembered, in a view; elements move when a layer reads them, once for all that was done.
"""

from __future__ import annotations

import math

import numpy as np

from .. import graph
from ..ops.padding import padding_lines
from ..ops.resampling import resizing_lines
from .graph import Value
from .nodes.merge import Concat
from .pool_rules import means
from .rules import Lowering, Source, image, resampled, tensor
from .tracing import UnsupportedError
from .view import View


def pad(lowering: Lowering, op: graph.Pad, x: Source) -> View:
    """Lower padding: zeros are a margin that the next layer reads, anything else is written."""
    view = tensor(lowering, x, "Pad")
    if view.line and not any(op.margins[2:]):
        lines = padding_lines(view.value.sizes, op.margins, op.mode, "pad")
        return view.of(resampled(lowering, view.value, *lines, op.value).value)
    if view.flat or view.line:
        order = view.elements().reshape((1, 1, *view.shape)[-3:])
        made = _with_margins(lowering, lowering.laid_out(View(view.value, order=order)).value, op)
        return in_order(made.value, made.elements().reshape(lowering.shape))
    if op.zeros:
        left, right, top, bottom = (a + b for a, b in zip(view.margin, op.margins, strict=True))
        return View(image(view, "Pad"), (left, right, top, bottom))
    return _with_margins(lowering, image(lowering.written(view), "Pad"), op)


def _with_margins(lowering: Lowering, value: Value, op: graph.Pad) -> View:
    """Append what writes an image with its margins."""
    rows, columns = padding_lines(value.sizes, op.margins, op.mode, "pad")
    return resampled(lowering, value, rows, columns, op.value)


def interpolate(lowering: Lowering, op: graph.Interpolate, x: Source) -> View:
    """Lower interpolation."""
    if op.given.mode == "area":
        return means(lowering, tensor(lowering, x, "interpolate"), lowering.shape[1:])
    value = image(lowering.written(tensor(lowering, x, "interpolate")), "interpolate")
    return resampled(lowering, value, *resizing_lines(value.sizes[1:], op.given, "interpolate"))


def reshape(lowering: Lowering, op: graph.Reshape | graph.Flatten | graph.Unflatten, x: Source) -> View:
    """Lower another shape of the same elements in the same order."""
    view = unmoved(lowering, x, type(op).__name__)
    if view.order is None:
        if lowering.shape == view.shape:
            return view
        if lowering.shape == view.value.sizes:
            return View(view.value)
        if lowering.shape == (view.value.size,):
            return View(view.value, flat=True)
        if _is_line(view.value, lowering.shape):
            return View(view.value, line=True)
    return in_order(view.value, view.elements().reshape(lowering.shape))


def moved(lowering: Lowering, op: graph.Operation, x: Source) -> View:
    """Lower what only puts elements elsewhere, or takes a part of a sample."""
    view = unmoved(lowering, x, type(op).__name__)
    one, _ = op.forward(view.elements()[None])
    return in_order(view.value, one[0])


def unmoved(lowering: Lowering, x: Source, what: str) -> View:
    """Return a view without a margin, whatever its order."""
    if not isinstance(x, View):
        raise UnsupportedError(f"{what} of a parameter")
    return lowering.written(x)


def in_order(value: Value, order: np.ndarray) -> View:
    """Return the view of a value's elements in an order, which may be their own."""
    if order.size == value.size and (order.ravel() == np.arange(value.size)).all():
        if order.shape == value.sizes:
            return View(value)
        if order.ndim == 1:
            return View(value, flat=True)
        if _is_line(value, order.shape):
            return View(value, line=True)
    return View(value, order=order)


def channels_first(lowering: Lowering, view: View, axes: int) -> Value:
    """Return a value whose channels are the elements of so many last axes of a view, pixel by pixel.

    Where they stand so already, as when the channels of an image were made its last axis, no element moves.
    """
    order, value = view.elements(), view.value
    leading = order.shape[: order.ndim - axes]
    rows = np.ascontiguousarray(order.reshape(math.prod(leading), -1).T)
    channels, pixels = rows.shape
    if channels == value.channels and np.array_equal(rows.ravel(), np.arange(value.size)):
        return value
    height, width = leading if len(leading) == 2 else (1, pixels)
    return lowering.laid_out(View(value, order=rows.reshape(channels, height, width))).value


def channels_last(value: Value, shape: tuple[int, ...]) -> View:
    """Return a view of a value that has its channels as the last axes of a shape."""
    return in_order(value, np.arange(value.size).reshape(value.channels, -1).T.reshape(shape))


def _is_line(value: Value, shape: tuple[int, ...]) -> bool:
    """Tell whether a shape is that of a value without its axis of rows, of which it has one."""
    return value.height == 1 and shape == (value.channels, value.width)


def concat(lowering: Lowering, op: graph.Concat, *tensors: Source) -> View:
    """Lower channels after channels, or features after features; another axis is made the first one."""
    views = [unmoved(lowering, each, "cat") for each in tensors]
    axes = len(views[0].shape)
    axis = op.dim % (1 + axes) - 1
    if len(views) == 1:
        return views[0]
    first = (axis, *(i for i in range(axes) if i != axis))
    if axis:
        views = [in_order(view.value, view.elements().transpose(first)) for view in views]
    views = [lowering.laid_out(view.as_features()) for view in views]
    values = [view.value for view in views]
    y = Value(sum(value.channels for value in values), *views[0].value.sizes[1:])
    made = views[0].of(lowering.append(Concat(values[0], y, tuple(values[1:]))).value)
    return in_order(made.value, made.elements().transpose(np.argsort(first))) if axis else made
