"""The zero sample that tells what a model makes of inputs of some shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._samples import Samples
from .._shapes import filled, integer
from ..errors import ShapeError
from .tree import Tree

Shape = tuple[int, ...]


def check_shapes(value: object, what: str, expected: str, minimum: int) -> list[Shape]:
    """Return the shapes of a model's inputs: one of a tuple or list of sizes, several of one of such.

    Parameters
    ----------
    value : object
    what, expected : str
        Name of the value in the message of an error, and what one shape should be.
    minimum : int
        Of a size.

    Raises
    ------
    ShapeError
        If it is no shape.
    ArgumentError, DTypeError
        If a size is none.
    """
    named: list[tuple[str, Any]] = [(what, value)]
    if isinstance(value, tuple | list) and any(isinstance(each, tuple | list) for each in value):
        named = [(f"{what}[{i}]", each) for i, each in enumerate(value)]
    for name, shape in named:
        if not isinstance(shape, tuple | list) or not shape:
            raise ShapeError(f"{name} must be {expected}, got {shape!r}")
    return [tuple(integer(size, name, minimum) for size in shape) for name, shape in named]


def dtype_of(model: Tree[Any]) -> np.dtype:
    """Return the type of a model's parameters; float32 if it has none."""
    return next((p.dtype for p in model.parameters()), np.dtype(np.float32))


def zeros(model: Tree[Any], shapes: Sequence[Shape], what: str) -> Samples:
    """Return one sample of zeros, of the type of the model's parameters, for inputs of these shapes."""
    made = tuple(filled((1, *shape), 0, dtype_of(model), what) for shape in shapes)
    return made if len(made) > 1 else made[0]
