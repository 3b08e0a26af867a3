"""What the arguments of a layer in a file may be: each check returns a value in one form, or raises."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable
from typing import Any

from .._shapes import INT_MAX, integer, padding4, pair
from ..errors import ArgumentError, DTypeError, ShapeError

Check = Callable[[Any, str], Any]
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 100


def short(value: object) -> str:
    """Return a value as a message shows it, however long it is."""
    return _short.repr(value)


def plain(value: Any, name: str) -> Any:
    """Return lists as tuples; refuse integers that no size has, before a message shows all their digits."""
    if isinstance(value, list | tuple):
        if len(value) > 4:
            raise ArgumentError(f"{name} must be a number or a few, got {len(value)}")
        return tuple(plain(each, name) for each in value)
    if isinstance(value, int) and abs(value) > INT_MAX:
        raise ArgumentError(f"{name} must be below 2**63, got {short(value)}")
    return value


def count(value: Any, name: str) -> int:
    """Return a size of at least 1."""
    return integer(value, name, 1)


def one_or_two(value: Any, name: str) -> Any:
    """Return a size, or two for the two axes."""
    numbers = pair(value, name, 1)
    return numbers[0] if numbers[0] == numbers[1] else numbers


def margins(value: Any, name: str) -> Any:
    """Return a padding of numbers."""
    padding4(value, name)
    return value


def margins_or_word(value: Any, name: str) -> Any:
    """Return a padding of numbers, "same" or "valid"."""
    return value if value in ("same", "valid") else margins(value, name)


def flag(value: Any, name: str) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise DTypeError(f"{name} must be true or false, got {short(value)}")
    return value


def number(value: Any, name: str) -> float:
    """Return a finite number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DTypeError(f"{name} must be a number, got {short(value)}")
    if not (math.isfinite(value) and value >= 0):
        raise ArgumentError(f"{name} must be at least 0 and finite, got {value}")
    return value


def share(value: Any, name: str) -> float:
    """Return a number in [0, 1]."""
    if number(value, name) > 1:
        raise ArgumentError(f"{name} must lie in [0, 1], got {value}")
    return value


def axis(value: Any, name: str) -> int:
    """Return the number of an axis."""
    return integer(value, name, -4)


def sample(value: Any, name: str) -> tuple[int, ...]:
    """Return the shape of a sample (C, H, W)."""
    if not isinstance(value, tuple) or len(value) != 3:
        raise ShapeError(f"{name} must be (C, H, W), got {short(value)}")
    return tuple(integer(size, name, 1) for size in value)


def parts(value: Any, name: str) -> Any:
    """Return the size of an output, or two, each of which may be None."""
    if not isinstance(value, tuple):
        return integer(value, name, 1)
    if len(value) != 2:
        raise ArgumentError(f"{name} must be an integer or two, got {short(value)}")
    return tuple(None if each is None else integer(each, name, 1) for each in value)


def optional(check: Check) -> Check:
    """Return a check that lets None pass."""
    return lambda value, name: None if value is None else check(value, name)
