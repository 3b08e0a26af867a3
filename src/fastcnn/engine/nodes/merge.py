"""Where two branches meet: Add and Concat."""

from __future__ import annotations

from ..emit import Writer
from ..graph import Add, Concat
from ..memory import Blob
from ..parts import Backward, Forward
from .relu import relu_masked


def forward_add(f: Forward, node: Add) -> None:
    """Write y = x + other, perhaps clipped."""
    x, other = f.blobs[node.x], f.blobs[node.other]
    z = f.blob(node.y)
    f.writer.apply(z=z, y=other, r=x, vectors=f.writer.vectors(node.y.channels), relu=node.relu)


def backward_add(b: Backward, node: Add) -> None:
    """Hand the gradient on to both."""
    grad = relu_masked(b, node)
    for value in (node.other, node.x):
        if b.wanted(value):
            b.give(value, grad)


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
