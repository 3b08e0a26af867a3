"""The program as it is written: operations in order, cut into phases; buffers are settled at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._kernels import program as kernels
from ..nn import Parameter
from .memory import Blob, Buffer, External, Vectors, aligned_zeros

Table = Callable[[], np.ndarray]


@dataclass(eq=False)
class Op:
    """One call of a kernel; `tasks` is None for an operation on every group of images."""

    kernel: str
    buffers: Sequence[Buffer]
    tables: Sequence[Table] = ()
    sizes: Sequence[int] = ()
    scalars: Sequence[float | Callable[[], float]] = ()
    tasks: int | None = None
    flops: int = 0  # of one image
    label: str = ""  # the layers that it works for


@dataclass
class Writer:
    """Collects the operations of a program."""

    dtype: np.dtype
    per_thread: bool
    ops: list[Op] = field(default_factory=list)
    prepared: list[Op] = field(default_factory=list)
    deferred: list[Op] = field(default_factory=list)
    part_start: int = 0
    blobs: list[Blob] = field(default_factory=list)
    vectors: list[Vectors] = field(default_factory=list)
    label: str = ""  # of the operations to come

    def __post_init__(self) -> None:
        self.lanes = kernels.lanes(self.dtype.itemsize)
        self.max_block = kernels.max_block(self.dtype.itemsize)
        self.task_taps = kernels.TASK_TAPS
        self.task_totals = kernels.TASK_TOTALS

    def blob(self, channels: int, height: int, width: int) -> Blob:
        """Return a new blob."""
        blob = Blob(channels, height, width, self.lanes, self.per_thread)
        self.blobs.append(blob)
        return blob

    def scratch(self, count: int, per_slot: bool = False) -> Vectors:
        """Return new scratch of `count` vectors for each group or slot."""
        vectors = Vectors(count, per_slot)
        self.vectors.append(vectors)
        return vectors

    def constant(self, count: int) -> np.ndarray:
        """Return a new array that all groups share."""
        return aligned_zeros(count, self.dtype, "engine: a buffer")

    def _op(self, kernel: str, buffers: Sequence[Any], *args: Any, **options: Any) -> Op:
        op = Op(kernel, buffers, *args, **options)
        op.label = self.label
        return op

    def add(self, kernel: str, buffers: Sequence[Any], *args: Any, **options: Any) -> Op:
        """Append an operation."""
        op = self._op(kernel, buffers, *args, **options)
        self.ops.append(op)
        return op

    def prepare(self, kernel: str, buffers: Sequence[Any], *args: Any, **options: Any) -> None:
        """Add an operation that runs before all others of its part, e.g. the packing of weights."""
        self.prepared.append(self._op(kernel, buffers, *args, **options))

    def defer(self, kernel: str, buffers: Sequence[Any], *args: Any, **options: Any) -> None:
        """Append an operation that runs after all others of its part."""
        self.deferred.append(self._op(kernel, buffers, *args, **options))

    def close_part(self) -> int:
        """End a part: what was prepared comes first, what was deferred last; return where it ends."""
        self.ops[self.part_start : self.part_start] = self.prepared
        self.ops.extend(self.deferred)
        self.prepared, self.deferred = [], []
        self.part_start = len(self.ops)
        return len(self.ops)

    def blocks(self, channels: int) -> int:
        """Return the number of register blocks that `channels` are split into."""
        return -(-channels // self.max_block)


@dataclass
class Executable:
    """A program with its memory."""

    program: kernels.Program
    writer: Writer
    phases: list[tuple[int | None, int, int]]  # (tasks, or None for groups; first operation, last + 1)
    phase_ends: list[int]  # number of phases at the end of each part
    parameters: list[tuple[int, int, Parameter, np.ndarray]]
    externals: dict[str, list[tuple[int, int]]]
    scalars: list[tuple[int, int, Callable[[], float]]]
    bytes: int


def assemble(writer: Writer, part_ends: list[int], groups: int, threads: int) -> Executable:
    """Settle the memory of a written program for up to `groups` groups of images."""
    slots = min(groups, kernels.SLOTS)
    for blob in writer.blobs:
        blob.allocate(threads if blob.per_thread else groups, writer.dtype)
    for vectors in writer.vectors:
        copies = slots if vectors.per_slot else groups
        vectors.array = aligned_zeros(copies * vectors.count * writer.lanes, writer.dtype, "engine: scratch")
    parameters: list[tuple[int, int, Parameter, np.ndarray]] = []
    externals: dict[str, list[tuple[int, int]]] = {}
    scalars: list[tuple[int, int, Callable[[], float]]] = []
    itemsize = writer.dtype.itemsize
    listed = []
    for i, op in enumerate(writer.ops):
        buffers: list[tuple[np.ndarray | None, int, bool]] = []
        for j, buffer in enumerate(op.buffers):
            if isinstance(buffer, Blob):
                buffers.append((buffer.array, buffer.group_size * itemsize, buffer.per_thread))
            elif isinstance(buffer, Vectors):
                buffers.append((buffer.array, buffer.count * writer.lanes * itemsize, False))
            elif isinstance(buffer, External):
                size = 1 if buffer.name == "bytes" else itemsize
                buffers.append((None, buffer.row_size * writer.lanes * size, False))
                externals.setdefault(buffer.name, []).append((i, j))
            elif isinstance(buffer, Parameter):
                buffers.append((buffer.data, 0, False))
                parameters.append((i, j, buffer, buffer.data))
            else:
                buffers.append((buffer, 0, False))
        for j, scalar in enumerate(op.scalars):
            if callable(scalar):
                scalars.append((i, j, scalar))
        values = [s() if callable(s) else s for s in op.scalars]
        listed.append((op.kernel, buffers, [t() for t in op.tables], list(op.sizes), values))
    phases: list[tuple[int | None, int, int]] = []
    phase_ends, start = [], 0
    for end in part_ends:
        for i in range(start, end):
            tasks = writer.ops[i].tasks
            if i > start and tasks is None and phases[-1][0] is None:
                phases[-1] = (None, phases[-1][1], i + 1)
            else:
                phases.append((tasks, i, i + 1))
        phase_ends.append(len(phases))
        start = end
    arrays = [blob.array for blob in writer.blobs] + [vectors.array for vectors in writer.vectors]
    memory = sum(array.nbytes for array in arrays if array is not None)
    program = kernels.Program(itemsize, listed, phases)
    return Executable(program, writer, phases, phase_ends, parameters, externals, scalars, memory)
