"""Readers of the files that image data sets come in: IDX and CIFAR-10 binary; npz.py reads .npz.

A file is not trusted: every field of its header is checked, memory is allocated only for what the file
can hold, and no reader unpickles. Whatever is wrong raises a DataError that starts with the path.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

import numpy as np

from .._shapes import check_size
from ..errors import DataError, FastcnnError, SizeError

# Type code in the third byte of an IDX file -> element type as stored, big-endian.
_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 32
# DEFLATE never expands a byte to more than 1032: a header that declares more than that is lying.
DEFLATE_RATIO = 1032
_CHUNK_BYTES = 2**20
# A packed file that expands to so many bytes more than it has is read to its end first, to see whether it is
# whole: one that is refused has cost no more memory than that.
_TRUSTED_BYTES = 2**26
CIFAR10_RECORD = 1 + 3 * 32 * 32


@contextmanager
def errors_of(path: str) -> Iterator[None]:
    """Turn what the standard library raises for an unreadable or damaged file into a DataError."""
    import struct
    import zipfile
    import zlib

    # zipfile has no one error for a damaged archive: a bad field meets whatever stumbles over it.
    damage = (OSError, EOFError, zlib.error, zipfile.BadZipFile, struct.error, RuntimeError, ValueError)
    try:
        yield
    except FastcnnError:
        raise
    except damage as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def check_bytes(path: str, shape: tuple[int, ...], itemsize: int) -> int:
    """Return the bytes of an array that a file declares, or raise if it cannot be had."""
    try:
        # Zeros count as ones: NumPy multiplies the other sizes even if the array is empty.
        check_size([max(size, 1) for size in shape], itemsize, "the array")
    except SizeError as error:
        raise DataError(f"{path}: {error}") from None
    return int(np.prod(shape, dtype=object)) * itemsize


def _read_header(file: BinaryIO, count: int, path: str) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise DataError(f"{path}: truncated: the header ends after {len(data)} of {count} bytes")
    return data


def _read_idx_header(file: BinaryIO, path: str) -> tuple[bytes, np.dtype, tuple[int, ...]]:
    """Return the header's bytes, the element type and the shape."""
    magic = _read_header(file, 4, path)
    if magic[:2] != b"\0\0":
        raise DataError(f"{path}: not an IDX file: it starts with {magic.hex(' ')}, expected 00 00")
    if magic[2] not in _IDX_TYPES:
        known = ", ".join(f"0x{code:02x}" for code in _IDX_TYPES)
        raise DataError(f"{path}: unknown IDX type code 0x{magic[2]:02x}, expected one of {known}")
    if not 1 <= magic[3] <= _MAX_DIMENSIONS:
        raise DataError(
            f"{path}: the IDX header declares {magic[3]} dimensions, expected 1 to {_MAX_DIMENSIONS}"
        )
    sizes = _read_header(file, 4 * magic[3], path)
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    return magic + sizes, np.dtype(_IDX_TYPES[magic[2]]), shape


def read_idx(path: str | os.PathLike, *, sha256: str | None = None) -> np.ndarray:
    """Read an IDX file, plain or gzip-compressed (told by its content, not its name).

    The format: two zero bytes, a type code, the number of dimensions, the size of each dimension as
    big-endian uint32, then the elements in C order, big-endian.

    Parameters
    ----------
    path : path
    sha256 : str, optional
        Expected SHA-256 of the uncompressed file, in hexadecimal.

    Returns
    -------
    ndarray
        Of the shape and type that the file declares, in native byte order.

    Raises
    ------
    DataError
        If the file is missing, truncated, longer than declared, malformed or not the expected one.
    """
    path = os.fspath(path)
    with errors_of(path), open(path, "rb") as stored:
        size = os.fstat(stored.fileno()).st_size
        file: BinaryIO = stored
        if stored.peek(2)[:2] == b"\x1f\x8b":
            import gzip

            file = gzip.GzipFile(fileobj=stored)  # type: ignore[assignment]
        header, dtype, shape = _read_idx_header(file, path)
        nbytes = check_bytes(path, shape, dtype.itemsize)
        declared = f"the header declares the shape {shape} of {dtype.name}, {nbytes} bytes"
        truncated, longer = f"{path}: truncated: {declared}", f"{path}: {declared}, but more bytes follow"
        if len(header) + nbytes > size * (1 if file is stored else DEFLATE_RATIO):
            raise DataError(f"{truncated}, more than the file can hold")
        if file is not stored and is_expanding(nbytes, size):
            found = count_bytes(file, nbytes)
            if found < nbytes:
                raise DataError(f"{truncated}, but it has {found}")
            if found > nbytes:
                raise DataError(longer)
            file.seek(len(header))
        data = np.empty(nbytes, np.uint8)
        digest = None
        if sha256 is not None:
            import hashlib

            digest = hashlib.sha256(header)
        view = data.data
        for start in range(0, nbytes, _CHUNK_BYTES):
            chunk = view[start : start + _CHUNK_BYTES]
            got = file.readinto(chunk)  # type: ignore[attr-defined]
            if got < len(chunk):
                raise DataError(f"{truncated}, but it has {start + got}")
            if digest is not None:
                digest.update(chunk)
        # Reading past the end also makes gzip compare the checksum and length of the data.
        if file.read(1):
            raise DataError(longer)
    if digest is not None and digest.hexdigest() != sha256:
        raise DataError(
            f"{path}: the SHA-256 of its content is {digest.hexdigest()}, expected {sha256}: the file is "
            "damaged or not the one that is meant"
        )
    return data.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def is_expanding(nbytes: int, stored: int) -> bool:
    """Tell whether a packed file of `stored` bytes is to be unpacked once without being kept."""
    return nbytes > stored + _TRUSTED_BYTES


def count_bytes(file: IO[bytes], most: int) -> int:
    """Return how many bytes are left, at most a chunk more than `most`; at the end checksums are compared."""
    count = 0
    while count <= most and (chunk := file.read(_CHUNK_BYTES)):
        count += len(chunk)
    return count


def read_cifar10(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Read a file of the binary version of CIFAR-10.

    The format: records of 3073 bytes, a label from 0 to 9 and then the 32x32 red, green and blue planes.

    Returns
    -------
    images : uint8 (N, 3, 32, 32)
    labels : int64 (N,)

    Raises
    ------
    DataError
        If the file is missing, empty, no whole number of records long, or holds another label.
    """
    path = os.fspath(path)
    with errors_of(path), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        count, rest = divmod(size, CIFAR10_RECORD)
        if count == 0 or rest:
            raise DataError(
                f"{path}: {size} bytes are no whole number of CIFAR-10 records of {CIFAR10_RECORD} bytes"
            )
        check_bytes(path, (size,), 1)
        records = np.fromfile(file, np.uint8, size)
    if len(records) != size:
        raise DataError(f"{path}: truncated: {len(records)} of {size} bytes could be read")
    return split_cifar10(records, path)


def split_cifar10(records: np.ndarray, path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels, as `read_cifar10` does, of the bytes of whole records."""
    labels = cifar10_labels(records, path)
    count = len(labels)
    images = np.ascontiguousarray(records.reshape(count, CIFAR10_RECORD)[:, 1:])
    return images.reshape(count, 3, 32, 32), labels


def cifar10_labels(records: np.ndarray, path: str) -> np.ndarray:
    """Return the labels of the bytes of whole records."""
    labels = records[::CIFAR10_RECORD].astype(np.int64)
    if labels.max() > 9:
        first = int(np.argmax(labels > 9))
        raise DataError(f"{path}: record {first} has the label {labels[first]}, expected 0 to 9")
    return labels
