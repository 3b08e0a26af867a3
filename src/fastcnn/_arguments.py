"""What the arguments of layers and functions in files may be.

A check is called with a value and the name of the argument, which opens its messages; it returns the value in
one form, or raises.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._shapes import INT_MAX, integer, padding4, pair, single
from .errors import ArgumentError, DTypeError, ShapeError

Check = Callable[[Any, str], Any]
# Of integers that a message shows with all their digits.
_SHOWN_BITS = 1000
# More than any list of axes or sizes has.
_MOST_NUMBERS = 16
# A part of an index: an integer, a slice, "..." or None.
_INDEX = re.compile(
    r"-?[0-9]{1,18}|(-?[0-9]{1,18})?:(-?[0-9]{1,18})?(:(-?[0-9]{1,18})?)?|\.\.\.|None", re.ASCII
)
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 100


@dataclass(frozen=True)
class Argument:
    """An argument of a layer.

    Attributes
    ----------
    check : callable
        ``check(value, name)`` returns the value in one form, or raises; see `fastcnn.zoo.arguments`.
    found : callable, optional
        ``found(shape)``: what it is for samples of that shape. It may then be left out.
    free : bool
        Whether it may also be something else than what is found.
    read : callable
        ``read(layer, name)``: what it is in a layer that exists. Default: the attribute of its name.
    """

    check: Check
    found: Callable[[tuple[int, ...]], Any] | None = None
    read: Callable[[Any, str], Any] = getattr
    free: bool = False

    def of(self, layer: Any, name: str) -> Any:
        """Return what the argument is in a layer that exists."""
        return checked(self.check, self.read(layer, name), name)


def short(value: object) -> str:
    """Return a value as a message shows it, however long it is."""
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:  # Python does not print the longest
        return f"an integer of {value.bit_length()} bits"
    return _short.repr(value)


def plain(value: Any, name: str) -> Any:
    """Return lists as tuples; refuse integers that no size has, before a message shows all their digits."""
    if isinstance(value, list | tuple):
        if len(value) > _MOST_NUMBERS:
            raise ArgumentError(f"{name} must be a number or a few, got {len(value)}")
        if any(isinstance(each, list | tuple) for each in value):
            raise ArgumentError(f"{name} must be a number or a few, got lists in a list")
        return tuple(plain(each, name) for each in value)
    if isinstance(value, int) and abs(value) > INT_MAX:
        raise ArgumentError(f"{name} must be below 2**63, got {short(value)}")
    return value


def checked(check: Check, value: Any, name: str) -> Any:
    """Return what a check makes of a value from a file."""
    return check(plain(value, name), name)


def count(value: Any, name: str) -> int:
    """Return a size of at least 1."""
    return integer(value, name, 1)


def one(value: Any, name: str) -> int:
    """Return a size of at least 1, which may stand in a sequence."""
    return single(value, name, 1)


def cut(value: Any, name: str) -> int:
    """Return a number of pixels, which may stand in a sequence."""
    return single(value, name)


def cut_or_word(value: Any, name: str) -> Any:
    """Return a number of pixels, "same" or "valid"."""
    return value if value in ("same", "valid") else cut(value, name)


def one_or_two_cut(value: Any, name: str) -> Any:
    """Return a number of pixels, or two for the two axes."""
    numbers = pair(value, name)
    return numbers[0] if numbers[0] == numbers[1] else numbers


def one_or_two(value: Any, name: str) -> Any:
    """Return a size, or two for the two axes."""
    numbers = pair(value, name, 1)
    return numbers[0] if numbers[0] == numbers[1] else numbers


def parts(value: Any, name: str) -> tuple[int, ...]:
    """Return sizes, one of which may be -1: what is left."""
    if not isinstance(value, tuple) or not value or value.count(-1) > 1:
        raise ArgumentError(f"{name} must be sizes, at most one of them -1, got {short(value)}")
    return tuple(size if size == -1 else integer(size, name, 1) for size in value)


def margins(value: Any, name: str) -> Any:
    """Return a padding of numbers."""
    padding4(value, name)
    return tuple(map(int, value)) if isinstance(value, tuple) else int(value)


def margins_or_word(value: Any, name: str) -> Any:
    """Return a padding of numbers, "same" or "valid"."""
    return value if value in ("same", "valid") else margins(value, name)


def flag(value: Any, name: str) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise DTypeError(f"{name} must be true or false, got {short(value)}")
    return value


def real(value: Any, name: str) -> float:
    """Return a finite number."""
    found = _number(value, name)
    if not math.isfinite(found):
        raise ArgumentError(f"{name} must be finite, got {value}")
    return found


def number(value: Any, name: str) -> float:
    """Return a finite number of at least 0."""
    found = _number(value, name)
    if not (math.isfinite(found) and found >= 0):
        raise ArgumentError(f"{name} must be at least 0 and finite, got {value}")
    return found


def _number(value: Any, name: str) -> float:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DTypeError(f"{name} must be a number, got {short(value)}")
    return value


def factor(value: Any, name: str) -> float:
    """Return a finite number above 0."""
    found = real(value, name)
    if found <= 0:
        raise ArgumentError(f"{name} must be above 0, got {value}")
    return float(found)


def factors(value: Any, name: str) -> Any:
    """Return a finite number above 0, or two for the two axes."""
    if not isinstance(value, tuple):
        return factor(value, name)
    if len(value) != 2:
        raise ArgumentError(f"{name} must be a number or two, got {short(value)}")
    return tuple(factor(each, name) for each in value)


def share(value: Any, name: str) -> float:
    """Return a number in [0, 1]."""
    found = number(value, name)
    if found > 1:
        raise ArgumentError(f"{name} must lie in [0, 1], got {value}")
    return found


def divisor(value: Any, name: str) -> int:
    """Return an integer that is not 0."""
    found = integer(value, name, -INT_MAX)
    if found == 0:
        raise ArgumentError(f"{name} must not be 0")
    return found


def axis(value: Any, name: str) -> int:
    """Return the number of an axis."""
    return integer(value, name, -_MOST_NUMBERS)


def axes(value: Any, name: str) -> Any:
    """Return the number of an axis, or several."""
    return order(value, name) if isinstance(value, tuple) else axis(value, name)


def order(value: Any, name: str) -> tuple[int, ...]:
    """Return the numbers of axes in an order."""
    if not isinstance(value, tuple):
        raise DTypeError(f"{name} must be a list of axes, got {short(value)}")
    return tuple(axis(each, name) for each in value)


def batch_and_sizes(value: Any, name: str) -> tuple[int, ...]:
    """Return a shape: -1 for the batch, then the sizes of a sample."""
    if not isinstance(value, tuple) or not value or value[0] != -1:
        raise ArgumentError(f"{name} must be -1, which is the batch, and then sizes, got {short(value)}")
    return -1, *(integer(each, name, 1) for each in value[1:])


def index_text(value: Any, name: str) -> str:
    """Return an index as Python writes it, such as ":, 0:16, ..."."""
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else []
    if not 1 <= len(parts) <= _MOST_NUMBERS or not all(_INDEX.fullmatch(part) for part in parts):
        raise ArgumentError(f'{name} must be an index such as ":, 0:16, ...", got {short(value)}')
    return ", ".join(parts)


def parsed_index(text: str) -> tuple[Any, ...]:
    """Return the index that a text stands for."""
    return tuple(_parsed(part) for part in text.split(", "))


def _parsed(part: str) -> Any:
    if part in ("None", "..."):
        return None if part == "None" else ...
    if ":" not in part:
        return int(part)
    return slice(*(int(each) if each else None for each in part.split(":")))


def shown_index(parts: tuple[Any, ...]) -> str:
    """Return the text of an index."""
    return ", ".join(map(_shown, parts))


def _shown(part: Any) -> str:
    if part is None or part is ...:
        return "None" if part is None else "..."
    if not isinstance(part, slice):
        return str(int(part))
    ends = ("" if each is None else str(int(each)) for each in (part.start, part.stop))
    return ":".join(ends) + ("" if part.step is None else f":{int(part.step)}")


def sizes(value: Any, name: str) -> Any:
    """Return a size, or several."""
    if not isinstance(value, tuple):
        return count(value, name)
    if not value:
        raise ShapeError(f"{name} must be one size or more, got {short(value)}")
    return tuple(count(each, name) for each in value)


def sample(value: Any, name: str) -> tuple[int, ...]:
    """Return the shape of a sample (C, H, W)."""
    if not isinstance(value, tuple) or len(value) != 3:
        raise ShapeError(f"{name} must be (C, H, W), got {short(value)}")
    return tuple(integer(size, name, 1) for size in value)


def adaptive(value: Any, name: str) -> Any:
    """Return the size of an output, or two, each of which may be None."""
    if not isinstance(value, tuple):
        return integer(value, name, 1)
    if len(value) != 2:
        raise ArgumentError(f"{name} must be an integer or two, got {short(value)}")
    return tuple(None if each is None else integer(each, name, 1) for each in value)


def optional(check: Check) -> Check:
    """Return a check that lets None pass."""
    return lambda value, name: None if value is None else check(value, name)


def word(*allowed: str) -> Check:
    """Return a check for one of a few words."""

    def check(value: Any, name: str) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ArgumentError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {short(value)}")
        return value

    return check
