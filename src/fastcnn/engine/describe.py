"""A plan as text: its phases with their operations, and its buffers."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Protocol

import numpy as np

from .._kernels import program as kernels
from .._shapes import INT_MAX
from ..nn import Parameter
from .assemble import Executable
from .emit import Op
from .layout import Layout
from .memory import Blob, External, Vectors, whole_of
from .sharing import bytes_of

_SCOPES = {
    kernels.EACH_GROUP: "groups",
    kernels.EACH_THREAD: "threads",
    kernels.EACH_IN_HAND: "groups in hand",
}


class Described(Protocol):
    """What of a `Plan` a description tells."""

    executable: Executable
    layout: Layout
    input_shapes: list[tuple[int, ...]]
    dtype: np.dtype
    capacity: int
    training: bool
    isa: str
    picked: list[tuple[str, str, str]]


def part_of(plan: Described, phase: int) -> str:
    """Return the name of the part that a phase belongs to."""
    executable = plan.executable
    part = next(i for i, end in enumerate(executable.phase_ends) if phase < end)
    return executable.writer.parts[part].name


def work(value: float, unit: str) -> str:
    """Return a number of bytes ("B") or operations ("FLOP") with three digits or so."""
    for prefix in ("", "k", "M", "G"):
        if value < 1000 or prefix == "G":
            break
        value /= 1000
    return f"{value:.0f} {prefix}{unit}" if value >= 100 or not prefix else f"{value:.3g} {prefix}{unit}"


def describe(plan: Described) -> str:
    """Return the program of a plan as text."""
    executable, layout = plan.executable, plan.layout
    ops, names = executable.writer.ops, _buffer_names(executable)
    limit = "any number of images" if plan.capacity == INT_MAX else f"up to {plan.capacity:,} images"
    shape = " and ".join("x".join(map(str, each)) for each in plan.input_shapes)
    flops, element = sum(op.flops for op in ops), executable.writer.program_element
    numbers = f"{plan.dtype} stored as {element.name}" if element.narrow else f"{plan.dtype}"
    lines = [
        f"{'training' if plan.training else 'inference'} program for {limit} of {shape}, {numbers}, "
        f"{plan.isa}: {layout.name} in the {layout.lanes} lanes of a vector",
        f"{len(ops)} operations in {len(executable.phases)} phases; {work(flops, 'FLOP')} an image; "
        f"{work(executable.bytes, 'B')} of buffers",
    ]
    rows = aligned(
        [(f"{i:3d}", op.kernel, _buffers_of(op, names), _flops(op), op.label) for i, op in enumerate(ops)],
        right=(0,),
    )
    part = ""
    for number, (kind, first, last) in enumerate(executable.phases):
        if part != part_of(plan, number):
            part = part_of(plan, number)
            lines += ["", part]
        images, tasks = plan.layout.images, sum(op.tasks for op in ops[first:last])
        spread = {
            kernels.OVER_GROUPS: f"{images} image{'s' * (images > 1)} at a time",
            kernels.OVER_TASKS: f"{tasks} task{'s' * (tasks > 1)}",
            kernels.OVER_BANDS: f"{last - first} bands of each image",
        }[kind]
        lines.append(f"  phase {number}, {spread}")
        lines += [f"    {row}" for row in rows[first:last]]
    lines += _algorithms(plan.picked)
    lines += [
        "",
        "buffers; [n] above is an array of n numbers for all images, axbx... a parameter",
        "what is read for the last time leaves its place: from which byte on, in memory that others share",
    ]
    lines += [f"  {row}" for row in _buffers(plan, names)]
    return "\n".join(lines)


def _algorithms(picked: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return a line for each product: what implementation each of its passes has."""
    if not picked:
        return []
    rows: dict[str, list[str]] = {}
    for layers, what, name in picked:
        rows.setdefault(layers, []).append(f"{what} {name}")
    cells = [(layers, ", ".join(passes)) for layers, passes in rows.items()]
    return ["", "products", *(f"  {row}" for row in aligned(cells))]


def _buffer_names(executable: Executable) -> dict[int, str]:
    """Return a short name for each buffer that groups of images have of their own, by its id."""
    blobs = {id(blob): f"b{i}" for i, blob in enumerate(executable.writer.blobs)}
    vectors = {id(each): f"s{i}" for i, each in enumerate(executable.writer.scratches)}
    return {**blobs, **vectors}


def aligned(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> list[str]:
    """Return rows of cells as lines with columns of one width, those in `right` flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _flops(op: Op) -> str:
    return work(op.flops, "FLOP") if op.flops else ""


def _buffers_of(op: Op, names: dict[int, str]) -> str:
    """Return what an operation writes and reads."""
    shown = []
    for buffer in op.buffers.values():
        if isinstance(buffer, External):
            shown.append(buffer.name)
        elif isinstance(buffer, Blob) and buffer.external:
            shown.append(buffer.external)
        elif isinstance(buffer, Parameter):
            shown.append("x".join(map(str, buffer.shape)))
        elif buffer is not None:
            whole = whole_of(buffer)
            shown.append(names.get(id(whole), f"[{getattr(whole, 'size', '')}]"))
    return f"{shown[0]} <- {', '.join(shown[1:])}"


def _buffers(plan: Described, names: dict[int, str]) -> list[str]:
    """Return a line for each buffer: shape, halo, bytes, its place in shared memory, what uses it first."""
    writer = plan.executable.writer
    first: dict[int, str] = {}
    for i, op in enumerate(writer.ops):
        for used in op.buffers.values():
            first.setdefault(id(whole_of(used)), f"{i} {op.kernel}")
    memory = plan.executable.memory
    rows = [("", "CxHxW", "halo l r t b", "a group", "copies", "all", "from", "first used by")]
    buffers: list[Blob | Vectors] = [*writer.blobs, *writer.scratches]
    for buffer in buffers:
        size = bytes_of(buffer, writer.element)
        kind = _SCOPES[buffer.scope]
        if isinstance(buffer, Blob):
            shape = f"{buffer.channels}x{buffer.height}x{buffer.width}"
            halo = " ".join(map(str, buffer.halo))
        else:
            shape, halo = f"{buffer.count} vectors", ""
            kind = "slots" if buffer.most_slots else kind
        total = memory[buffer].nbytes
        copies = f"{total // size if size else 0} {kind}"
        offset = memory.rooms.offsets.get(buffer)
        place = "" if offset is None else f"{offset:,}"
        row = (names[id(buffer)], shape, halo, work(size, "B"), copies, work(total, "B"), place)
        rows.append((*row, first.get(id(buffer), "")))
    return aligned(rows)
