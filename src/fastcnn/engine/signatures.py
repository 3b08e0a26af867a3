"""What each operation of a program takes: the declarations of csrc/engine/operations.inc, and checks by them.

A wrong name, a missing argument, another element type or layout than the operation's, tables of different
lengths: all that is refused when an operation is written, in Python, and never found out in C.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .._kernels import program as kernels
from ..nn import Parameter
from .elements import ElementType
from .layout import Layout
from .memory import Blob, External, Vectors

_LAYOUTS = {"BOTH": ("images", "channels"), "IMAGES": ("images",), "CHANNELS": ("channels",)}
# What the element type must be like, behind a layout: stored as it is summed, or multiplied in pairs, or by
# tiles of these.
_TYPES = {
    "_AS_SUMMED": lambda element: not element.narrow,
    "_IN_PAIRS": lambda element: element.narrow,
    "_IN_TILES": lambda element: element.tiles,
    "": lambda element: True,
}
_INTEGERS = ("SIZE", "SIZE_IF", "INTEGER", "FLAG")
_COPIES = {
    "GROUP": "one for each group",
    "SLOT": "one for each slot",
    "THREAD": "one for each thread",
    "ONE": "one for all groups",
}


@dataclass(frozen=True)
class Argument:
    """One line of an operation's declaration: its macro, its name, and what else is in the parentheses."""

    kind: str
    name: str
    details: list[str]

    @property
    def optional(self) -> bool:
        """Whether it may be left out."""
        return self.kind.endswith("_IF") or self.kind == "FLAG"


