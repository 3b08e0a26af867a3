"""What moves elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ... import graph
from ..._shapes import integer
from ...errors import ArgumentError, DTypeError
from ...graph import apply

__all__ = [
    "cat",
    "chunk",
    "flatten",
    "pad",
    "split",
]

T = TypeVar("T")


def flatten(input: T, start_dim: int = 0, end_dim: int = -1) -> T:
    """Merge the axes start_dim to end_dim into one."""
    return apply(graph.Flatten(start_dim, end_dim), input)


def cat(tensors: Sequence[T], dim: int = 0) -> T:
    """Put tensors one after the other along an axis; their other sizes are the same."""
    if not isinstance(tensors, tuple | list) or not tensors:
        raise DTypeError(f"cat: tensors must be a sequence of at least one tensor, got {tensors!r:.60}")
    return apply(graph.Concat(dim), *tensors)


def split(tensor: T, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[T, ...]:
    """Return parts along an axis: of one size, the last perhaps smaller, or of the sizes in a list."""
    return graph.split(tensor, split_size_or_sections, dim)


def chunk(input: T, chunks: int, dim: int = 0) -> tuple[T, ...]:
    """Return at most so many parts of equal size along an axis; the last may be smaller."""
    return graph.chunk(input, chunks, dim)


def pad(input: T, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> T:
    """Put zeros around images: (left, right), or (left, right, top, bottom)."""
    if mode != "constant" or value not in (0, None):
        raise ArgumentError(f"pad: only mode='constant' with value=0 is there, got {mode!r} with {value!r}")
    expected = f"pad: pad must be (left, right) or (left, right, top, bottom), got {pad!r}"
    if not isinstance(pad, tuple | list):
        raise DTypeError(expected)
    if len(pad) not in (2, 4):
        raise ArgumentError(expected)
    margins = [integer(each, "pad: pad") for each in pad]
    return apply(graph.ZeroPad((*margins, 0, 0)[:4]), input)
