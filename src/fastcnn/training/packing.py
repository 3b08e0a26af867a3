"""Nested states as arrays and one text: what a safetensors file can hold.

A state is made of dicts, lists, tuples, numbers, text, None and arrays. In the text an array is
``{"$array": its name in the file}``, a float that is not finite ``{"$float": "nan"}``, and a dict whose keys
are no text ``{"$items": [[key, value], ...]}``. Tuples come back as lists; floats, and integers of any size,
as they were.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import CheckpointError, DTypeError

_ARRAY, _FLOAT, _ITEMS = "$array", "$float", "$items"
_KINDS = "fiub"  # of arrays: complex numbers, text and objects have no place in the file


def pack(state: Any, what: str = "state: ") -> tuple[dict[str, np.ndarray], str]:
    """Return the arrays of a state by name, and the text that says where they are.

    Parameters
    ----------
    state : nested dicts, lists, tuples, numbers, text, None and arrays
        Arrays are not copied unless they must be.
    what : str
        Opens the message of an error.

    Raises
    ------
    DTypeError
        If something in it is of another kind.
    """
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_packed(state, "", what, arrays), allow_nan=False, separators=(",", ":"))
    return arrays, text


def _packed(value: Any, path: str, what: str, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        name = path[1:]
        while name in arrays:  # a key with a dot in it may look like two
            name += "'"
        arrays[name] = np.asarray(value, value.dtype.newbyteorder("<"), order="C")
        return {_ARRAY: name}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_FLOAT: repr(value)}
    if isinstance(value, list | tuple):
        return [_packed(each, f"{path}.{i}", what, arrays) for i, each in enumerate(value)]
    if isinstance(value, Mapping):
        below = {key: _packed(each, f"{path}.{key}", what, arrays) for key, each in value.items()}
        plain = all(isinstance(key, str) and not key.startswith("$") for key in below)
        return below if plain else {_ITEMS: [[_key(key, path, what), each] for key, each in below.items()]}
    kind = f"array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    raise DTypeError(f"{what}{path[1:]} is of the kind {kind}, which a file cannot hold")


def _key(key: object, path: str, what: str) -> str | int:
    if isinstance(key, str | int):
        return key
    raise DTypeError(f"{what}{path[1:]}: the key {key!r} is neither text nor an integer")


def unpack(arrays: Mapping[str, np.ndarray], text: str, source: str) -> Any:
    """Return the state that `pack` was given.

    Parameters
    ----------
    arrays, text
        What it returned.
    source : str
        Opens the message of an error.

    Raises
    ------
    CheckpointError
        If the text is damaged, or names an array that is not there.
    """
    try:
        return _unpacked(json.loads(text), arrays)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{source}: its description is damaged: {error!r}") from error


def _unpacked(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_unpacked(each, arrays) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (mark := next(iter(value))) in (_ARRAY, _FLOAT, _ITEMS):
        inside = value[mark]
        if mark == _ARRAY:
            return arrays[inside]
        if mark == _FLOAT:
            return float(inside)
        return {key: _unpacked(each, arrays) for key, each in inside}
    return {key: _unpacked(each, arrays) for key, each in value.items()}
