"""Readers of .npz files: nothing is unpickled, and headers are checked before data is read."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import DataError, FastcnnError
from .formats import DEFLATE_RATIO, count_bytes, errors_of, is_expanding
from .labels import labels_cure
from .layout import IMAGE_DTYPES, dtype_cure, grey_cure, to_nchw
from .npy import Header, check_length, read_header
from .targets import CLASSIFICATION, task_of

if TYPE_CHECKING:
    import zipfile

# Bytes of the directory of an archive, in which a member takes some 60: its reader takes ten times as many.
_MOST_DIRECTORY = 2**20
# At the end of a ZIP file: the record of the end of the directory, and in front of it that of large archives.
_END, _END_BYTES, _MOST_COMMENT = b"PK\5\6", 22, 2**16
_LARGE, _LARGE_BYTES, _LOCATOR_BYTES = b"PK\6\6", 56, 20


class _Member(NamedTuple):
    """An array of an archive whose header says no more than that can hold."""

    info: zipfile.ZipInfo
    header: Header


def _find(
    archive: zipfile.ZipFile, name: str, path: str, kinds: str = "iuf", what_kind: str = "numbers"
) -> _Member:
    """Return an array of an archive, with no more than its header read."""
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
        header = read_header(file, path, info.filename)
    if not header.is_of(kinds):
        raise DataError(f"{path}: {header.what} must hold {what_kind}")
    stored = min(info.compress_size, os.stat(path).st_size)
    if header.nbytes > stored * (DEFLATE_RATIO if info.compress_type == zipfile.ZIP_DEFLATED else 1):
        raise DataError(
            f"{path}: truncated: {header.what} has {header.nbytes} bytes, more than the file can hold"
        )
    return _Member(info, header)


def _unpack(archive: zipfile.ZipFile, member: _Member, path: str) -> np.ndarray:
    """Return an array of an archive."""
    info, header = member
    if is_expanding(header.nbytes, os.stat(path).st_size):
        with archive.open(info) as file:
            file.read(header.start)
            check_length(header, count_bytes(file, header.nbytes), path)
    with archive.open(info) as file:
        file.read(header.start)
        data = file.read(header.nbytes)
        check_length(header, len(data) + len(file.read(1)), path)
    return header.array(data)


def read_npz(
    path: str | os.PathLike, part: str = "", layout: str | None = None, task: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read the arrays `images` and `labels` (or `targets`) of an .npz file; nothing in it is unpickled.

    Parameters
    ----------
    path : path
    part : str
        Stands before both names, such as "train_".
    layout : {"NCHW", "NHWC", "NHW"}, optional
        The order of the axes of the images, see `fastcnn.data.Dataset`.
    task : str, optional
        What the labels are, see there.

    Returns
    -------
    images : uint8 or float32 (N, C, H, W)
    labels : int64 (N,), or numbers or bools (N, ...) of another task

    Raises
    ------
    DataError
        If the file is missing or malformed, or an array is missing, of another type or another shape.
    """
    path = os.fspath(path)
    with _opened(path) as archive:
        # All headers are looked at before any data is unpacked.
        name = target_name(archive.namelist(), part)
        images_member = _find(archive, f"{part}images", path)
        labels_member = _find(archive, name, path, "iufb")
        _check_images(images_member.header, layout, f"{path}: {part}images")
        told, count = labels_member.header, images_member.header.shape[:1]
        labels = None
        if not told.is_of("iu") or told.shape != count or task not in (None, CLASSIFICATION):
            # What they are is seen in the labels, if those are not too many to look at.
            few = told.shape[:1] == count or not is_expanding(told.nbytes, 0)
            labels = _unpack(archive, labels_member, path) if few else None
            known = task or (CLASSIFICATION if labels is None else task_of(labels))
            if known == CLASSIFICATION or told.shape[:1] != count:
                cure = "" if labels is None else labels_cure(labels, name)
                raise DataError(
                    f"{path}: {name} must be integers ({', '.join(map(str, count))},), "
                    f"got {told.dtype.newbyteorder('=')} {told.shape}{cure}"
                )
        images = _unpack(archive, images_member, path)
        if labels is None:
            labels = _unpack(archive, labels_member, path).astype(np.int64, copy=False)
    try:
        images = to_nchw(images, layout, f"{part}images")
    except FastcnnError as error:
        raise DataError(f"{path}: {error}") from error
    return images, labels


def _check_images(header: Header, layout: str | None, what: str) -> None:
    """Refuse what holds no images."""
    dtype = header.dtype.newbyteorder("=")
    if dtype not in IMAGE_DTYPES or (layout is None and len(header.shape) != 4):
        raise DataError(
            f"{what} must be uint8 or float32 (N, C, H, W), got {dtype} {header.shape}"
            f"{dtype_cure(dtype) or grey_cure(header.shape)}"
        )


def target_name(names: Iterable[str], part: str) -> str:
    """Return the name of the array with the labels of a part: `targets` where there are no `labels`."""
    own = f"{part}labels", f"{part}targets"
    return own[1] if f"{own[1]}.npy" in names and f"{own[0]}.npy" not in names else own[0]


def read_npz_names(path: str | os.PathLike) -> tuple[str, ...]:
    """Return the names of the arrays in an .npz file."""
    path = os.fspath(path)
    with _opened(path) as archive:
        return tuple(name.removesuffix(".npy") for name in archive.namelist())


def read_npz_array(
    path: str | os.PathLike, name: str, kinds: str = "iuf", what_kind: str = "numbers"
) -> np.ndarray:
    """Return an array of an .npz file by its name.

    Parameters
    ----------
    path, name
    kinds, what_kind : str
        Of element types, as NumPy calls them, and what a message calls those.

    Raises
    ------
    DataError
        If the file is missing or malformed, or there is no such array.
    """
    path = os.fspath(path)
    with _opened(path) as archive:
        return _unpack(archive, _find(archive, name, path, kinds, what_kind), path)


def read_npz_classes(path: str | os.PathLike) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Return the names of the arrays in an .npz file, and the text in `classes` (None: there is none).

    Raises
    ------
    DataError
        If the file is missing or malformed, or `classes` is no one-dimensional array of text.
    """
    names = read_npz_names(path)
    if "classes" not in names:
        return names, None
    classes = read_npz_array(path, "classes", "U", "text")
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
