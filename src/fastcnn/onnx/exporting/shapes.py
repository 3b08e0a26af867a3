"""Shapes, orders and parts in ONNX."""

from __future__ import annotations

from typing import Any

from ... import graph
from .rules import rule
from .writer import Operand, Writer

Shape = tuple[int, ...]


@rule(graph.Reshape, graph.Flatten, graph.Unflatten)
def reshape(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write the same elements in another shape."""
    if len(y) == 2:
        return w.node("Flatten", x, axis=1)
    return w.reshaped(x, y[1:])


@rule(graph.Permute)
def permute(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write the axes in another order."""
    return w.node("Transpose", x, perm=[dim % len(y) for dim in operation.dims])


@rule(graph.Concat)
def concat(w: Writer, operation: Any, *inputs: Any) -> str:
    """Write tensors one after the other along an axis."""
    *operands, y = inputs
    return w.node("Concat", *operands, axis=operation.dim % len(y))


@rule(graph.Slice)
def part(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write what an index of integers, slices, None and ``...`` takes out."""
    index, taken = list(operation.index), sum(each is not None for each in operation.index)
    if Ellipsis in index:
        place = index.index(Ellipsis)
        index[place : place + 1] = [slice(None)] * (len(x.shape) - taken + 1)
    axis, made = 0, 0
    along, dropped, added = [], [], []
    for each in index:
        if each is None:
            added.append(made)
            made += 1
            continue
        if not isinstance(each, slice):
            start = each % x.shape[axis]
            dropped.append(axis)
            each = slice(start, start + 1)
        else:
            made += 1
        if each != slice(None):
            along.append((axis, *each.indices(x.shape[axis])))
        axis += 1
    name: str | Operand = x
    if along:
        name = w.parts(name, along)
    if dropped:
        name = w.with_axes("Squeeze", name, dropped)
    if added:
        name = w.with_axes("Unsqueeze", name, added)
    return w.node("Identity", x) if name is x else str(name)


@rule(graph.PixelShuffle)
def pixel_shuffle(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write squares of pixels made of channels."""
    r = int(operation.upscale_factor)
    if w.opset >= 11:
        return w.node("DepthToSpace", x, blocksize=r, mode="CRD")
    made = w.reshaped(x, (y[1], r, r, *x.shape[2:]))
    return w.reshaped(w.node("Transpose", made, perm=(0, 1, 4, 2, 5, 3)), y[1:])


@rule(graph.PixelUnshuffle)
def pixel_unshuffle(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write channels made of squares of pixels, the channels of an image's channel side by side."""
    r, (c, h, width) = int(operation.downscale_factor), x.shape[1:]
    made = w.reshaped(x, (c, h // r, r, width // r, r))
    return w.reshaped(w.node("Transpose", made, perm=(0, 1, 3, 5, 2, 4)), y[1:])


@rule(graph.ChannelShuffle)
def channel_shuffle(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write the channels of groups in turn."""
    groups, rest = int(operation.groups), range(3, len(y) + 1)
    made = w.reshaped(x, (groups, x.shape[1] // groups, *x.shape[2:]))
    return w.reshaped(w.node("Transpose", made, perm=(0, 2, 1, *rest)), y[1:])
