"""Dicts of layers, read: what each type takes, and where an error is."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from .._arguments import count, short
from ..errors import DataError, FastcnnError, ShapeError, suggestion
from .definition import MOST_LAYERS, MOST_LEVELS, Chain, Layer
from .layers import check_argument, find, known

# Characters of a dotted name.
_LONGEST_PLACE = 300
# Characters of a list of types in a message.
_SHOWN_TYPES = 300
NAME = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


def is_place(name: str) -> bool:
    """Tell whether a node can have a name: the place of a layer in the tree of modules."""
    parts = name.split(".")
    return (
        len(name) <= _LONGEST_PLACE
        and len(parts) <= MOST_LEVELS
        and all(NAME.fullmatch(part) for part in parts)
    )


class Parser:
    """Reads the layers of one network.

    Parameters
    ----------
    source : str
        Opens messages: the file's path.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._count = 0

    def chain(self, value: object, path: str, level: int) -> Chain:
        """Read a list of layers; `path` is what messages call it, `level` how many blocks are around it."""
        if not isinstance(value, list | tuple):
            raise DataError(f"{self._source}: {path} must be a list of layers, got {short(value)}")
        return tuple(self._member(each, f"{path}[{index}]", level) for index, each in enumerate(value))

    def _member(self, value: object, path: str, level: int) -> Layer:
        place = f"{self._source}: {path}"
        table = self.table(value, place)
        kind = check_type(table, known(), place)
        name = table.get("name")
        if name is not None and not (isinstance(name, str) and NAME.fullmatch(name)):
            raise DataError(f"{place} ({kind}): name must be letters, digits, '_' and '-', got {short(name)}")
        return self.layer(table, kind, f"{place} ({kind})", path, level)._replace(name=name)

    def table(self, value: object, place: str) -> Mapping[str, Any]:
        """Return the table of a layer, and count it."""
        self._count += 1
        if self._count > MOST_LAYERS:
            raise DataError(f"{place}: more than {MOST_LAYERS:,} layers")
        if not isinstance(value, Mapping):
            raise DataError(f"{place} must be a table such as {{'type': 'ReLU'}}, got {short(value)}")
        return value

    def layer(
        self,
        table: Mapping[str, Any],
        kind: str,
        where: str,
        path: str,
        level: int,
        others: Sequence[str] = ("name",),
    ) -> Layer:
        """Read a layer of a type that is known.

        Parameters
        ----------
        where : str
            Opens messages.
        others : sequence of str
            Keys that are not the layer's own.
        """
        if level > MOST_LEVELS:
            raise DataError(f"{self._source}: {path}: more than {MOST_LEVELS} blocks inside each other")
        declaration = find(kind)
        check_keys(table, ["type", *others, *declaration.bodies, *declaration.arguments], where)
        bodies: dict[str, Chain | Layer] = {}
        for key, body in declaration.bodies.items():
            if key not in table:
                if key not in declaration.defaults:
                    raise DataError(f"{where}: {key} is missing: a list of layers")
            elif body.single and isinstance(table[key], Mapping):
                bodies[key] = self._member(table[key], f"{path}.{key}", level + 1)
            else:
                bodies[key] = self.chain(table[key], f"{path}.{key}", level + 1)
        arguments = {}
        for key, argument in declaration.arguments.items():
            if key in table:
                try:
                    arguments[key] = check_argument(kind, key, table[key])
                except FastcnnError as error:
                    raise DataError(f"{where}: {error}") from error
            elif key not in declaration.defaults and argument.found is None:
                raise DataError(f"{where}: {key} is missing")
        return Layer(kind, arguments, where, None, bodies)


def _listed(types: Sequence[str]) -> str:
    """Return names of types for a message, as many as one reads."""
    return textwrap.shorten(", ".join(types), _SHOWN_TYPES, placeholder=" ...")


def check_type(table: Mapping[str, Any], types: Sequence[str], place: str) -> str:
    """Return the type of a layer if there is such a one."""
    if "type" not in table:
        raise DataError(f"{place}: type is missing: one of {_listed(types)}")
    kind = table["type"]
    if not isinstance(kind, str) or kind not in types:
        hint = suggestion(kind, types) if isinstance(kind, str) else ""
        raise DataError(f"{place}: unknown type {short(kind)}{hint}; there is {_listed(types)}")
    return kind


def shape(value: Any, name: str) -> tuple[int, ...]:
    """Return the shape of an array, which may have no axes."""
    if not isinstance(value, tuple):
        raise ShapeError(f"{name} must be a list of sizes, got {short(value)}")
    return tuple(count(each, name) for each in value)


def check_keys(table: Mapping[str, Any], takes: Sequence[str], where: str) -> None:
    """Raise DataError if a table has another key."""
    for key in table:
        if key not in takes:
            hint = suggestion(key, takes) if isinstance(key, str) else ""
            raise DataError(f"{where}: unknown key {short(key)}{hint}; it takes {', '.join(takes)}")
