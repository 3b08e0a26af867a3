"""Readers of .npz and .npy files: nothing is unpickled, and headers are checked before data is read."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import DataError, FastcnnError
from .formats import DEFLATE_RATIO, check_bytes, count_bytes, errors_of, is_expanding
from .labels import labels_cure
from .layout import IMAGE_DTYPES, dtype_cure, grey_cure, to_nchw

if TYPE_CHECKING:
    import zipfile

# Bytes of the directory of an archive, in which a member takes some 60: its reader takes ten times as many.
_MOST_DIRECTORY = 2**20
# At the end of a ZIP file: the record of the end of the directory, and in front of it that of large archives.
_END, _END_BYTES, _MOST_COMMENT = b"PK\5\6", 22, 2**16
_LARGE, _LARGE_BYTES, _LOCATOR_BYTES = b"PK\6\6", 56, 20


class _Member(NamedTuple):
    """An array of an .npz file whose header says no more than the archive can hold."""

    info: zipfile.ZipInfo
    what: str  # opens the message of an error
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    nbytes: int


def _find(
    archive: zipfile.ZipFile, name: str, path: str, kinds: str = "iuf", what_kind: str = "numbers"
) -> _Member:
    """Return what the header of an array says."""
    import zipfile

    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        found = ", ".join(sorted(archive.namelist())) or "nothing"
        raise DataError(f"{path}: there is no array {name!r} in it, only {found}") from None
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(
            f"{path}: {info.filename} has the compression method {info.compress_type}, not DEFLATE"
        )
    if info.flag_bits & 1:
        raise DataError(f"{path}: {info.filename} is encrypted")
    with archive.open(info) as file:
        shape, fortran, dtype = _read_npy_header(file, f"{path}: {info.filename}")
    what = f"{path}: {info.filename}, {dtype} {shape},"
    if dtype.hasobject or dtype.kind not in kinds:
        raise DataError(f"{what} must hold {what_kind}")
    if any(size < 0 for size in shape):
        raise DataError(f"{what} has a negative size")
    nbytes = check_bytes(path, shape, dtype.itemsize)
    stored = min(info.compress_size, os.stat(path).st_size)
    if nbytes > stored * (DEFLATE_RATIO if info.compress_type == zipfile.ZIP_DEFLATED else 1):
        cut = f"{info.filename}, {dtype} {shape}, has {nbytes} bytes, more than the file can hold"
        raise DataError(f"{path}: truncated: {cut}")
    return _Member(info, what, shape, fortran, dtype, nbytes)


def _read_npy_header(file: IO[bytes], what: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, whether the order is Fortran's, and element type."""
    try:
        # Later versions of the format are for headers and types that images and labels never have.
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("it is not in version 1.0 of the format")
        return np.lib.format.read_array_header_1_0(file)
    except Exception as error:
        # NumPy parses the header as Python text: a damaged one raises whatever the parser does.
        raise DataError(f"{what} has no readable .npy header: {error}") from None


def _unpack(archive: zipfile.ZipFile, member: _Member, path: str) -> np.ndarray:
    """Return an array of an .npz file."""
    nbytes = member.nbytes
    if is_expanding(nbytes, os.stat(path).st_size):
        with archive.open(member.info) as file:
            _read_npy_header(file, member.what)
            _check_bytes(member, count_bytes(file, nbytes), path)
    with archive.open(member.info) as file:
        _read_npy_header(file, member.what)
        data = file.read(nbytes)
        _check_bytes(member, len(data) + len(file.read(1)), path)
    array = np.frombuffer(data, member.dtype).reshape(member.shape, order="F" if member.fortran else "C")
    return array.astype(member.dtype.newbyteorder("="), order="C")


def _check_bytes(member: _Member, found: int, path: str) -> None:
    if found < member.nbytes:
        what = member.what.removeprefix(f"{path}: ")
        raise DataError(f"{path}: truncated: {what} has {member.nbytes} bytes, but there are {found}")
    if found > member.nbytes:
        raise DataError(f"{member.what} has {member.nbytes} bytes, but more follow")


