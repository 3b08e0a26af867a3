"""Weights in safetensors files, under PyTorch's names and in its layouts.

A file holds the model's state dict (parameters and buffers) and strings as metadata; nothing in it is ever
executed. ``safetensors.torch.load_file`` reads it, and `load_weights` reads what PyTorch wrote with
``safetensors.torch.save_file(model.state_dict(), path)``.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Collection, Mapping
from os import PathLike
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as _serialize

from .._files import write_atomic
from ..errors import CheckpointError, DTypeError
from ..nn import state as states
from ..nn.module import Module

# Names of element types in the file, and what NumPy calls them.
_FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}  # bfloat16 is the upper half of a float32
_INTEGERS = {
    **{"I8": "<i1", "I16": "<i2", "I32": "<i4", "I64": "<i8"},
    **{"U8": "<u1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "BOOL": "?"},
}
_WRITTEN = {np.dtype(each) for name, each in {**_FLOATS, **_INTEGERS}.items() if name != "BF16"}
# As many names as a message lists.
_LISTED = 6
# What files of torch.save begin with: an archive whose first member has a certain name, or, before PyTorch
# 1.6, the pickle of a number of ten bytes.
_TORCH_MEMBER, _TORCH_PICKLE, _TORCH_READ = b"data.pkl", b"\x80\x02\x8a\nl\xfc\x9cF", 512
# Bytes of the header, those of ten thousand layers: a larger one takes more than ten times its size to read.
_MOST_HEADER = 2**22


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
        file might replace one that can), or a buffer holds what such a file cannot (complex numbers, text).
    """
    if not isinstance(model, Module):
        raise DTypeError(f"save_weights: model must be a Module, got {type(model).__name__}")
    notes = dict(metadata or {})
    for key, note in notes.items():
        if not isinstance(key, str) or not isinstance(note, str):
            raise DTypeError(f"save_weights: metadata must map str to str, got {key!r}: {note!r}")
    state = model.state_dict()
    for key, value in state.items():
        kind = value.dtype.newbyteorder("<")
        if kind not in _WRITTEN:
            raise CheckpointError(
                f"{os.fspath(path)}: not written: {key!r} is an array of {value.dtype}, which the file "
                f"cannot hold: make it one of {', '.join(sorted(each.name for each in _WRITTEN))}"
            )
        _check_finite(value, key, path, "not written: ")
        state[key] = value.astype(kind, order="C", copy=False)
    write_file(path, state, notes)


