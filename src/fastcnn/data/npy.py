"""Readers of .npy files: nothing is unpickled, and headers are checked before data is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any, NamedTuple

import numpy as np

from ..errors import DataError, FastcnnError
from .dataset import Dataset
from .formats import check_bytes, errors_of


class Header(NamedTuple):
    """What the header of an array declares.

    Attributes
    ----------
    what : str
        Opens the message of an error.
    start, nbytes : int
        Where the elements begin in the file, and how many bytes they have.
    """

    what: str
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    start: int
    nbytes: int

    def is_of(self, kinds: str) -> bool:
        """Tell whether the elements are of one of these kinds, as NumPy calls them."""
        return not self.dtype.hasobject and self.dtype.kind in kinds

    def array(self, data: bytes | np.ndarray) -> np.ndarray:
        """Return the array that these bytes are, in native byte order."""
        array = np.frombuffer(data, self.dtype).reshape(self.shape, order="F" if self.fortran else "C")
        return array.astype(self.dtype.newbyteorder("="), order="C")


def read_header(file: IO[bytes], path: str, name: str) -> Header:
    """Return what an array in a file declares, if it can be had; `name` is what messages call it."""
    try:
        # Later versions of the format are for headers and types that images and labels never have.
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("it is not in version 1.0 of the format")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    except Exception as error:
        # NumPy parses the header as Python text: a damaged one raises whatever the parser does.
        raise DataError(f"{path}: {name} has no readable .npy header: {error}") from None
    what = f"{name}, {dtype} {shape},"
    if any(size < 0 for size in shape):
        raise DataError(f"{path}: {what} has a negative size")
    return Header(what, shape, fortran, dtype, file.tell(), check_bytes(path, shape, dtype.itemsize))


def check_length(header: Header, found: int, path: str) -> None:
    """Refuse an array of which another number of bytes was found."""
    declared = f"{header.what} has {header.nbytes} bytes, but"
    if found < header.nbytes:
        raise DataError(f"{path}: truncated: {declared} there are {found}")
    if found > header.nbytes:
        raise DataError(f"{path}: {declared} more follow")


def read_npy(path: str | os.PathLike, kinds: str = "iufb", what_kind: str = "numbers") -> np.ndarray:
    """Return the array of an .npy file; nothing in it is unpickled.

    Parameters
    ----------
    path : path
    kinds, what_kind : str
        Of element types, as NumPy calls them, and what a message calls those.

    Raises
    ------
    DataError
        If the file is missing or malformed, or of another type.
    """
    path = os.fspath(path)
    with errors_of(path), open(path, "rb") as file:
        header = _header_of(file, path, kinds, what_kind)
        data = np.fromfile(file, np.uint8, header.nbytes)
    check_length(header, len(data), path)
    return header.array(data)


def map_npy(path: str | os.PathLike, kinds: str = "iufb") -> np.ndarray:
    """Return the array of an .npy file, mapped into memory: what is used of it is read, and nothing else.

    The arguments are those of `read_npy`; the array is a read-only `numpy.memmap`.

    Raises
    ------
    DataError
        If the file is missing or malformed, or of another type, byte order or order of elements.
    """
    path = os.fspath(path)
    with errors_of(path), open(path, "rb") as file:
        header = _header_of(file, path, kinds)
        if header.dtype.newbyteorder("=") != header.dtype:
            raise DataError(
                f"{path}: {header.what} has the byte order of another machine: save it in this one's"
            )
        if header.fortran and sum(size > 1 for size in header.shape) > 1:
            raise DataError(
                f"{path}: {header.what} has the elements of a sample all over the file (Fortran order): save "
                "np.ascontiguousarray of it"
            )
        if not header.nbytes:
            return np.zeros(header.shape, header.dtype)
        return np.memmap(file, header.dtype, "r", header.start, header.shape)


def load_npy(
    images: str | os.PathLike,
    labels: str | os.PathLike | object,
    *,
    classes: Sequence[str] | None = None,
    name: str = "",
    layout: str | None = None,
    value_range: Sequence[Any] | None = None,
    task: str | None = None,
    ignore_index: int | None = None,
    weights: object = None,
) -> Dataset:
    """Return a data set of images in an .npy file, which may be larger than memory.

    The file is mapped into memory (`Dataset` takes what ``numpy.load(path, mmap_mode="r")`` returns as it is,
    too): each batch reads its own images, and bytes become floats batch by batch. Targets of more than two
    axes, such as masks, are mapped as well. Slices of such a data set, ``dataset[:50000]``, are views of the
    file; what picks single images copies them.

    Parameters
    ----------
    images : path
        An array of uint8 or float32.
    labels : path or array_like
        A second .npy file, or the labels themselves.
    classes, name, layout, value_range, task, ignore_index, weights
        As of `Dataset`. With `value_range` floats are read once, to look at them.

    Raises
    ------
    DataError
        If a file is missing or malformed, in the byte order of another machine or in Fortran order.
    ArgumentError, DTypeError, ShapeError
        As of `Dataset`.

    Examples
    --------
    >>> train = load_npy("images.npy", "labels.npy", layout="NHWC")  # doctest: +SKIP
    """
    if isinstance(labels, str | os.PathLike):
        mapped = map_npy(labels)
        # The others are looked at as a whole in any case.
        labels = mapped if mapped.ndim > 2 else read_npy(labels)
    try:
        known: dict[str, Any] = {
            "layout": layout,
            "value_range": value_range,
            "task": task,
            "ignore_index": ignore_index,
        }
        return Dataset(map_npy(images, "uf"), labels, classes, name, weights=weights, **known)
    except FastcnnError as error:
        raise type(error)(f"{os.fspath(images)}: {error}") from error


def _header_of(file: IO[bytes], path: str, kinds: str, what_kind: str = "numbers") -> Header:
    """Return what a whole file declares, if it holds elements of these kinds and has as many bytes."""
    wrong = f"not a .npy file of {what_kind}: it"
    header = read_header(file, path, wrong)
    if not header.is_of(kinds):
        raise DataError(f"{path}: {wrong} must hold {what_kind}, got {header.dtype}")
    check_length(header, os.fstat(file.fileno()).st_size - header.start, path)
    return header
