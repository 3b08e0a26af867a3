"""Where two branches meet: Add and Concat."""

from __future__ import annotations

from functools import partial

from ..emit import Writer
from ..graph import Add, Apply, Concat, Conv, Dense, NormPool, Value
from ..memory import Blob
from ..parts import Backward, Forward
from .conv import relu_masked


def forward_add(f: Forward, node: Add) -> None:
    """Write y = x + other, perhaps clipped."""
    x, other = f.blobs[node.x], f.blobs[node.other]
    z = f.blob(node.y)
    sizes = [node.y.pixels, f.writer.vectors(node.y.channels), node.relu]
    f.writer.add("apply", [z, other, None, x], [z.pixels, other.pixels, x.pixels], sizes)


def _is_used_up(value: Value) -> bool:
    """Tell whether what made a value turns its gradient into another array, before anything else runs.

    Others hand it on, read it while they write the gradient of their own input, or read it at the end.
    """
    producer = value.producer
    if isinstance(producer, Apply):
        return producer.norm is not None or producer.relu or producer.dropout is not None
    return isinstance(producer, NormPool | Concat) or (
        isinstance(producer, Conv | Dense | Add) and producer.relu
    )


def backward_add(b: Backward, node: Add) -> None:
    """Hand the gradient on to both; x gets a copy if others would add to it while `other` still needs it."""
    grad = relu_masked(b, node)
    if b.wanted(node.other):
        b.give(node.other, grad)
    if not b.wanted(node.x):
        return
    if b.wanted(node.other) and node.x not in b.grads and not _is_used_up(node.other):
        copy = b.writer.blob(node.x.channels, node.x.height, node.x.width)
        sizes = [node.x.pixels, b.writer.vectors(node.x.channels)]
        b.writer.add("apply", [copy, grad], [copy.pixels, grad.pixels], sizes)
        grad = copy
    b.give(node.x, grad)


def _copy(w: Writer, to: Blob, first: int, source: Blob, source_first: int, value: Value) -> None:
    """Copy the channels of a value between blobs, in each from a channel on.

    Where channels are in the lanes, parts of vectors belong to others: only what is the value's is written.
    """
    tables = [partial(to.pixels, first), partial(source.pixels, source_first)]
    w.add("copy" if w.layout.by_channels else "apply", [to, source], tables, [value.pixels, value.channels])


def forward_concat(f: Forward, node: Concat) -> None:
    """Write x's channels, then other's."""
    z = f.blob(node.y)
    first = 0
    for value in (node.x, node.other):
        _copy(f.writer, z, first, f.blobs[value], 0, value)
        first += value.channels


def backward_concat(b: Backward, node: Concat) -> None:
    """Write each part's share of the gradient."""
    grad, first = b.grads[node.y], 0
    for value in (node.x, node.other):
        if b.wanted(value):
            part = b.writer.blob(value.channels, value.height, value.width)
            _copy(b.writer, part, 0, grad, first, value)
            b.give(value, part)
        first += value.channels
