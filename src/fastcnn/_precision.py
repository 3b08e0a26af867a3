"""How precise float32 products are: the setting, and its values."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from ._scoped import Scoped
from .errors import ArgumentError

PRECISIONS = ("highest", "high", "medium")
_precision = "high"
_of_block = Scoped()


def get() -> str:
    """Return the precision of programs that are given none."""
    return _precision


def put(precision: object) -> None:
    """Set the precision of programs that are given none."""
    global _precision
    name = checked(precision, "set_float32_matmul_precision: precision")
    if name is None:
        raise ArgumentError(
            f"set_float32_matmul_precision: precision must be one of {', '.join(PRECISIONS)}, got None"
        )
    _precision = name


def within(precision: str | None) -> AbstractContextManager[None]:
    """Let a thread's calls of modules have a precision in a with block; with None that which is set."""
    return _of_block.set(precision)


def rounds() -> bool:
    """Tell whether the calls of modules store values as bfloat16 now."""
    return (_of_block.value or _precision) == "medium"


def checked(name: object, what: str, known: Sequence[str] = PRECISIONS) -> str | None:
    """Return `name` if it is None or one of those that are known: precisions, if no others are given."""
    if name is None or (isinstance(name, str) and name in known):
        return name
    raise ArgumentError(f"{what} must be None or one of {', '.join(known)}, got {name!r}")
