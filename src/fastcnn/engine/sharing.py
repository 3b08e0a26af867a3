"""Buffers that have the same memory, one after the other.

What a program has read for the last time leaves its place to what is written next, which so finds the place
in a cache; memory of its own would have to come from further away, to be overwritten. Halos are zeroed once:
a buffer with one shares its place with buffers of the same geometry and type, others share with any.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from .._kernels import program as kernels
from .._shapes import check_size, filled
from .elements import ElementType
from .emit import Op
from .memory import Blob, Vectors, whole_of
from .writer import Writer

Phase = tuple[int, int, int]  # kind, first operation, last + 1
Kept = Blob | Vectors
_LINE = 64  # bytes of a cache line
# An even number of lines from one large copy to the next would put them into few sets of a cache.
_LARGE = 16 * _LINE
_NAN = 255  # each byte of a number that is none


class Span(NamedTuple):
    """The operations during which a buffer holds something: the first and the last."""

    first: int
    last: int

    def meets(self, other: Span) -> bool:
        """Tell whether both hold something at some time."""
        return self.first <= other.last and other.first <= self.last


class Rooms(NamedTuple):
    """Where buffers stand: in an arena for each scope, so many bytes behind its start.

    Attributes
    ----------
    offsets : dict
        Of each buffer that shares. Others have memory of their own.
    sizes : dict
        Bytes of one copy of each scope's arena.
    """

    offsets: dict[Kept, int]
    sizes: dict[int, int]


def find_rooms(writer: Writer, phases: list[Phase]) -> Rooms:
    """Return rooms for the buffers of a program whose scopes are settled."""
    scopes: dict[int, dict[Kept, Span]] = defaultdict(dict)
    for buffer, span in _spans(writer, phases).items():
        scopes[buffer.scope][buffer] = span
    offsets: dict[Kept, int] = {}
    sizes = {}
    for scope, spans in scopes.items():
        geometries: dict[object, list[Kept]] = defaultdict(list)
        for buffer in spans:
            geometries[_geometry(buffer)].append(buffer)
        end = _pack(writer, geometries.pop(None, []), spans, offsets)
        for alike in geometries.values():
            end = _take_turns(writer, alike, spans, offsets, end)
        sizes[scope] = end + _LINE if end >= _LARGE and not end // _LINE % 2 else end
    return Rooms(offsets, sizes)


class Memory(Mapping[Kept, np.ndarray]):
    """The array of each buffer, with a row for each copy.

    Parameters
    ----------
    element : ElementType
        Of the program's values.
    copies : dict
        How many each buffer has.
    rooms : Rooms
        Of those that share memory.
    poisoned : bool
        Whether memory that is shared begins as NaN, but for halos, and not as zeros: for tests.
    """

    def __init__(self, element: ElementType, copies: dict[Kept, int], rooms: Rooms, poisoned: bool) -> None:
        self._made_of = element, copies, rooms, poisoned
        self.rooms = rooms
        numbers = {scope: next(copies[b] for b in rooms.offsets if b.scope == scope) for scope in rooms.sizes}
        own = [buffer for buffer in copies if buffer not in rooms.offsets]
        shapes = [(numbers[scope], size) for scope, size in rooms.sizes.items()]
        shapes += [(copies[buffer], bytes_of(buffer, element)) for buffer in own]
        # Zeros take no memory before they are used: each array may fit, and all of them not.
        self.bytes = sum(count * size for count, size in shapes)
        check_size((self.bytes,), 1, "engine: the buffers of a program")
        arrays = [filled(shape, 0, np.uint8, "engine: a buffer", aligned=True) for shape in shapes]
        arenas = dict(zip(rooms.sizes, arrays, strict=False))
        wholes = dict(zip(own, arrays[len(arenas) :], strict=True))
        if poisoned:
            for arena in arenas.values():
                arena.fill(_NAN)
        self._arrays = {}
        for buffer in copies:
            offset = rooms.offsets.get(buffer)
            whole = wholes[buffer] if offset is None else arenas[buffer.scope]
            start = offset or 0
            stretch = whole[:, start : start + bytes_of(buffer, element)]
            if poisoned and _geometry(buffer):
                stretch.fill(0)
            self._arrays[buffer] = stretch.view(_type(buffer, element))

    def __getitem__(self, buffer: Kept) -> np.ndarray:
        return self._arrays[buffer]

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def again(self) -> Memory:
        """Return as much memory anew."""
        return Memory(*self._made_of)


def bytes_of(buffer: Kept, element: ElementType) -> int:
    """Return the bytes of one copy."""
    return buffer.group_size * _type(buffer, element).itemsize


def _type(buffer: Kept, element: ElementType) -> np.dtype:
    return element.dtype(buffer.element) if isinstance(buffer, Vectors) else buffer.dtype


def _spans(writer: Writer, phases: list[Phase]) -> dict[Kept, Span]:
    """Return when each buffer holds something that may be overwritten afterwards.

    Left out are partial sums, those of threads as well, and what is prepared, for it holds until a parameter
    changes.
    """
    spans: dict[Kept, Span] = {}
    lasting: set[Kept] = set()
    starts = [0, *(part.end for part in writer.parts)]
    for start, part in zip(starts, writer.parts, strict=False):
        for i in range(start, part.prepared):
            lasting.update(_kept(writer.ops[i]))
        for phase in phases:
            for i in range(max(part.prepared, phase[1]), min(part.end, phase[2])):
                # Operations over groups follow each other in each; others of one phase run at one time.
                now = Span(i, i) if phase[0] == kernels.OVER_GROUPS else Span(phase[1], phase[2] - 1)
                for buffer in _kept(writer.ops[i]):
                    before = spans.get(buffer, now)
                    # A part that reads what another one has left may run several times.
                    last = now.last if before.first >= start else part.end - 1
                    spans[buffer] = Span(before.first, max(before.last, last))
    return {buffer: span for buffer, span in spans.items() if buffer not in lasting}


def _kept(op: Op) -> Iterator[Kept]:
    """Yield the buffers of an operation that hold values of images."""
    for buffer in map(whole_of, op.buffers.values()):
        if isinstance(buffer, Blob):
            of_images = not buffer.external
        else:
            of_images = isinstance(buffer, Vectors) and not (buffer.most_slots or buffer.each_thread)
        if of_images:
            yield buffer


def _geometry(buffer: Kept) -> object:
    """Return what tells where a buffer's zeros are, None if it needs none."""
    if isinstance(buffer, Vectors) or not any(buffer.halo):
        return None
    return buffer.height, buffer.width, buffer.pitch, buffer.halo, buffer.dtype


