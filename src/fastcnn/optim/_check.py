"""Checks of the numbers that optimizers and schedulers take."""

import math
import numbers
from collections.abc import Sequence

from ..errors import ArgumentError, DTypeError

# Steps of this size are far from the largest float32, whatever momentum and their number add up to.
SMALL = 2.0**60


def real(value: object, name: str, low: float = 0.0, high: float = math.inf, ends: str = "[]") -> float:
    """Return `value` as a finite float between `low` and `high`.

    Parameters
    ----------
    value : int or float
        What came; bools are refused.
    name : str
        Opens the message of an error.
    low, high : float
        The bounds.
    ends : {"[]", "[)", "(]", "()"}
        Which of the bounds belong to the range.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise DTypeError(f"{name} must be a number, got {value!r}")
    number = float(value)
    above = number >= low if ends[0] == "[" else number > low
    below = number <= high if ends[1] == "]" else number < high
    if not (above and below and math.isfinite(number)):
        if math.isinf(high):
            expected = f"a finite number {'of at least' if ends[0] == '[' else 'above'} {low:g}"
        else:
            expected = f"in {ends[0]}{low:g}, {high:g}{ends[1]}"
        raise ArgumentError(f"{name} must be {expected}, got {value!r}")
    return number


def flag(value: object, name: str) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, bool):
        raise DTypeError(f"{name} must be True or False, got {value!r}")
    return value


def share(value: object, name: str) -> float:
    """Return `value` if it is in [0, 1]."""
    return real(value, name, 0, 1)


def several(value: object, name: str, count: int, words: str) -> Sequence:
    """Return `value` if it is a sequence of so many; `words` say what of."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
        raise DTypeError(f"{name} must be {words}, got {value!r}")
    return value


def betas(value: object, name: str) -> tuple[float, ...]:
    """Return `value` if it is two numbers in [0, 1)."""
    pair = several(value, name, 2, "two numbers")
    return tuple(real(each, f"{name}[{i}]", 0, 1, "[)") for i, each in enumerate(pair))
