"""All of a training in a file, from which it goes on to the same bits: see `Trainer.fit`.

The file is a safetensors file. Arrays have the names of what they are of (``state.model.0.weight``,
``state.optimizer.state.0.exp_avg``); everything else is JSON, in bytes that are an array as well; the
metadata have a SHA-256 of all of it. In format 1 the JSON stood behind that. Nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from .._version import __version__
from ..errors import CheckpointError
from .packing import pack, unpack
from .weights import open_file, write_file

# What this version writes; it reads all down to 1.
FORMAT = 2
# The name of the file in a folder.
CHECKPOINT = "checkpoint.safetensors"
_KEY = "fastcnn.checkpoint"


def file_of(path: str | PathLike[str]) -> str:
    """Return the checkpoint that a path leads to: itself, or that of a folder."""
    name = os.fspath(path)
    return os.path.join(name, CHECKPOINT) if os.path.isdir(name) else name


def write_checkpoint(
    path: str | PathLike[str], conditions: Mapping[str, Mapping[str, Any]], state: Mapping[str, Any]
) -> None:
    """Write a training to a file, all or nothing: the one before stays until it is whole.

    Parameters
    ----------
    path : str or path
    conditions : nested dict
        Of `conditions.conditions`.
    state : nested dict
        Of `states.state_of`.

    Raises
    ------
    CheckpointError
        If it cannot be written.
    DTypeError
        If something in it cannot be in a file.
    """
    content = {"format": FORMAT, "version": __version__, "conditions": conditions, "state": state}
    arrays, text = pack(content, "checkpoint: ")
    held = np.frombuffer(text.encode(), np.uint8)
    write_file(path, {**arrays, _KEY: held}, {_KEY: _digest(arrays, text)})


def read_checkpoint(path: str | PathLike[str]) -> dict[str, Any]:
    """Return what `write_checkpoint` was given: a dict with "conditions" and "state".

    Raises
    ------
    CheckpointError
        If the file cannot be read, is damaged, is none of this kind, or has a newer format.
    """
    name = os.fspath(path)
    with open_file(path) as file:
        digest, _, text = (file.metadata() or {}).get(_KEY, "").partition(" ")
        if not digest:
            raise CheckpointError(f"{name}: holds no training, only weights: load_weights reads them")
        try:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dict
        except Exception as error:  # of types that NumPy has not, among others
            raise CheckpointError(f"{name}: an array cannot be read: {error!r}") from error
    if _KEY in arrays and not text:
        text = arrays.pop(_KEY).tobytes().decode(errors="replace")
    if digest != _digest(arrays, text):
        raise CheckpointError(f"{name}: is damaged: its SHA-256 is not the one that it tells")
    content = unpack(arrays, text, name)
    if not isinstance(content, dict) or not isinstance(content.get("format"), int):
        raise CheckpointError(f"{name}: its description is damaged: it tells no format")
    if content["format"] > FORMAT:
        raise CheckpointError(
            f"{name}: written by fastcnn {content.get('version')} in a newer format, {content['format']}; "
            f"fastcnn {__version__} reads up to {FORMAT}"
        )
    told, state = content.get("conditions"), content.get("state")
    whole = isinstance(told, dict) and all(_is_plain(told.get(key)) for key in ("must", "should"))
    if not whole or not isinstance(state, dict):
        raise CheckpointError(f"{name}: its description is damaged: it has no training")
    return content


def _is_plain(table: object) -> bool:
    return isinstance(table, dict) and not any(isinstance(each, np.ndarray) for each in table.values())


def _digest(arrays: Mapping[str, np.ndarray], text: str) -> str:
    """Return the SHA-256 of all that a file holds."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
