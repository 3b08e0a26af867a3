"""The program as it is written: operations in order, cut into phases; buffers are settled at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._kernels import program as kernels
from .._shapes import INT_MAX, check_size
from ..nn import Parameter
from .layout import Layout
from .memory import Blob, Buffer, External, Vectors, aligned_zeros

Table = Callable[[], np.ndarray]


@dataclass(eq=False)
class Op:
    """One call of a kernel; `tasks` is None for an operation on every group of images.

    Neighbours with tasks and the same `stage` touch nothing of each other. An operation may be one of the
    bands of a larger one: those that follow a `band` of 0 and count on.
    """

    kernel: str
    buffers: Sequence[Buffer]
    tables: Sequence[Table] = ()
    sizes: Sequence[int] = ()
    scalars: Sequence[float | Callable[[], float]] = ()
    tasks: int | None = None
    stage: int | None = None
    together: bool = False  # whether one call takes several groups
    band: int | None = None
    flops: int = 0  # of one image
    label: str = ""  # the layers that it works for


@dataclass
class Writer:
    """Collects the operations of a program."""

    dtype: np.dtype
    layout: Layout
    bands: int = 1  # that the work on one group is cut into, where it is worth it
    single: bool = False  # whether the program is made for one image
    ops: list[Op] = field(default_factory=list)
    prepared: list[Op] = field(default_factory=list)
    deferred: list[Op] = field(default_factory=list)
    part_start: int = 0
    first_prepared: int = 0  # operations that were prepared for the first part
    blobs: list[Blob] = field(default_factory=list)
    scratches: list[Vectors] = field(default_factory=list)
    label: str = ""  # of the operations to come

    def __post_init__(self) -> None:
        largest = kernels.max_vectors if self.layout.by_channels else kernels.max_block
        self.max_block = largest(self.dtype.itemsize)
        self.task_taps = kernels.TASK_TAPS
        self.task_totals = kernels.TASK_TOTALS

    def vectors(self, channels: int) -> int:
        """Return the number of vectors that hold a pixel's channels."""
        return self.layout.vectors(channels)

    def blob(self, channels: int, height: int, width: int, padded: bool = True) -> Blob:
        """Return a new blob."""
        blob = Blob(channels, height, width, self.layout, padded)
        self.blobs.append(blob)
        return blob

    def scratch(self, count: int, per_slot: bool = False) -> Vectors:
        """Return new scratch of `count` vectors for each group or slot."""
        scratch = Vectors(count, self.layout.lanes, per_slot)
        self.scratches.append(scratch)
        return scratch

    def constant(self, count: int) -> np.ndarray:
        """Return a new array that all groups share."""
        return aligned_zeros(count, self.dtype, "engine: a buffer")

    def padded(
        self, row: Parameter | np.ndarray | None, first: int = 0, last: int | None = None
    ) -> Parameter | np.ndarray | None:
        """Return the numbers of channels first .. last - 1 as kernels read them: copied if need be."""
        if row is None:
            return None
        last = row.size if last is None else last
        size = last - first
        if size == row.size == self.layout.row(size):
            return row
        wide = self.constant(self.layout.row(size))
        self.prepare("gather", [wide, row], [lambda: np.arange(first, last, dtype=np.int32)], [size], tasks=1)
        return wide

    def _op(self, kernel: str, buffers: Sequence[Any], *args: Any, **options: Any) -> Op:
        op = Op(kernel, buffers, *args, **options)
        op.label = self.label
        return op

    def add(self, kernel: str, buffers: Sequence[Any], *args: Any, **options: Any) -> Op:
        """Append an operation."""
        op = self._op(kernel, buffers, *args, **options)
        self.ops.append(op)
        return op

    def prepare(
        self, kernel: str, buffers: Sequence[Any], *args: Any, stage: int = 0, **options: Any
    ) -> None:
        """Add an operation that runs before all others of its part, after those of earlier stages."""
        self.prepared.append(self._op(kernel, buffers, *args, stage=stage, **options))

    def defer(self, kernel: str, buffers: Sequence[Any], *args: Any, stage: int = 0, **options: Any) -> None:
        """Add an operation that runs after all others of its part, and after those of earlier stages."""
        self.deferred.append(self._op(kernel, buffers, *args, stage=stage, **options))

    def close_part(self) -> int:
        """End a part: what was prepared comes first, what was deferred last; return where it ends."""
        for each in (self.prepared, self.deferred):
            each.sort(key=lambda op: op.stage or 0)
        self.ops[self.part_start : self.part_start] = self.prepared
        self.first_prepared = self.first_prepared or len(self.prepared)
        self.ops.extend(self.deferred)
        self.prepared, self.deferred = [], []
        self.part_start = len(self.ops)
        return len(self.ops)

    def blocks(self, channels: int) -> int:
        """Return the number of register blocks that `channels` are split into."""
        return -(-self.layout.vectors(channels) // self.max_block)


Phase = tuple[int, int, int]  # kind, first operation, last + 1


@dataclass
class Executable:
    """A program with its memory.

    Attributes
    ----------
    phase_ends : list of int
        Number of phases at the end of each part.
    capacity : int
        The most images of a run; INT_MAX if no buffer grows with them.
    """

    program: kernels.Program
    writer: Writer
    phases: list[Phase]
    phase_ends: list[int]
    externals: list[str]
    parameters: list[tuple[int, int, Parameter]]
    scalars: list[tuple[int, int, Callable[[], float]]]
    capacity: int
    bytes: int


def _cut(ops: list[Op], part_ends: list[int]) -> tuple[list[Phase], list[int]]:
    """Return phases, which join neighbouring operations, and their number at the end of each part."""
    phases: list[Phase] = []
    phase_ends, start = [], 0
    for end in part_ends:
        for i in range(start, end):
            op, before = ops[i], ops[i - 1]
            kind, joins = kernels.OVER_GROUPS, True
            if op.tasks is not None:
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

    Operations between two `together` ones are run for one image after the other: what only they use, the next
    image may overwrite. What a `together` one uses, even alone, holds several images.
    """
    uses: dict[int, tuple[Blob | Vectors, set[tuple[int, int, bool]]]] = {}
    for number, (_, first, last) in enumerate(phases):
        stretch = 0
        for i in range(first, last):
            stretch += i > first and (ops[i].together or ops[i - 1].together)
            for buffer in ops[i].buffers:
                if isinstance(buffer, Blob) and buffer.external:
                    continue
                if isinstance(buffer, Blob) or (isinstance(buffer, Vectors) and not buffer.per_slot):
                    uses.setdefault(id(buffer), (buffer, set()))[1].add((number, stretch, ops[i].together))
    grows = False
    for buffer, places in uses.values():
        if len({number for number, _, _ in places}) > 1:
            buffer.scope, grows = kernels.EACH_GROUP, True
        else:
            several = len(places) > 1 or any(together for _, _, together in places)
            buffer.scope = kernels.EACH_TOGETHER if several else kernels.EACH_THREAD
    return grows


def assemble(writer: Writer, part_ends: list[int], batch_size: int, threads: int) -> Executable:
    """Settle the memory of a written program for up to `batch_size` images if memory depends on them."""
    itemsize, images = writer.dtype.itemsize, writer.layout.images
    phases, phase_ends = _cut(writer.ops, part_ends)
    grows = _settle_scopes(writer.ops, phases)
    groups = max(1, -(-batch_size // images))
    copies = {
        kernels.EACH_GROUP: groups,
        kernels.EACH_THREAD: threads,
        kernels.EACH_TOGETHER: threads * kernels.TOGETHER,
    }
    slots = min(groups, kernels.SLOTS) if grows else kernels.SLOTS
    made: list[Blob | Vectors] = [*writer.blobs, *writer.scratches]
    counts = []
    for each in made:
        per_slot = isinstance(each, Vectors) and each.per_slot
        counts.append((slots if per_slot else copies[each.scope]) * each.group_size)
    memory = sum(counts) * itemsize
    # Zeros take no memory before they are used: each of them may fit, and all of them not.
    check_size((memory,), 1, "engine: the buffers of a program")
    for each, count in zip(made, counts, strict=True):
        each.array = aligned_zeros(count, writer.dtype, "engine: a buffer")
    externals: dict[str, list[tuple[int, int]]] = {}
    parameters: list[tuple[int, int, Parameter]] = []
    scalars: list[tuple[int, int, Callable[[], float]]] = []
    listed = []
    for i, op in enumerate(writer.ops):
        buffers: list[tuple[np.ndarray | None, int, int]] = []
        for j, buffer in enumerate(op.buffers):
            if isinstance(buffer, Blob) and buffer.external:
                buffers.append((None, buffer.group_size * itemsize, kernels.EACH_GROUP))
                externals.setdefault(buffer.external, []).append((i, j))
            elif isinstance(buffer, Blob | Vectors):
                buffers.append((buffer.array, buffer.group_size * itemsize, buffer.scope))
            elif isinstance(buffer, External):
                buffers.append((None, buffer.row_bytes * images, kernels.EACH_GROUP))
                externals.setdefault(buffer.name, []).append((i, j))
            elif isinstance(buffer, Parameter):
                buffers.append((None, 0, kernels.EACH_GROUP))
                parameters.append((i, j, buffer))
            else:
                buffers.append((buffer, 0, kernels.EACH_GROUP))
        for j, scalar in enumerate(op.scalars):
            if callable(scalar):
                scalars.append((i, j, scalar))
        values = [s() if callable(s) else s for s in op.scalars]
        name = f"{writer.layout.name}.{op.kernel}"
        listed.append(
            (name, buffers, [t() for t in op.tables], list(op.sizes), values, op.together, op.tasks or 0)
        )
    program = kernels.Program(itemsize, images, listed, phases, list(externals.values()))
    capacity = groups * images if grows else INT_MAX
    return Executable(
        program, writer, phases, phase_ends, list(externals), parameters, scalars, capacity, memory
    )
