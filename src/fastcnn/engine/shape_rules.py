"""Lowering rules of what computes nothing: shapes, orders of elements, parts, and what is put together.

Most of it is only remembered, in a view; elements move when a layer reads them, once for all that was done.
"""

from __future__ import annotations

import numpy as np

from .. import graph
from .._shapes import padding4
from .graph import Value
from .nodes.merge import Concat
from .rules import Lowering, Source, image, plain, tensor
from .tracing import UnsupportedError
from .view import View


def zero_pad(lowering: Lowering, op: graph.ZeroPad, x: Source) -> View:
    """Lower zero padding: the next layer reads the margin."""
    view = tensor(lowering, x, "ZeroPad2d")
    added = padding4(op.padding, "ZeroPad2d: padding")
    left, right, top, bottom = (a + b for a, b in zip(view.margin, added, strict=True))
    return View(image(view, "ZeroPad2d"), (left, right, top, bottom))


def reshape(lowering: Lowering, op: graph.Reshape | graph.Flatten, x: Source) -> View:
    """Lower another shape of the same elements in the same order."""
    view = unmoved(x, type(op).__name__)
    if view.order is None:
        if lowering.shape == view.shape:
            return view
        if lowering.shape == view.value.sizes:
            return View(view.value)
        if lowering.shape == (view.value.size,):
            return View(view.value, flat=True)
    return in_order(view.value, view.elements().reshape(lowering.shape))


def moved(lowering: Lowering, op: graph.Permute | graph.Slice, x: Source) -> View:
    """Lower another order of axes, or a part of a sample."""
    view = unmoved(x, type(op).__name__)
    one, _ = op.forward(view.elements()[None])
    return in_order(view.value, one[0])


def unmoved(x: Source, what: str) -> View:
    """Return a view without a margin, whatever its order."""
    if not isinstance(x, View):
        raise UnsupportedError(f"{what} of a parameter")
    plain(x, what)
    return x


def in_order(value: Value, order: np.ndarray) -> View:
    """Return the view of a value's elements in an order, which may be their own."""
    if order.size == value.size and (order.ravel() == np.arange(value.size)).all():
        if order.shape == value.sizes:
            return View(value)
        if order.ndim == 1:
            return View(value, flat=True)
    return View(value, order=order)


def concat(lowering: Lowering, op: graph.Concat, *tensors: Source) -> View:
    """Lower channels after channels, or features after features; another axis is made the first one."""
    views = [unmoved(each, "cat") for each in tensors]
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
    made = View(lowering.append(Concat(values[0], y, tuple(values[1:]))).value, flat=views[0].flat)
    return in_order(made.value, made.elements().transpose(np.argsort(first))) if axis else made
