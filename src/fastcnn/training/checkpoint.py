"""Weights in safetensors files, under PyTorch's names and in its layouts.

A file holds the model's state dict (parameters and buffers) and strings as metadata; nothing in it is ever
executed. ``safetensors.torch.load_file`` reads it, and `load_weights` reads what PyTorch wrote with
``safetensors.torch.save_file(model.state_dict(), path)``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as _serialize

from ..errors import CheckpointError, DTypeError
from ..nn.module import Module
from .files import write_atomic

# Names of element types in the file, as NumPy knows them. bfloat16 and float8 it does not.
_FLOATS = ("F16", "F32", "F64")
_INTEGERS = ("I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64")
# As many names as a message lists.
_LISTED = 6


def save_weights(model: Module, path: str | PathLike[str], metadata: Mapping[str, str] | None = None) -> None:
    """Write the model's parameters and buffers to a safetensors file.

    The file appears under its name only when all of it is on the disk: an older one is never damaged.

    Parameters
    ----------
    model : Module
    path : str or path
    metadata : mapping of str to str, optional
        Stored with them; `read_metadata` returns it.

    Raises
    ------
    CheckpointError
        If the file cannot be written, or a weight is NaN or infinite (such a model cannot be used, and the
        file might replace one that can).
    """
    if not isinstance(model, Module):
        raise DTypeError(f"save_weights: model must be a Module, got {type(model).__name__}")
    notes = dict(metadata or {})
    for key, note in notes.items():
        if not isinstance(key, str) or not isinstance(note, str):
            raise DTypeError(f"save_weights: metadata must map str to str, got {key!r}: {note!r}")
    state = model.state_dict()
    for key, value in state.items():
        _check_finite(value, key, path, "not written: ")
    try:
        write_atomic(path, _serialize(state, metadata=notes or None))
    except OSError as error:
        raise CheckpointError(f"{os.fspath(path)}: cannot be written: {error}") from error


def read_metadata(path: str | PathLike[str]) -> dict[str, str]:
    """Return the strings that were stored with the weights.

    Raises
    ------
    CheckpointError
        If the file cannot be read.
    """
    with _open(path) as file:
        return dict(file.metadata() or {})


def load_weights(model: Module, path: str | PathLike[str], strict: bool = True) -> None:
    """Read parameters and buffers from a safetensors file into the model, all or none.

    Floating-point numbers are converted to the model's precision.

    Parameters
    ----------
    model : Module
    path : str or path
    strict : bool
        Whether names that only the model or only the file has are an error. Shapes must fit either way.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is damaged, does not fit the model, or holds NaN or infinity; the
        message starts with the path and names key and shapes. The model is unchanged then.
    """
    if not isinstance(model, Module):
        raise DTypeError(f"load_weights: model must be a Module, got {type(model).__name__}")
    own = model.state_dict()
    with _open(path) as file:
        stored = set(file.keys())
        if strict:
            _check_names(path, own.keys() - stored, stored - own.keys())
        common = [key for key in own if key in stored]
        # Every shape before any data: a file for another model is told apart at once.
        for key in common:
            _check_entry(path, key, own[key], file.get_slice(key))
        state = {}
        for key in common:
            value = file.get_tensor(key)
            _check_finite(value, key, path)
            with np.errstate(over="ignore"):
                value = value.astype(own[key].dtype)
            _check_finite(value, key, path, f"too large for {own[key].dtype}: ")
            state[key] = value
    model.load_state_dict(state, strict=False)


def _open(path: str | PathLike[str]) -> safe_open:
    name = os.fspath(path)
    if not Path(name).is_file():
        what = "is a folder, not a file" if Path(name).is_dir() else "there is no such file"
        raise CheckpointError(f"{name}: {what}")
    try:
        return safe_open(name, framework="numpy")
    except (SafetensorError, OSError, ValueError, UnicodeError) as error:
        raise CheckpointError(f"{name}: not a safetensors file, or a damaged one: {error}") from error


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:_LISTED]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(repr, shown)) + more


def _check_names(path: str | PathLike[str], missing: set[str], unexpected: set[str]) -> None:
    problems = []
    if missing:
        problems.append(f"lacks {_listed(missing)}")
    if unexpected:
        problems.append(f"has {_listed(unexpected)}, which the model does not")
    if problems:
        raise CheckpointError(f"{os.fspath(path)}: does not fit the model: it {' and '.join(problems)}")


def _check_entry(path: str | PathLike[str], key: str, own: np.ndarray, entry) -> None:
    shape, dtype = tuple(entry.get_shape()), entry.get_dtype()
    if shape != own.shape:
        raise CheckpointError(
            f"{os.fspath(path)}: {key!r} has the shape {shape} but the model expects {own.shape}"
        )
    known = _FLOATS if own.dtype.kind == "f" else _INTEGERS
    if dtype not in known:
        raise CheckpointError(
            f"{os.fspath(path)}: {key!r} is stored as {dtype}, which is not read into {own.dtype} "
            f"(expected one of {', '.join(known)})"
        )


def _check_finite(value: np.ndarray, key: str, path: str | PathLike[str], what: str = "") -> None:
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        count = int(np.count_nonzero(~np.isfinite(value)))
        raise CheckpointError(
            f"{os.fspath(path)}: {what}{key!r} has {count} of {value.size} values that are NaN or infinite"
        )
