"""What moves elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ... import graph
from ...errors import DTypeError
from ...graph import apply

__all__ = [
    "cat",
    "channel_shuffle",
    "chunk",
    "flatten",
    "pixel_shuffle",
    "pixel_unshuffle",
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


def pixel_shuffle(input: T, upscale_factor: int) -> T:
    """Make squares of pixels out of channels; see `fastcnn.ops.pixel_shuffle`."""
    return apply(graph.PixelShuffle(upscale_factor), input)


def pixel_unshuffle(input: T, downscale_factor: int) -> T:
    """Make channels out of squares of pixels; see `fastcnn.ops.pixel_unshuffle`."""
    return apply(graph.PixelUnshuffle(downscale_factor), input)


def channel_shuffle(input: T, groups: int) -> T:
    """Take the channels of groups in turn; see `fastcnn.ops.channel_shuffle`."""
    return apply(graph.ChannelShuffle(groups), input)
