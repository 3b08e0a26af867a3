"""Writing a file so that at no moment there is half of one under its name.

What is written goes into a file beside it, which takes the name when all of it is on the disk. It gets the
mode, and where possible the owner, of the one that it replaces, or those that the process gives to new files.
Symbolic links are followed. What is no regular file (a device, a pipe) is not replaced, but written to.
"""

import contextlib
import os
import re
import secrets
import stat
import sys
import time
from os import PathLike
from typing import BinaryIO

# How names of files begin and end that are not finished, and after how many seconds nobody will do so.
_PREFIX, _SUFFIX, _ABANDONED = ".fastcnn-", ".tmp", 3600.0
# A link to itself goes on for ever.
_MOST_LINKS = 40


def write_atomic(path: str | PathLike[str], content: bytes) -> None:
    """Write `content` to `path`, all or nothing.

    Whatever goes wrong, an older file of that name stays as it was. A device or a pipe is written to.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    stream = open_stream(path)
    if stream is not None:
        with stream:
            write_stream(stream, content)
        return
    target = os.path.realpath(os.fsdecode(path))
    # Not the name with something added, which may be too long; and not tempfile, whose modes are its own.
    temporary = os.path.join(os.path.dirname(target), f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
    # Until it has the mode of the older file, nobody else reads it.
    mode = 0o600 if os.path.exists(target) else 0o666
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            replace(file, temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename == temporary:
            error.filename = os.fspath(path)  # the one that the caller knows
        raise


def sweep(folder: str | PathLike[str]) -> None:
    """Remove what processes that were killed while they wrote have left in a folder an hour ago or longer."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if re.fullmatch(rf"{re.escape(_PREFIX)}[0-9a-f]{{16}}{re.escape(_SUFFIX)}", entry.name):
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED:
                        os.unlink(entry.path)


def replace(file: BinaryIO, name: str, target: str) -> None:
    """Give a finished file, open and flushed, the name of another, with that one's mode and owner.

    Its data is on the disk before, and the change of names after: no power cut leaves an empty file.

    Parameters
    ----------
    file : binary file
    name : str
        Where it is now.
    target : str
        In the same folder; no symbolic link.

    Raises
    ------
    OSError
        If it cannot be done.
    """
    descriptor = file.fileno()
    with contextlib.suppress(FileNotFoundError):
        _take_over(descriptor, os.stat(target))
    os.fsync(descriptor)
    os.replace(name, target)
    # Some file systems cannot, and some folders may be written to but not opened.
    with contextlib.suppress(OSError):
        folder = os.open(os.path.dirname(target) or ".", os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def open_stream(path: str | PathLike[str]) -> BinaryIO | None:
    """Open what is at `path` for writing if it is no regular file; None if it is one, or nothing yet.

    Of ``/dev/stdout`` and ``/dev/fd/N`` it is the process's own stream, also if that is a file: what was
    written there before stays.

    Raises
    ------
    OSError
        If it cannot be opened; also if it is a folder.
    """
    number = _own_descriptor(os.fsdecode(path))
    if number is not None:
        for stream in (sys.stdout, sys.stderr):
            # What was printed before comes before.
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        return os.fdopen(os.dup(number), "wb", buffering=0)
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            return None
    except FileNotFoundError:
        return None
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_NOCTTY), "wb", buffering=0)


def write_stream(stream: BinaryIO, content: bytes) -> None:
    """Write all of `content` to what `open_stream` returned: a pipe may take it in pieces."""
    rest = memoryview(content)
    while rest:
        rest = rest[stream.write(rest) or 0 :]


def _own_descriptor(name: str) -> int | None:
    """Return N if the name leads to descriptor N of this process, as /dev/stdout and /dev/fd/N do."""
    for _ in range(_MOST_LINKS):
        folder, base = os.path.split(name)
        if base.isdecimal() and re.fullmatch(
            rf"/dev/fd|/proc/{os.getpid()}(/task/\d+)?/fd", os.path.realpath(folder)
        ):
            return int(base)
        try:
            name = os.path.join(folder, os.readlink(name))
        except OSError:
            break
    return None


def _take_over(descriptor: int, older: os.stat_result) -> None:
    """Give a file the owner, group and mode of an older one, as far as this process may."""
    own = os.fstat(descriptor)
    if own.st_uid != older.st_uid:
        with contextlib.suppress(OSError):
            os.fchown(descriptor, older.st_uid, -1)
    if own.st_gid != older.st_gid:
        with contextlib.suppress(OSError):
            os.fchown(descriptor, -1, older.st_gid)
    # After the owner, whose change takes bits away.
    os.fchmod(descriptor, stat.S_IMODE(older.st_mode))
