"""Checks of the tables of a recipe: which keys there are, and what their values may be.

A message starts with where the recipe comes from and names the key by its path, e.g.
``my.toml: training.epochs must be an integer of at least 1, got 0``.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from ..errors import DataError, suggestion

Section = TypeVar("Section")
_NAMES = {int: "an integer", float: "a number", str: "a string", bool: "true or false", list: "a list"}


def check_table(value: object, path: str, source: str) -> Mapping[str, Any]:
    """Return `value` if it is a table."""
    if not isinstance(value, Mapping):
        raise DataError(f"{source}: {path} must be a table, got {value!r}")
    return value


def check_keys(table: Mapping[str, Any], known: Iterable[str], path: str, source: str) -> None:
    """Raise DataError if a key is not known."""
    known = list(known)
    for key in table:
        if key not in known:
            full = f"{path}.{key}" if path else key
            raise DataError(
                f"{source}: unknown key {full}{suggestion(key, known)}; allowed are {', '.join(known)}"
            )


def check_choice(value: object, choices: Iterable[str], path: str, source: str) -> str:
    """Return `value` if it is one of the choices."""
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        hint = suggestion(value, choices) if isinstance(value, str) else ""
        raise DataError(f"{source}: {path} must be one of {', '.join(choices)}; got {value!r}{hint}")
    return value


def setting(
    default: Any = dataclasses.MISSING, *, minimum: float | None = None, choices: Iterable[str] = ()
) -> Any:
    """Return a dataclass field with the bounds of its value; without a default the key is needed."""
    metadata = {"minimum": minimum, "choices": tuple(choices)}
    return dataclasses.field(default=default, metadata=metadata)


def read_section(cls: type[Section], value: object, path: str, source: str) -> Section:
    """Make the dataclass `cls` from a table.

    Parameters
    ----------
    cls : dataclass
        Its fields are the keys; types among int, float, str, bool, and unions of them with None.
    value : object
        What stands in the recipe.
    path, source : str
        For messages.

    Raises
    ------
    DataError
        If a key is unknown or missing, or a value is not what its key takes.
    """
    table = check_table(value, path, source)
    fields = [field for field in dataclasses.fields(cls) if field.init]  # type: ignore[arg-type]
    check_keys(table, [field.name for field in fields], path, source)
    hints = typing.get_type_hints(cls)
    values = {}
    for field in fields:
        where = f"{path}.{field.name}"
        if field.name in table:
            values[field.name] = _checked(table[field.name], hints[field.name], field, where, source)
        elif field.default is dataclasses.MISSING:
            raise DataError(f"{source}: {where} is missing")
    return cls(**values)


def _checked(value: Any, hint: Any, field: dataclasses.Field, where: str, source: str) -> Any:
    is_union = isinstance(hint, types.UnionType)
    kinds = [kind for kind in (typing.get_args(hint) if is_union else (hint,)) if kind is not type(None)]
    if kinds == [float] and type(value) is int:
        value = float(value)
    minimum, choices = field.metadata.get("minimum"), field.metadata.get("choices")
    # bool is a kind of int for Python, but not for a person; NaN fails the comparison.
    fits = type(value) in kinds and (minimum is None or value >= minimum)
    if fits and choices:
        return check_choice(value, choices, where, source)
    if not fits:
        expected = " or ".join(_NAMES[kind] for kind in kinds)
        least = "" if minimum is None else f" of at least {minimum:g}"
        raise DataError(f"{source}: {where} must be {expected}{least}, got {value!r}")
    return value
