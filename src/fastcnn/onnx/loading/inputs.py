"""The inputs of an ONNX graph: their names, and the shapes of their samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._shapes import check_size, integer
from ...errors import DataError, ShapeError, SizeError
from ..library import library
from .files import is_text

Shape = tuple[int, ...]
_ITEMSIZE = 4  # of float32


def input_names(entries: Sequence[Any]) -> list[str]:
    """Return the names of inputs as files of networks have them."""
    return ["input"] if len(entries) == 1 else [f"input_{i + 1}" for i in range(len(entries))]


def input_shapes(entries: Sequence[Any], given: Any, path: str) -> list[Shape]:
    """Return the shape of a sample of each input, as the file and the caller say it."""
    if not entries:
        raise DataError(f"{path}: has no input")
    several = given is not None and len(entries) > 1
    shapes = list(given) if several else [given] * len(entries)
    if len(shapes) != len(entries):
        raise ShapeError(f"onnx.load: input_shape must have {len(entries)} shapes, got {given!r}")
    found = [_input(each, shape, path) for each, shape in zip(entries, shapes, strict=True)]
    names: set[str] = set()
    for entry in entries:
        if not is_text(entry.name) or entry.name in names:
            raise DataError(f"{path}: input {entry.name[:200]!r}: must have a name of its own")
        names.add(entry.name)
    for entry, shape in zip(entries, found, strict=True):
        try:
            check_size(shape, _ITEMSIZE, f"{path}: input {entry.name[:200]!r}")
        except SizeError as error:
            raise DataError(str(error)) from error
    return found


def _input(entry: Any, given: Any, path: str) -> Shape:
    where = f"{path}: input {entry.name[:200]!r}"
    kind, proto = entry.type.tensor_type, library().TensorProto
    if kind.elem_type not in (proto.FLOAT, proto.DOUBLE, proto.FLOAT16, proto.BFLOAT16, proto.UINT8):
        raise DataError(f"{where}: must be an array of floating point numbers or bytes")
    if given is not None:
        if not isinstance(given, tuple | list) or not given:
            raise ShapeError(f"onnx.load: input_shape must be a tuple such as (C, H, W), got {given!r}")
        given = tuple(integer(size, "onnx.load: input_shape", 1) for size in given)
    if not kind.HasField("shape"):
        if given is None:
            raise ShapeError(f"{where}: the file does not say its shape: give input_shape")
        return given
    sizes = [each.dim_value if each.HasField("dim_value") else None for each in kind.shape.dim]
    if len(sizes) < 2:
        raise DataError(f"{where}: must have the axis of the batch and another, got {len(sizes)}")
    if len(sizes) > 4:
        raise DataError(f"{where}: samples must be (C, H, W), (C, L) or (features,), got {len(sizes)} axes")
    sample = sizes[1:]
    if given is None:
        if None in sample or min(size or 1 for size in sample) < 1:
            shown = ", ".join("?" if size is None else str(size) for size in sample)
            raise ShapeError(f"{where}: the file leaves sizes open, ({shown}): give input_shape")
        return tuple(int(size or 1) for size in sample)
    if len(given) != len(sample) or any(
        size not in (None, own) for size, own in zip(sample, given, strict=True)
    ):
        shown = ", ".join("?" if size is None else str(size) for size in sample)
        raise ShapeError(f"onnx.load: input_shape {given} does not fit {where}, ({shown})")
    return given
