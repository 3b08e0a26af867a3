"""The samples of a batch or a data set: an array with a row for each, or for several inputs a tuple of such.

The arrays of a tuple are the arguments of ``forward``, and a tuple of one array stands for that array. What
cuts, counts or checks samples does it with these functions, and need not know which of the two it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from .errors import DTypeError, ShapeError

Samples: TypeAlias = np.ndarray | tuple[np.ndarray, ...]
# The shape of one array, or those of several.
Sizes: TypeAlias = tuple[int, ...] | tuple[tuple[int, ...], ...]
# What a network makes of samples, and its shape. Most networks have one output; `Any` lets type checkers take
# several for the tuple that they are.
Outputs: TypeAlias = np.ndarray | Any
OutputShape: TypeAlias = tuple[int, ...] | Any
# Shapes that a message lists.
_MOST_SHAPES = 4


def describe(value: object) -> str:
    """Return what a message says of something that should be an array with axes."""
    return "an array without axes" if isinstance(value, np.ndarray) else type(value).__name__


def check(value: object, what: str, expected: str = "an array with a batch axis") -> Samples:
    """Return samples: an array as it is, a tuple or list of several as a tuple, and that of one as the array.

    Parameters
    ----------
    value : object
    what, expected : str
        Name of the value in the message of an error, and what one array should be.

    Raises
    ------
    DTypeError
        If it is no array with axes, or one of several is none.
    ShapeError
        If several differ in length.
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return value
    if not isinstance(value, tuple | list) or not any(isinstance(each, np.ndarray) for each in value):
        raise DTypeError(f"{what} must be {expected}, got {describe(value)}")
    for i, each in enumerate(value):
        if not isinstance(each, np.ndarray) or each.ndim == 0:
            raise DTypeError(f"{what}[{i}] must be an array with a batch axis, got {describe(each)}")
        if len(each) != len(value[0]):
            raise ShapeError(
                f"{what}[{i}] has {len(each)} rows, but the first array has {len(value[0])}: each of several "
                f"inputs must have a row for every sample (got the shapes {shapes(tuple(value[: i + 1]))})"
            )
    return tuple(value) if len(value) > 1 else value[0]


def arrays(samples: Samples) -> tuple[np.ndarray, ...]:
    """Return the arguments of forward."""
    return samples if isinstance(samples, tuple) else (samples,)


def count(samples: Samples) -> int:
    """Return the number of samples."""
    return len(samples[0]) if isinstance(samples, tuple) else len(samples)


def each(samples: Samples, function: Callable[[np.ndarray], np.ndarray]) -> Samples:
    """Return what a function makes of each array."""
    return tuple(map(function, samples)) if isinstance(samples, tuple) else function(samples)


def take(samples: Samples, rows: Any) -> Samples:
    """Return the rows that a slice, an array of indices or an index names."""
    return each(samples, lambda array: array[rows])


def one_or_all(shapes: Sequence[tuple[int, ...]]) -> Sizes:
    """Return the shape of one array as it is, and the shapes of several as a tuple."""
    return shapes[0] if len(shapes) == 1 else tuple(shapes)


def each_of(sizes: Sizes) -> list[tuple[int, ...]]:
    """Return the shapes, of one or of several."""
    several = not sizes or isinstance(sizes[0], tuple)
    return list(sizes) if several else [sizes]  # type: ignore[arg-type, list-item]


def shapes(samples: Samples) -> str:
    """Return the shapes of the arrays as a message gives them."""
    found = [str(array.shape) for array in arrays(samples)]
    if len(found) > _MOST_SHAPES:
        found[_MOST_SHAPES - 1 :] = [f"{len(found) - _MOST_SHAPES + 1} more"]
    return " and ".join(found)


def images(samples: Samples) -> list[int]:
    """Return which of the arrays hold images (N, C, H, W)."""
    return [i for i, array in enumerate(arrays(samples)) if array.ndim == 4]