def _lines(writer: Writer, buffer: Kept) -> int:
    """Return the bytes of one copy, whole cache lines."""
    return -(-bytes_of(buffer, writer.element) // _LINE) * _LINE


def _pack(writer: Writer, buffers: Iterable[Kept], spans: dict[Kept, Span], offsets: dict[Kept, int]) -> int:
    """Give each of some buffers the lowest room, the largest first; return where they end."""
    taken: list[tuple[int, int, Span]] = []  # start, end, when
    for buffer in sorted(buffers, key=lambda each: (-_lines(writer, each), spans[each])):
        size, start = _lines(writer, buffer), 0
        for first, last, when in taken:
            if when.meets(spans[buffer]) and first < start + size and last > start:
                start = last
        offsets[buffer] = start
        insort(taken, (start, start + size, spans[buffer]))
    return max((end for _, end, _ in taken), default=0)


def _take_turns(
    writer: Writer, alike: list[Kept], spans: dict[Kept, Span], offsets: dict[Kept, int], end: int
) -> int:
    """Give buffers of one geometry rooms from `end` on, first the one left last; return where they end."""
    free: list[int] = []
    held: list[Kept] = []
    for buffer in sorted(alike, key=lambda each: spans[each]):
        left = sorted(
            (each for each in held if not spans[each].meets(spans[buffer])), key=lambda each: spans[each].last
        )
        free += [offsets[each] for each in left]
        held = [each for each in held if each not in left]
        if not free:
            free.append(end)
            end += _lines(writer, buffer)
        offsets[buffer] = free.pop()
        held.append(buffer)
    return end
