"""ONNX files, read as what they are: protocol buffers that anybody may have made."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from typing import Any

from ..._shapes import available_bytes
from ...errors import DataError
from ..library import library

OLDEST = 9
# Nodes and arrays of a file.
_MOST_NODES = 100_000
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
    if model.functions:
        import onnx.inliner

        try:
            model = onnx.inliner.inline_local_functions(model)
        except Exception as error:
            raise DataError(f"{name}: its functions cannot be read: {error}") from error
    if len(model.graph.node) > _MOST_NODES:
        raise DataError(f"{name}: more than {_MOST_NODES:,} nodes")
    return model


def with_opset(model: Any, source: str) -> tuple[Any, int]:
    """Return a model, and the version of ONNX's own operators in it.

    One of an older version than is known here is brought to that by the onnx package, if it can be.

    Raises
    ------
    DataError
        If the version is not known.
    """
    onnx = library()
    found = [int(each.version) for each in model.opset_import if each.domain in ("", "ai.onnx")]
    newest = onnx.defs.onnx_opset_version()
    if len(found) != 1 or not 1 <= found[0] <= newest:
        got = f"opset {found[0]}" if found else "none"
        raise DataError(f"{source}: operators must be of opset {OLDEST} to {newest}, got {got}")
    if found[0] >= OLDEST:
        return model, found[0]
    import onnx.version_converter

    try:
        return onnx.version_converter.convert_version(model, OLDEST), OLDEST
    except Exception as error:  # of any class
        raise DataError(
            f"{source}: operators must be of opset {OLDEST} to {newest}; opset {found[0]} cannot be brought "
            f"there: {error}"
        ) from error


def external_bytes(tensor: Any, folder: Path, where: str) -> bytes:
    """Return the elements of an array that stand in another file, which must lie beside the ONNX file.

    Raises
    ------
    DataError
        If the place is outside of the folder, is no file, or is not as large as it must be.
    """
    facts = {each.key: each.value for each in tensor.external_data}
    location = facts.get("location", "")
    if not location or Path(location).is_absolute() or ".." in Path(location).parts or "\0" in location:
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
    except OSError as error:
        raise DataError(f"{where}: {location} cannot be read: {error.strerror}") from error
    if len(content) != count:
        raise DataError(f"{where}: {location} ends before its elements do")
    return content


def _number(text: str, where: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise DataError(f"{where}: places in other files must be numbers, got {text[:50]!r}")
    return int(text)
