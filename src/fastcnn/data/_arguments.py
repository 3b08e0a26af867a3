"""Checks of the numbers that transforms take; `name` opens the message of an error."""

import math
from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError, DTypeError


def real(value: object, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return `value` as a finite float in [low, high]; bools and strings are refused."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise DTypeError(f"{name} must be a number, got {value!r}")
    number = float(value)
    if not math.isfinite(number) or not low <= number <= high:
        bounds = "finite" if (low, high) == (-math.inf, math.inf) else f"in [{low:g}, {high:g}]"
        raise ArgumentError(f"{name} must be {bounds}, got {value!r}")
    return number


def reals(value: object, name: str) -> tuple[float, ...]:
    """Return a number, or a sequence of at least one, as a tuple of floats."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray):
        return (real(value, name),)
    if len(value) == 0:
        raise ArgumentError(f"{name} must have at least one number, got {value!r}")
    return tuple(real(each, name) for each in value)


def two(value: object, name: str, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """Return a sequence of two numbers in [low, high] as floats."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray) or len(value) != 2:
        raise ArgumentError(f"{name} must be two numbers, got {value!r}")
    return real(value[0], name, low, high), real(value[1], name, low, high)


def interval(value: object, name: str, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """Return (first, last) in [low, high] with first <= last."""
    first, last = two(value, name, low, high)
    if first > last:
        raise ArgumentError(f"{name} must be (smallest, largest), got {value!r}")
    return first, last


def per_channel(values: tuple[float, ...], channels: int, dtype: np.dtype, name: str) -> np.ndarray:
    """Return one value for each channel, (channels,) of the images' dtype, from one value or as many."""
    if len(values) not in (1, channels):
        raise ArgumentError(f"{name} has {len(values)} values, but the images have {channels} channels")
    array = np.array(values * channels if len(values) == 1 else values)
    if dtype == np.uint8 and not all(0 <= value <= 255 and value == int(value) for value in values):
        raise ArgumentError(f"{name} must be integers from 0 to 255 for uint8 images, got {values}")
    return array.astype(dtype)
