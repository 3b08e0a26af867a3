"""Where two branches meet: Add and Concat."""

from __future__ import annotations

from ..emit import Writer
from ..graph import Add, Apply, Concat, NormPool, Value
from ..memory import Blob
from ..parts import Backward, Forward
from .relu import relu_masked


def forward_add(f: Forward, node: Add) -> None:
    """Write y = x + other, perhaps clipped."""
    x, other = f.blobs[node.x], f.blobs[node.other]
    z = f.blob(node.y)
    f.writer.apply(z=z, y=other, r=x, vectors=f.writer.vectors(node.y.channels), relu=node.relu)


def _is_used_up(value: Value) -> bool:
    """Tell whether what made a value turns its gradient into another array, before anything else runs.

    Others hand it on, read it while they write the gradient of their own input, or read it at the end.
    """
    producer = value.producer
    if isinstance(producer, Apply):
        return producer.norm is not None or producer.relu or producer.dropout is not None
    return isinstance(producer, NormPool | Concat) or (producer is not None and producer.clipped)


def backward_add(b: Backward, node: Add) -> None:
    """Hand the gradient on to both; x gets a copy if others would add to it while `other` still needs it."""
    grad = relu_masked(b, node)
    if b.wanted(node.other):
        b.give(node.other, grad)
    if not b.wanted(node.x):
        return
    if b.wanted(node.other) and node.x not in b.grads and not _is_used_up(node.other):
        copy = b.blob(node.x)
        b.writer.apply(z=copy, y=grad, vectors=b.writer.vectors(node.x.channels))
        grad = copy
    b.give(node.x, grad)


def _copy(w: Writer, to: Blob, first: int, source: Blob, source_first: int, channels: int) -> None:
    """Copy channels between blobs, in each from a channel on.

    Where channels are in the lanes, parts of vectors belong to others: only what is copied is written.
    """
    w.copy(z=to, y=source, z_at=to.pixels(first), y_at=source.pixels(source_first), channels=channels)


def forward_concat(f: Forward, node: Concat) -> None:
    """Write x's channels, then other's."""
    z = f.blob(node.y)
    first = 0
    for value in (node.x, node.other):
        _copy(f.writer, z, first, f.blobs[value], 0, value.channels)
        first += value.channels


def backward_concat(b: Backward, node: Concat) -> None:
    """Write each part's share of the gradient."""
    grad, first = b.grads[node.y], 0
    for value in (node.x, node.other):
        if b.wanted(value):
            part = b.blob(value)
            _copy(b.writer, part, 0, grad, first, value.channels)
            b.give(value, part)
        first += value.channels
