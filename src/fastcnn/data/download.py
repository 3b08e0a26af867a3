"""Download of a file whose size and SHA-256 are known, from the first of several addresses that works.

What arrives goes into ``.NAME.part`` beside the file, is hashed when it is complete, and takes the file's
name only then: there is never half a file under the name. A download that was cut off goes on where it
stopped, here or at the next address. No server is trusted: what it says of the size must be right, what it
sends beyond it is not read, and the hash decides.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import BinaryIO

from .._files import replace as replace_file
from .._version import __version__
from ..errors import DataError, DownloadError
from .catalog import RemoteFile
from .partial import DISK_FULL, partial_file

# Seconds without data, or with fewer than these bytes a second, after which a server is given up.
STALL_SECONDS = 30.0
SLOWEST = 1024
_CHUNK_BYTES = 2**17
# How often one address is asked again as long as each answer brings something.
_TRIES = 5
# Room that a download leaves on the disk.
_SPARE_BYTES = 2**20


class _AddressError(Exception):
    """An address did not give the file; the message says why."""


class _ResumeError(_AddressError):
    """It does not give the rest of the file; it may give the whole."""


def sha256_of(file: BinaryIO) -> str:
    """Return the SHA-256 of the rest of a file, in hexadecimal."""
    digest = hashlib.sha256()
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()


def is_right(file: RemoteFile, path: str) -> bool:
    """Tell whether there is a file at `path` with the right size and SHA-256.

    Raises
    ------
    DataError
        If it is there but cannot be read.
    """
    try:
        with open(path, "rb") as stored:
            return os.fstat(stored.fileno()).st_size == file.size and sha256_of(stored) == file.sha256
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def download(file: RemoteFile, folder: str, *, progress: bool = True, replace: bool = True) -> str:
    """Make sure that the file is in the folder, and return its path.

    Parameters
    ----------
    file : RemoteFile
    folder : str
        Made if need be.
    progress : bool
        Show a bar on the standard error if that is a terminal.
    replace : bool
        Overwrite a file of that name that is not the right one, once the right one is there.

    Raises
    ------
    DataError
        If there is another file of that name and `replace` is False, the folder cannot be written, the disk
        has no room, or no address gives the file: the message then tells of each why.
    """
    path = os.path.join(folder, file.name)
    if is_right(file, path):
        return path
    if os.path.lexists(path) and not replace:
        raise DataError(
            f"{path}: is not the official file ({file.size} bytes); move it away to download that"
        )
    try:
        os.makedirs(folder, exist_ok=True)
        # Beside the file that a link leads to: a rename needs both names in one folder.
        target = os.path.realpath(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with partial_file(target) as (stored, name):
            # Another process may have had it all along.
            if not is_right(file, path):
                _check_room(file, path, stored)
                _fill(file, stored, path, progress)
                stored.flush()
                replace_file(stored, name, target)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise DataError(f"{path}: no space left on the disk; it needs {_mega(file.size)}") from error
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def _check_room(file: RemoteFile, path: str, stored: BinaryIO) -> None:
    needed = file.size - min(_length(stored), file.size)
    free = shutil.disk_usage(os.path.dirname(os.path.realpath(path))).free
    if free < needed + _SPARE_BYTES:
        raise DataError(
            f"{path}: no space: {_mega(needed)} are to be downloaded, but the disk has {_mega(free)} free"
        )


def _fill(file: RemoteFile, stored: BinaryIO, path: str, progress: bool) -> None:
    """Make the content of `stored` that of the file."""
    reasons = []
    for url in file.urls:
        try:
            return _try_address(file, url, stored, progress)
        except _AddressError as error:
            reasons.append(f"  {url}: {error}")
    raise DownloadError(
        "\n".join(
            [
                f"{path}: cannot be downloaded:",
                *reasons,
                f"Put the file there by hand ({file.size} bytes, SHA-256 {file.sha256}), or name a folder "
                "that has it, with root= or --data.",
            ]
        )
    )


def _try_address(file: RemoteFile, url: str, stored: BinaryIO, progress: bool) -> None:
    resumed = _length(stored) > 0
    for last in (False, True):
        _receive_all(file, url, stored, progress)
        stored.seek(0)
        digest = sha256_of(stored)
        if digest == file.sha256:
            return
        stored.truncate(0)
        # A wrong beginning may be another server's: this one gets a chance from the start.
        if last or not resumed:
            raise _AddressError(f"wrong content: its SHA-256 is {digest}, expected {file.sha256}")


def _receive_all(file: RemoteFile, url: str, stored: BinaryIO, progress: bool) -> None:
    """Receive what is missing, asking again while it gets on."""
    if _length(stored) > file.size:
        stored.truncate(0)
    for left in reversed(range(_TRIES)):
        before = _length(stored)
        if before == file.size:
            return
        try:
            _receive(file, url, stored, progress)
        except _ResumeError:
            stored.truncate(0)
        except _AddressError:
            if left == 0 or _length(stored) <= before:
                raise


def _receive(file: RemoteFile, url: str, stored: BinaryIO, progress: bool) -> None:
    """Ask once, for what is missing."""
    start = _length(stored)
    headers = {"User-Agent": f"fastcnn/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with _network_errors():
            request = urllib.request.Request(url, headers=headers)
            response = urllib.request.urlopen(request, timeout=STALL_SECONDS)
    except _AddressError as error:
        if start and isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == 416:
            raise _ResumeError(str(error)) from error
        raise
    with response:
        if start and response.status == 206:
            expected = f"bytes {start}-{file.size - 1}/{file.size}"
            sent = response.headers.get("Content-Range", "nothing")
            if sent != expected:
                raise _ResumeError(f"asked for the rest, it sends {sent!r}, expected {expected!r}")
        else:
            start = 0
        announced = response.headers.get("Content-Length")
        if announced is not None and announced != str(file.size - start):
            raise _AddressError(f"it has {announced} bytes to send, expected {file.size - start}")
        if not start:
            # Also where the server does not know of parts, and sends all of it.
            stored.truncate(0)
        _copy(file, response, stored, start, progress)


def _copy(
    file: RemoteFile, response: http.client.HTTPResponse, stored: BinaryIO, start: int, progress: bool
) -> None:
    from .._bars import new_bar

    done = start
    window, received = time.monotonic(), 0
    with new_bar(file.size, file.name, progress, initial=start, unit="B", unit_scale=True) as bar:
        while done < file.size:
            with _network_errors():
                chunk = response.read1(min(_CHUNK_BYTES, file.size - done))
            if not chunk:
                raise _AddressError(f"truncated: it ended after {done} of {file.size} bytes")
            stored.write(chunk)
            done += len(chunk)
            received += len(chunk)
            bar.update(len(chunk))
            if time.monotonic() - window > STALL_SECONDS:
                if received < SLOWEST * STALL_SECONDS:
                    raise _AddressError(f"stalled: {received} bytes in {STALL_SECONDS:g} s")
                window, received = time.monotonic(), 0
        if response.headers.get("Content-Length") is None:
            with _network_errors():
                more = response.read1(1)
            if more:
                stored.truncate(0)
                raise _AddressError(f"it sends more than the {file.size} bytes that the file has")


@contextlib.contextmanager
def _network_errors() -> Iterator[None]:
    """Turn whatever a request raises into a reason."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise _AddressError(f"HTTP {error.code} {error.reason}") from error
    except TimeoutError as error:
        raise _AddressError(f"stalled: no data for {STALL_SECONDS:g} s") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _AddressError(f"no answer for {STALL_SECONDS:g} s") from error
        raise _AddressError(str(error.reason)) from error
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise _AddressError(f"{type(error).__name__}: {error}") from error


def _length(stored: BinaryIO) -> int:
    return stored.seek(0, os.SEEK_END)


def _mega(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
