"""The layers that a network in a file may have, as their classes declare them (`fastcnn.nn.declaration`).

Nothing here makes a layer or an array: a file is understood, and found too large, in plain integers.
"""

from __future__ import annotations

import math
from typing import Any

from .. import nn
from .._arguments import checked
from ..errors import ArgumentError, FastcnnError, ShapeError
from ..nn.declaration import BLOCKS, FEATURES, IMAGES, LAYERS, LINES, Declaration, Shape, Values


def known() -> list[str]:
    """Return the types that a layer in a file may have."""
    return [*sorted(LAYERS), *sorted(BLOCKS)]


def find(kind: str) -> Declaration:
    """Return what the class of a type that is known has declared."""
    return LAYERS[kind] if kind in LAYERS else BLOCKS[kind]


def check_argument(kind: str, key: str, value: Any) -> Any:
    """Return the value of an argument in one form.

    Raises
    ------
    ArgumentError, DTypeError
        If it cannot have that value; the message starts with the name of the argument.
    """
    return checked(find(kind).arguments[key].check, value, key)


def arguments_of(module: nn.Module, declaration: Declaration, where: str) -> dict[str, Any]:
    """Return the arguments that make a layer like this one; `where` opens the message of an error."""
    try:
        return {key: each.of(module, key) for key, each in declaration.arguments.items()}
    except FastcnnError as error:
        raise ArgumentError(f"{where}: {error}") from error


def completed(kind: str, given: Values, shape: Shape) -> dict[str, Any]:
    """Return all arguments of a layer for samples of a shape: given ones, defaults, and what is found.

    Raises
    ------
    ShapeError
        If the layer does not take such samples.
    """
    declaration = find(kind)
    if declaration.takes == IMAGES and len(shape) != 3:
        raise ShapeError(f"{kind} needs images (C, H, W), but {_told(shape)} come in")
    if declaration.takes == LINES and len(shape) != 2:
        raise ShapeError(f"{kind} needs lines (C, L), but {_told(shape)} come in")
    if declaration.takes == FEATURES and not shape:
        raise ShapeError(f"{kind} needs features, but single numbers come in")
    usual = {key: size(shape) for key, size in declaration.usual.items()}
    values = {**declaration.defaults, **usual, **given}
    for key in declaration.found:
        if values[key] != usual[key]:
            raise ShapeError(f"{key} is {values[key]}, but {usual[key]} come in (samples {shape})")
    return {key: values[key] for key in declaration.arguments}


def _told(shape: Shape) -> str:
    return f"{math.prod(shape):,} flat features" if len(shape) == 1 else f"samples {shape}"


def needs_flatten(kind: str, given: Values, shape: Shape) -> bool:
    """Whether a layer takes all of a sample: if it takes features, and not those of the last axis."""
    declaration = find(kind)
    says = (key in given and given[key] == size(shape) for key, size in declaration.found.items())
    return declaration.takes == FEATURES and len(shape) > 1 and not any(says)


def is_flat_behind(kind: str, values: Values, flat: bool) -> bool:
    """Whether samples have one axis behind a layer, whatever their sizes are; in doubt they have not.

    Parameters
    ----------
    flat : bool
        Whether they have in front of it.
    """
    declaration = find(kind)
    if declaration.takes in (IMAGES, LINES):
        return False
    try:
        return len(declaration.output(values, (1,) if flat else (1, 1, 1))) == 1
    except FastcnnError:
        return False