def read_npz(
    path: str | os.PathLike, part: str = "", layout: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read the arrays `images` and `labels` of an .npz file; nothing in it is unpickled.

    Parameters
    ----------
    path : path
    part : str
        Stands before both names, such as "train_".
    layout : {"NCHW", "NHWC", "NHW"}, optional
        The order of the axes of the images, see `fastcnn.data.Dataset`.

    Returns
    -------
    images : uint8 or float32 (N, C, H, W)
    labels : int64 (N,)

    Raises
    ------
    DataError
        If the file is missing or malformed, or an array is missing, of another type or another shape.
    """
    path = os.fspath(path)
    with _opened(path) as archive:
        # All headers are looked at before any data is unpacked.
        images_found, labels_found = (_find(archive, f"{part}{name}", path) for name in ("images", "labels"))
        _check_images(images_found, layout, f"{path}: {part}images")
        if labels_found.shape != images_found.shape[:1] and is_expanding(labels_found.nbytes, 0):
            _refuse_labels(
                labels_found.dtype, labels_found.shape, images_found.shape, f"{path}: {part}labels"
            )
        labels = _unpack(archive, labels_found, path)
        if labels.dtype.kind not in "iu" or labels.shape != images_found.shape[:1]:
            cure = labels_cure(labels, f"{part}labels")
            _refuse_labels(labels.dtype, labels.shape, images_found.shape, f"{path}: {part}labels", cure)
        images = _unpack(archive, images_found, path)
    try:
        images = to_nchw(images, layout, f"{part}images")
    except FastcnnError as error:
        raise DataError(f"{path}: {error}") from error
    return images, labels.astype(np.int64, copy=False)


def read_npy(path: str | os.PathLike, kinds: str = "iufb") -> np.ndarray:
    """Return the array of an .npy file; nothing in it is unpickled.

    Parameters
    ----------
    path : path
    kinds : str
        Of element types, as NumPy calls them.

    Raises
    ------
    DataError
        If the file is missing or malformed, or of another type.
    """
    path = os.fspath(path)
    with errors_of(path), open(path, "rb") as file:
        shape, fortran, dtype = _read_npy_header(file, f"{path}: not a .npy file of numbers: it")
        what = f"{path}: {dtype} {shape}"
        if dtype.hasobject or dtype.kind not in kinds:
            raise DataError(f"{path}: not a .npy file of numbers: it must hold numbers, got {dtype}")
        if any(size < 0 for size in shape):
            raise DataError(f"{what} has a negative size")
        nbytes, found = (
            check_bytes(path, shape, dtype.itemsize),
            os.fstat(file.fileno()).st_size - file.tell(),
        )
        if found != nbytes:
            raise DataError(f"{what} has {nbytes} bytes, but there are {found}")
        data = np.fromfile(file, np.uint8, nbytes)
    if len(data) != nbytes:
        raise DataError(f"{what} has {nbytes} bytes, but {len(data)} could be read")
    array = data.view(dtype).reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), order="C", copy=False)


def _check_images(member: _Member, layout: str | None, what: str) -> None:
    """Refuse what holds no images."""
    dtype = member.dtype.newbyteorder("=")
    if dtype not in IMAGE_DTYPES or (layout is None and len(member.shape) != 4):
        raise DataError(
            f"{what} must be uint8 or float32 (N, C, H, W), got {dtype} {member.shape}"
            f"{dtype_cure(dtype) or grey_cure(member.shape)}"
        )


def _refuse_labels(
    dtype: np.dtype, shape: tuple[int, ...], images: tuple[int, ...], what: str, cure: str = ""
) -> None:
    raise DataError(
        f"{what} must be integers ({', '.join(map(str, images[:1]))},), got {dtype} {shape}{cure}"
    )


def read_npz_classes(path: str | os.PathLike) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Return the names of the arrays in an .npz file, and the text in `classes` (None: there is none).

    Raises
    ------
    DataError
        If the file is missing or malformed, or `classes` is no one-dimensional array of text.
    """
    path = os.fspath(path)
    with _opened(path) as archive:
        names = tuple(name.removesuffix(".npy") for name in archive.namelist())
        if "classes" not in names:
            return names, None
        classes = _unpack(archive, _find(archive, "classes", path, "U", "text"), path)
    if classes.ndim != 1:
        raise DataError(f"{path}: classes must have one dimension, got the shape {classes.shape}")
    return names, tuple(classes.tolist())


@contextmanager
def _opened(path: str) -> Iterator[zipfile.ZipFile]:
    import zipfile

    with errors_of(path), open(path, "rb") as file:
        _check_directory(file, path)
        with zipfile.ZipFile(file) as archive:
            yield archive


def _check_directory(file: IO[bytes], path: str) -> None:
    """Refuse a directory of many members, which takes more memory than the file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END_BYTES - _MOST_COMMENT - _LARGE_BYTES - _LOCATOR_BYTES))
    tail = file.read()
    file.seek(0)
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_BYTES:
        return  # no ZIP file, as its reader will say
    (told,) = struct.unpack_from("<I", tail, place + 12)
    large = place - _LARGE_BYTES - _LOCATOR_BYTES
    if large >= 0 and tail.startswith(_LARGE, large):
        told = max(struct.unpack_from("<Q", tail, large + 40)[0], 0 if told == 2**32 - 1 else told)
    if told > _MOST_DIRECTORY:
        raise DataError(
            f"{path}: its directory of members has {told:,} bytes, expected at most {_MOST_DIRECTORY:,}"
        )
