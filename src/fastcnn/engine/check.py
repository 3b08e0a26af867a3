"""Whether all places in an operation's tables lie in its buffers: checked in debug builds and in tests."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .._kernels import program as kernels
from ..nn import Parameter
from .emit import Op
from .layout import Layout
from .memory import Blob, External, Vectors, whole_of
from .signatures import Argument


def checks_places() -> bool:
    """Tell whether plans are checked: in debug builds, and where FASTCNN_CHECK_PLANS is 1."""
    return kernels.DEBUG or os.environ.get("FASTCNN_CHECK_PLANS") == "1"


def check_places(op: Op, layout: Layout) -> None:
    """Check the tables of one operation.

    Raises
    ------
    ValueError
        If a place is outside of its buffer, or a row outside of its table.
    """
    for table in op.signature.tables:
        entries = op.arguments[table.name]
        if entries is None or not entries.size:
            continue
        if table.kind in ("PLACES", "PLACES_OR_NONE"):
            _check_in_buffer(op, table, entries, layout)
        elif table.kind == "STARTS":
            of = op.arguments[table.details[1]]
            if entries[0] != 0 or (np.diff(entries) < 0).any() or entries[-1] > len(of):
                raise ValueError(f"{op.kernel}: {table.name} does not cut {table.details[1]} into rows")
        elif table.kind == "SEGMENTS":
            _check_segments(op, table, entries.reshape(-1, 4))


def _check_in_buffer(op: Op, table: Argument, entries: np.ndarray, layout: Layout) -> None:
    _, buffer, *extent = table.details
    if table.kind == "PLACES_OR_NONE":
        entries = entries[entries != -1]
        if not entries.size:
            return
    low, high = int(entries.min()), int(entries.max())
    for other in op.signature.tables:
        if other.kind == "OFFSETS" and other.details[1] == table.name:
            offsets = op.arguments[other.name]
            extent = other.details[2:]
            if offsets.size:
                low, high = low + int(offsets.min()), high + int(offsets.max())
    end, size = high + _extent(op, extent, layout), _size(op, op.arguments[buffer])
    if low < 0 or end > size:
        raise ValueError(
            f"{op.kernel}: {table.name} reaches from {low} to {end} in {buffer} of {size} numbers"
        )


def _extent(op: Op, extent: list[str], layout: Layout) -> int:
    """Return how many numbers are used from a place on."""
    count, unit = extent
    number = 1 if count == "ONE" else op.arguments[count]
    return number * {"VECTORS": layout.lanes, "ELEMENTS": layout.step, "NUMBERS": 1}[unit]


def _size(op: Op, buffer: Any) -> int:
    """Return how many numbers a buffer has for what an operation's places are about."""
    if isinstance(buffer, Parameter | np.ndarray):
        return buffer.size
    if isinstance(buffer, External):
        return buffer.count
    assert isinstance(buffer, Blob | Vectors)
    return whole_of(buffer).group_size


def _check_segments(op: Op, table: Argument, rows: np.ndarray) -> None:
    _, pixels, taps = table.details
    for first, last, length in ((0, 1, pixels), (2, 3, taps)):
        entries = _length(op, length)
        if (
            (rows[:, first] < 0).any()
            or (rows[:, first] > rows[:, last]).any()
            or (rows[:, last] > entries).any()
        ):
            raise ValueError(f"{op.kernel}: {table.name} has rows outside of the {entries} {length}")


def _length(op: Op, name: str) -> int:
    """Return the length that an operation's tables have in common."""
    return next(
        len(op.arguments[each.name])
        for each in op.signature.tables
        if each.details[0] == name and op.arguments[each.name] is not None and each.kind != "STARTS"
    )