def write_file(
    path: str | PathLike[str], arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write arrays, C-contiguous and little-endian, and text to a safetensors file, all or nothing.

    Raises
    ------
    CheckpointError
        If it cannot be written.
    """
    try:
        write_atomic(path, _serialize(dict(arrays), metadata=dict(metadata) or None))
    except OSError as error:
        raise CheckpointError(f"{os.fspath(path)}: cannot be written: {error.strerror or error}") from error


def read_metadata(path: str | PathLike[str]) -> dict[str, str]:
    """Return the strings that were stored with the weights.

    Raises
    ------
    CheckpointError
        If the file cannot be read.
    """
    with open_file(path) as file:
        return dict(file.metadata() or {})


def load_weights(model: Module, path: str | PathLike[str], strict: bool = True) -> states._IncompatibleKeys:
    """Read parameters and buffers from a safetensors file into the model, all or none.

    Floating-point numbers, also float16 and bfloat16, are converted to the model's precision; integers and
    bools to the model's type if it holds their values.

    Parameters
    ----------
    model : Module
    path : str or path
    strict : bool
        Whether names that only the model or only the file has are an error. Shapes must fit either way.

    Returns
    -------
    named tuple
        ``missing_keys`` and ``unexpected_keys``, as `Module.load_state_dict` returns them.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is damaged, does not fit the model, or holds NaN or infinity; the
        message starts with the path and names key and shapes. The model is unchanged then.
    """
    if not isinstance(model, Module):
        raise DTypeError(f"load_weights: model must be a Module, got {type(model).__name__}")
    own = list(states.entries(model))
    with open_file(path) as file:
        stored = list(file.keys())
        result = states.compare(own, stored)
        if strict:
            _check_names(path, result, own, stored)
        common = [entry for entry in own if entry.name in set(stored)]
        # Every shape before any data: a file for another model is told apart at once.
        for entry in common:
            _check_entry(path, entry.name, entry.array, file.get_slice(entry.name))
        state = {entry.name: _read(path, file, entry.name, entry.array.dtype) for entry in common}
    model.load_state_dict(state, strict=False)
    return result


def _read(path: str | PathLike[str], file: safe_open, key: str, dtype: np.dtype) -> np.ndarray:
    """Return one array of the file, converted to the model's type."""
    stored = _bfloat16(path, key) if file.get_slice(key).get_dtype() == "BF16" else file.get_tensor(key)
    _check_finite(stored, key, path)
    with np.errstate(over="ignore"):
        value = stored.astype(dtype)
    _check_finite(value, key, path, f"too large for {dtype}: ")
    if dtype.kind != "f" and not np.array_equal(value, stored):
        raise CheckpointError(f"{os.fspath(path)}: {key!r} has values that {dtype} cannot hold")
    return value


def _bfloat16(path: str | PathLike[str], key: str) -> np.ndarray:
    """Return an array that NumPy has no type for, as float32. Its place in the file has been checked."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(length))[key]
        start, end = entry["data_offsets"]
        file.seek(8 + length + start)
        halves = np.frombuffer(file.read(end - start), _FLOATS["BF16"]).reshape(entry["shape"])
    return (halves.astype(np.uint32) << 16).view(np.float32)


def open_file(path: str | PathLike[str]) -> safe_open:
    """Open a safetensors file, whose header is checked.

    Raises
    ------
    CheckpointError
        If it cannot be read.
    """
    name = os.fspath(path)
    if not Path(name).is_file():
        if not Path(name).exists():
            raise CheckpointError(f"{name}: there is no such file")
        raise CheckpointError(
            f"{name}: is a {'folder' if Path(name).is_dir() else 'device or pipe'}, not a file"
        )
    try:
        with open(name, "rb") as file:
            begin = file.read(_TORCH_READ)
        torch = begin.startswith(_TORCH_PICKLE) or (begin.startswith(b"PK") and _TORCH_MEMBER in begin)
        length = int.from_bytes(begin[:8], "little")
        if length > _MOST_HEADER and not torch:
            raise ValueError(f"its header would have {length:,} bytes, expected at most {_MOST_HEADER:,}")
        if not torch:
            return safe_open(name, framework="numpy")
    except (SafetensorError, OSError, ValueError, UnicodeError) as error:
        raise CheckpointError(f"{name}: not a safetensors file, or a damaged one: {error}") from error
    raise CheckpointError(_of_pytorch(name))


def _of_pytorch(name: str) -> str:
    """Return what to do with a file of `torch.save`: loading it can run code, so that it is not read here."""
    return (
        f"{name}: is a file of torch.save, a pickle, which is not read since it can run code: expected "
        "safetensors, as which PyTorch writes a state dict by\n"
        "    import torch, safetensors.torch\n"
        f"    safetensors.torch.save_file(torch.load({name!r}, weights_only=True), "
        f"{str(Path(name).with_suffix('.safetensors'))!r})"
    )


def _listed(names: Collection[str]) -> str:
    shown = sorted(names)[:_LISTED]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(repr, shown)) + more


def _check_names(
    path: str | PathLike[str], result: states._IncompatibleKeys, own: list[states.Entry], stored: list[str]
) -> None:
    problems = []
    if result.missing_keys:
        problems.append(f"lacks {_listed(result.missing_keys)}")
    if result.unexpected_keys:
        problems.append(f"has {_listed(result.unexpected_keys)}, which the model does not")
    if problems:
        name = os.fspath(path)
        cure = states.advice(own, stored, f"safetensors.numpy.load_file({name!r})")
        raise CheckpointError(f"{name}: does not fit the model: it {' and '.join(problems)}{cure}")


def _check_entry(path: str | PathLike[str], key: str, own: np.ndarray, entry) -> None:
    shape, dtype = tuple(entry.get_shape()), entry.get_dtype()
    if not states.fits(shape, own.shape):
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
