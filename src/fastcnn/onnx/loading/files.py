"""ONNX files, read as what they are: protocol buffers that anybody may have made."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from typing import Any

from ..._shapes import available_bytes
from ...errors import DataError
from ..library import library
from .functions import inlined

OLDEST = 6
# A parser takes some times the size of its file.
_MEMORY_PER_BYTE = 4


def read_model(path: str | PathLike[str]) -> Any:
    """Return the ModelProto of a file, with functions of its own in the place of their calls.

    Raises
    ------
    DataError
        If it cannot be read, is no ONNX file, is larger than memory, or of a version that is not known.
    """
    onnx, name = library(), os.fspath(path)
    try:
        size = os.path.getsize(name)
        if size * _MEMORY_PER_BYTE > available_bytes():
            raise DataError(f"{name}: {size / 2**30:.1f} GiB are more than there is memory for")
        with open(name, "rb") as file:
            content = file.read()
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}") from error
    try:
        model = onnx.ModelProto.FromString(content)
    except Exception as error:  # of the parser, whose class depends on the version
        raise DataError(f"{name}: not an ONNX file: {error}") from error
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        raise DataError(f"{name}: not an ONNX file: it holds no graph")
    return inlined(model, name)


def opset_of(model: Any, source: str) -> int:
    """Return the version of ONNX's own operators in a model.

    Raises
    ------
    DataError
        If the version is not known.
    """
    found = [int(each.version) for each in model.opset_import if each.domain in ("", "ai.onnx")]
    newest = library().defs.onnx_opset_version()
    if len(found) != 1 or not OLDEST <= found[0] <= newest:
        got = f"opset {found[0]}" if found else "none"
        raise DataError(f"{source}: operators must be of opset {OLDEST} to {newest}, got {got}")
    return found[0]


def external_bytes(tensor: Any, folder: Path, where: str) -> bytes:
    """Return the elements of an array that stand in another file, which must lie beside the ONNX file.

    Raises
    ------
    DataError
        If the place is outside of the folder, is no file, or is not as large as it must be.
    """
    facts = {each.key: each.value for each in tensor.external_data if is_text(each.key)}
    location = facts.get("location", "")
    if (
        not is_text(location)
        or Path(location).is_absolute()
        or ".." in Path(location).parts
        or "\0" in location
    ):
        raise DataError(f"{where}: its elements must stand in a file beside this one, got {location!r}")
    path = folder / location
    try:
        inside = path.resolve(strict=True).is_relative_to(folder.resolve())
        if not inside or not path.is_file():
            raise DataError(f"{where}: its elements must stand in a file beside this one, got {location!r}")
        offset, length = _number(facts.get("offset", "0"), where), facts.get("length")
        whole = path.stat().st_size
        count = whole - offset if length is None else _number(length, where)
        if count < 0 or offset + count > whole:
            raise DataError(f"{where}: {location} has {whole:,} bytes, and ends before its elements do")
        if count > available_bytes():
            raise DataError(f"{where}: {count / 2**30:.1f} GiB are more than there is memory for")
        with open(path, "rb") as file:
            file.seek(offset)
            content = file.read(count)
    except RuntimeError as error:  # links that lead to each other, in Python before 3.13
        raise DataError(f"{where}: {location} cannot be read: {error}") from error
    except OSError as error:
        raise DataError(f"{where}: {location} cannot be read: {error.strerror}") from error
    if len(content) != count:
        raise DataError(f"{where}: {location} ends before its elements do")
    return content


def is_text(name: Any) -> bool:
    """Tell whether a name is one; one that is no UTF-8 is bytes."""
    return isinstance(name, str) and name != ""


def _number(text: Any, where: str) -> int:
    if not (is_text(text) and text.isascii() and text.isdigit() and len(text) < 19):
        raise DataError(f"{where}: places in other files must be numbers, got {text[:50]!r}")
    return int(text)
