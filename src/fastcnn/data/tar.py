"""Members of a .tar.gz file that is not trusted: those with the right names and sizes, and nothing else.

Not the standard library's reader: that one reads as much into memory as an extended header declares, and
follows names and links that nobody here asked for. Nothing is ever written to the disk.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..errors import DataError
from .formats import errors_of

if TYPE_CHECKING:
    import gzip

_BLOCK = 512
# Headers of a header (times, owners, ...), which say nothing of a member that has a short name.
_EXTENDED = b"xg"
_REGULAR, _DIRECTORY = b"0\0", b"5"
_KINDS = {b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"6": "a pipe"}
_SMALL = 2**16
# An archive of nothing but headers would take as long as anyone likes.
_MOST_HEADERS = 100


def read_members(
    path: str, sizes: Mapping[str, int], ignored: Mapping[str, int]
) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of the members of a .tar.gz file, in its order.

    Parameters
    ----------
    path : str
    sizes : mapping
        Name -> exact size of the members that must be there, once each.
    ignored : mapping
        Name -> largest size of the members that may be there.

    Raises
    ------
    DataError
        If anything else is in it, or something is missing, damaged or of another size.
    """
    import gzip

    missing = set(sizes)
    with errors_of(path), gzip.open(path, "rb") as file:
        for count in itertools.count():
            if not any(header := _read(file, _BLOCK, path)):
                break
            if count == _MOST_HEADERS:
                raise DataError(f"{path}: has more than {_MOST_HEADERS} members")
            name, kind, size = _parse(header, path)
            # The size is checked before a byte of the content is unpacked.
            if kind in _EXTENDED:
                _check_size(path, "an extended header", size, _SMALL)
                _read(file, _padded(size), path)
            elif kind in _DIRECTORY:
                _check_size(path, name, size, 0)
            elif kind not in _REGULAR:
                raise DataError(f"{path}: {name} is {_KINDS.get(kind, 'of an unknown kind')}, not a file")
            elif name in missing:
                if size != sizes[name]:
                    raise DataError(f"{path}: {name} has {size} bytes, expected {sizes[name]}")
                missing.remove(name)
                content = _read(file, size, path)
                _read(file, _padded(size) - size, path)
                yield name, content
                del content  # the caller alone decides how long it stays
            elif name in ignored:
                _check_size(path, name, size, ignored[name])
                _read(file, _padded(size), path)
            else:
                there = "twice" if name in sizes else "in it, which does not belong there"
                raise DataError(f"{path}: {name} is {there}")
        # To the end: only there the checksum is compared.
        if len(file.read(_SMALL)) == _SMALL:
            raise DataError(f"{path}: more follows after the end of the archive")
    if missing:
        raise DataError(f"{path}: there is no {min(missing)} in it")


def _read(file: "gzip.GzipFile", count: int, path: str) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise DataError(f"{path}: truncated: the archive ends in the middle")
    return data


def _parse(header: bytes, path: str) -> tuple[str, bytes, int]:
    """Return the name, the kind and the size that a header declares."""
    # The checksum counts its own eight bytes as spaces.
    total = sum(header) - sum(header[148:156]) + 8 * ord(" ")
    if _octal(header[148:156], path) != total:
        raise DataError(f"{path}: not a tar archive, or damaged: the checksum of a header is wrong")
    name, prefix = (
        part.split(b"\0")[0].decode("ascii", "replace") for part in (header[:100], header[345:500])
    )
    if header[257:263] == b"ustar\0" and prefix:
        name = f"{prefix}/{name}"
    return name.removeprefix("./"), header[156:157], _octal(header[124:136], path)


def _octal(text: bytes, path: str) -> int:
    digits = text.strip(b" \0") or b"0"
    if not set(digits) <= set(b"01234567"):
        raise DataError(f"{path}: not a tar archive, or damaged: {text!r} is no octal number")
    return int(digits, 8)


def _check_size(path: str, name: str, size: int, most: int) -> None:
    if size > most:
        raise DataError(f"{path}: {name} has {size} bytes, expected at most {most}")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