@dataclass(frozen=True)
class Signature:
    """What one operation takes, in the order of its declaration."""

    name: str
    layouts: tuple[str, ...]
    over_tasks: bool
    types: str  # of `_TYPES`, or empty
    arguments: dict[str, Argument] = field(default_factory=dict)

    @cached_property
    def buffers(self) -> list[Argument]:
        """The buffers, outputs first."""
        return [each for each in self.arguments.values() if each.kind in kernels.BUFFERS]

    @cached_property
    def tables(self) -> list[Argument]:
        """The tables of places and numbers."""
        return [each for each in self.arguments.values() if each.kind in kernels.TABLES]

    def complete(self, given: Mapping[str, Any], layout: Layout, element: ElementType) -> dict[str, Any]:
        """Check the arguments of one operation; return all of them, with those that were left out.

        A table of all pixels of a blob may be left out, as may whatever is optional. Lengths are found out.

        Raises
        ------
        TypeError
            If an argument is missing, or of a wrong kind or type, or if there is no such argument.
        ValueError
            If the layout has no such operation, or arguments do not fit each other.
        """
        if layout.name not in self.layouts:
            raise ValueError(f"{self.name}: the layout {layout.name!r} has no such operation")
        if not _TYPES[self.types](element):
            raise ValueError(f"{self.name}: the element type {element.name} has no such operation")
        lengths = {each.name for each in self.arguments.values() if each.kind == "LENGTH"}
        unknown = given.keys() - self.arguments.keys() | given.keys() & lengths
        if unknown:
            takes = ", ".join(name for name in self.arguments if name not in lengths)
            raise TypeError(f"{self.name}: there is no argument {sorted(unknown)[0]!r}; it takes {takes}")
        found: dict[str, Any] = {}
        for each in self.buffers:
            found[each.name] = self._buffer(each, given.get(each.name), layout, element)
        measured: dict[str, int] = {}
        for each in self.tables:
            found[each.name] = self._table(each, given.get(each.name), found, measured)
        for each in self.arguments.values():
            if each.kind == "LENGTH":
                found[each.name] = measured.get(each.name, 0)
            elif each.name not in found:
                found[each.name] = self._number(each, given)
        return {name: found[name] for name in self.arguments}

    def _buffer(self, argument: Argument, buffer: Any, layout: Layout, element: ElementType) -> Any:
        what = f"{self.name}: {argument.name}"
        if buffer is None:
            if not argument.optional:
                raise TypeError(f"{what} is missing")
            return None
        copies, dtype = _told(buffer, element)
        wanted, kind = argument.details
        if copies != wanted:
            raise TypeError(f"{what} must be {_COPIES[wanted]}, got {_COPIES.get(copies, 'no buffer')}")
        if dtype != element.dtype(kind):
            raise TypeError(f"{what} must be {element.dtype(kind)}, got {dtype}")
        if isinstance(buffer, np.ndarray) and not buffer.flags.c_contiguous:
            raise ValueError(f"{what} must be contiguous")
        if isinstance(buffer, Blob) and buffer.layout.name != layout.name:
            raise ValueError(f"{what} must be of the layout {layout.name!r}, got {buffer.layout.name!r}")
        return buffer

    def _table(self, argument: Argument, table: Any, found: Mapping, measured: dict[str, int]) -> Any:
        what = f"{self.name}: {argument.name}"
        length, *rest = argument.details
        source = found.get(rest[0]) if argument.kind in ("PLACES", "PLACES_OR_NONE", "OFFSETS") else ()
        if source is None:
            if table is not None:
                raise TypeError(f"{what} is given, but not {rest[0]}")
            return None
        if table is None and argument.kind == "PLACES" and isinstance(source, Blob):
            table = source.pixels()
        if not isinstance(table, np.ndarray) or table.dtype != np.int32 or table.ndim != 1:
            raise TypeError(f"{what} must be a row of int32, got {_kind(table)}")
        if not table.flags.c_contiguous:
            raise ValueError(f"{what} must be contiguous")
        entries = len(table)
        if argument.kind == "STARTS":
            entries -= 1
        elif argument.kind == "SEGMENTS":
            if entries % 4:
                raise ValueError(f"{what} must have rows of 4 numbers, got {entries} numbers")
            entries //= 4
        if measured.setdefault(length, entries) != entries:
            raise ValueError(f"{what} has {entries} {length}, other tables {measured[length]}")
        return table

    def _number(self, argument: Argument, given: Mapping[str, Any]) -> Any:
        what = f"{self.name}: {argument.name}"
        if argument.name not in given:
            if not argument.optional:
                raise TypeError(f"{what} is missing")
            return 0
        value = given[argument.name]
        if argument.kind in _INTEGERS:
            if not isinstance(value, int | np.integer | np.bool_):
                raise TypeError(f"{what} must be an integer, got {_kind(value)}")
            most = 1 if argument.kind == "FLAG" else np.iinfo(np.int64).max
            least = -most - 1 if argument.kind == "INTEGER" else 0
            if not least <= value <= most:
                raise ValueError(f"{what} must be from {least} to {most}, got {value}")
            return int(value)
        if not callable(value) and not isinstance(value, int | float | np.number):
            raise TypeError(f"{what} must be a number or a function that returns one, got {_kind(value)}")
        return value


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of the shape {value.shape}"
    return type(value).__name__


def _told(buffer: Any, element: ElementType) -> tuple[str, np.dtype | None]:
    """Return what has a copy of a buffer of its own, and the type of its numbers."""
    if isinstance(buffer, Blob):
        return "GROUP", buffer.dtype
    if isinstance(buffer, Vectors):
        copies = "SLOT" if buffer.most_slots else "THREAD" if buffer.each_thread else "GROUP"
        return copies, element.dtype(buffer.element)
    if isinstance(buffer, External):
        return "GROUP", element.dtype(buffer.element)
    if isinstance(buffer, Parameter | np.ndarray):
        return "ONE", buffer.dtype
    return type(buffer).__name__, None


def _signatures() -> dict[str, Signature]:
    found: dict[str, Signature] = {}
    for kind, name, details in kernels.declarations():
        if kind == "OPERATION":
            types = next(each for each in _TYPES if details[0].endswith(each))
            layouts = _LAYOUTS[details[0].removesuffix(types)]
            signature = found[name] = Signature(name, layouts, details[1] == "TASK", types)
        elif kind != "END":
            signature.arguments[name] = Argument(kind, name, details)
    return found


SIGNATURES = _signatures()
