"""Putting a written program together: phases, who has a copy of each buffer, memory, and the executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from .._kernels import program as kernels
from .._shapes import INT_MAX
from ..nn import Parameter
from .check import check_places, checks_places
from .emit import Op
from .memory import Blob, External, Vectors, whole_of
from .sharing import Kept, Memory, Phase, find_rooms
from .writer import Writer


@dataclass
class Executable:
    """A program with its memory.

    Attributes
    ----------
    memory : Memory
        The array of each of the writer's blobs and scratches, with a row for each copy.
    phase_ends : list of int
        Number of phases at the end of each of the writer's parts.
    externals : list of str
        Names of the caller's arrays, in the order in which a run takes them.
    parameters, scalars : lists
        The places (operation, name of the argument) of parameters, and of scalars that may change.
    capacity : int
        The most images of a run; INT_MAX if no buffer grows with them.
    """

    program: kernels.Program
    memory: Memory
    writer: Writer
    phases: list[Phase]
    phase_ends: list[int]
    externals: list[str]
    parameters: list[tuple[int, str, Parameter]]
    scalars: list[tuple[int, str, Callable[[], float]]]
    capacity: int

    @property
    def bytes(self) -> int:
        """What its memory takes."""
        return self.memory.bytes

    @property
    def stretches(self) -> list[tuple[int, int, int]]:
        """The phases of each part: the first, the first behind those that prepare it, and the last + 1.

        In a program for predictions, what is prepared holds until a parameter changes: packed weights.
        """
        starts, ends = [0, *self.phase_ends[:-1]], self.phase_ends
        prepared = [part.prepared for part in self.writer.parts]
        return [
            (start, start + sum(last <= limit for _, _, last in self.phases[start:end]), end)
            for start, limit, end in zip(starts, prepared, ends, strict=True)
        ]

    def again(self) -> Executable:
        """Return the same program with memory of its own; all but blobs and scratches is shared."""
        memory = self.memory.again()
        linked = _link(self.writer, memory)
        return replace(self, memory=memory, program=linked.program(self.phases))

    @property
    def distinct_parameters(self) -> list[Parameter]:
        """The parameters that the program reads, each once."""
        return list({id(parameter): parameter for _, _, parameter in self.parameters}.values())


def _cut(ops: list[Op], part_ends: list[int]) -> tuple[list[Phase], list[int]]:
    """Return phases, which join neighbouring operations, and their number at the end of each part."""
    phases: list[Phase] = []
    phase_ends, start = [], 0
    for end in part_ends:
        for i in range(start, end):
            op, before = ops[i], ops[i - 1]
            kind, joins = kernels.OVER_GROUPS, True
            if op.tasks:
                kind, joins = kernels.OVER_TASKS, op.stage is not None and op.stage == before.stage
            elif op.band is not None:
                kind, joins = kernels.OVER_BANDS, op.band > 0
            if i > start and joins and phases[-1][0] == kind:
                phases[-1] = (kind, phases[-1][1], i + 1)
            else:
                phases.append((kind, i, i + 1))
        phase_ends.append(len(phases))
        start = end
    return phases, phase_ends


def _settle_scopes(ops: list[Op], phases: list[Phase]) -> bool:
    """Let buffers that one phase uses be each thread's own; return whether any is left for each group.

    Operations between two that take whole chunks are run for one group after the other: what only they use,
    the next group may overwrite. What an operation on a whole chunk uses, even alone, holds several groups.
    """
    uses: dict[int, tuple[Blob | Vectors, set[tuple[int, int, int]]]] = {}
    for number, (_, first, last) in enumerate(phases):
        stretch = 0
        for i in range(first, last):
            stretch += i > first and (ops[i].whole_chunk or ops[i - 1].whole_chunk)
            for buffer in map(whole_of, ops[i].buffers.values()):
                if isinstance(buffer, Blob) and buffer.external:
                    continue
                if isinstance(buffer, Blob) or (
                    isinstance(buffer, Vectors) and not buffer.most_slots and not buffer.each_thread
                ):
                    place = (number, stretch, ops[i].whole_chunk)
                    uses.setdefault(id(buffer), (buffer, set()))[1].add(place)
    grows = False
    for buffer, places in uses.values():
        if len({number for number, _, _ in places}) > 1:
            buffer.scope, grows = kernels.EACH_GROUP, True
        else:
            several = len(places) > 1 or any(whole_chunk for _, _, whole_chunk in places)
            buffer.scope = kernels.EACH_IN_HAND if several else kernels.EACH_THREAD
    return grows


def _allocate(writer: Writer, phases: list[Phase], groups: int, slots: int, threads: int) -> Memory:
    """Return memory for each buffer."""
    copies = {
        kernels.EACH_GROUP: groups,
        kernels.EACH_THREAD: threads,
        kernels.EACH_IN_HAND: threads * kernels.CHUNK,
    }
    kept: dict[Kept, int] = {blob: copies[blob.scope] for blob in writer.blobs}
    for each in writer.scratches:
        kept[each] = min(slots, each.most_slots) if each.most_slots else copies[each.scope]
    return Memory(writer.element, kept, find_rooms(writer, phases), poisoned=checks_places())


def assemble(writer: Writer, batch_size: int, threads: int) -> Executable:
    """Settle the memory of a written program for up to `batch_size` images if memory depends on them."""
    layout, ops = writer.layout, writer.ops
    phases, phase_ends = _cut(ops, [part.end for part in writer.parts])
    grows = _settle_scopes(ops, phases)
    groups = max(1, -(-batch_size // layout.images))
    capacity = groups * layout.images if grows else INT_MAX
    memory = _allocate(writer, phases, groups, kernels.slots(capacity), threads)
    if checks_places():
        for op in ops:
            check_places(op, layout)
    linked = _link(writer, memory)
    return Executable(
        program=linked.program(phases),
        memory=memory,
        writer=writer,
        phases=phases,
        phase_ends=phase_ends,
        externals=list(linked.externals),
        parameters=linked.parameters,
        scalars=linked.scalars,
        capacity=capacity,
    )


class _Linked(NamedTuple):
    """The operations of a program as the executor takes them, and what is set later."""

    writer: Writer
    ops: list[tuple[str, str, Mapping[str, Any], int, int, int]]
    externals: dict[str, list[tuple[int, str]]]
    parameters: list[tuple[int, str, Parameter]]
    scalars: list[tuple[int, str, Callable[[], float]]]

    def program(self, phases: list[Phase]) -> kernels.Program:
        """Return the executor."""
        element, layout = self.writer.element.name, self.writer.layout.name
        return kernels.Program(element, layout, self.ops, phases, list(self.externals.values()))


def _link(writer: Writer, memory: Memory) -> _Linked:
    """Give each operation its arrays."""
    linked = _Linked(writer, [], {}, [], [])
    for i, op in enumerate(writer.ops):
        arguments, buffers = dict(op.arguments), op.buffers
        for name, value in op.arguments.items():
            if name in buffers:
                arguments[name] = _buffer(value, writer, memory)
                if isinstance(value, External) or (isinstance(value, Blob) and value.external):
                    key = value.name if isinstance(value, External) else value.external
                    linked.externals.setdefault(str(key), []).append((i, name))
                elif isinstance(value, Parameter):
                    linked.parameters.append((i, name, value))
            elif callable(value):
                linked.scalars.append((i, name, value))
                arguments[name] = value()
        linked.ops.append((op.kernel, op.element, arguments, op.tasks, op.most_slots, op.whole_chunk))
    return linked


def _buffer(buffer: Any, writer: Writer, memory: Memory) -> tuple[np.ndarray | None, int, int]:
    """Return a buffer as the executor takes it: array, bytes from one copy to the next, what has one."""
    buffer = whole_of(buffer)
    if isinstance(buffer, Blob) and buffer.external:
        return None, buffer.group_size * buffer.dtype.itemsize, kernels.EACH_GROUP
    if isinstance(buffer, Blob | Vectors):
        array = memory[buffer]
        return array[0], array.strides[0], buffer.scope
    if isinstance(buffer, External):
        row_bytes = buffer.count * writer.element.dtype(buffer.element).itemsize
        return None, row_bytes * writer.layout.images, kernels.EACH_GROUP
    return None if isinstance(buffer, Parameter) else buffer, 0, kernels.EACH_GROUP
