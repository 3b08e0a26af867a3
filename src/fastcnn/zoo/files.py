"""Files of networks: never trusted, never larger than a network can be."""

from __future__ import annotations

import codecs
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any

from ..errors import DataError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MOST_BYTES = 3 * 2**20  # of a recipe or a network
# A TOML file may take its reader time that grows with the square of its size: long dotted keys do.
_MOST_SECONDS = 0.5
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: str | PathLike[str], most: int = MOST_BYTES) -> tuple[str, str]:
    """Return the text of a file, and its path as messages show it.

    Raises
    ------
    DataError
        If the file cannot be read, has more than `most` bytes, or is not UTF-8.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise DataError(f"{name}: has more than {most // 2**20} MiB, which no such file needs")
    try:
        # Editors on Windows put a byte-order mark before the text.
        return content.decode("utf-8-sig"), name
    except UnicodeDecodeError as error:
        cure = "; it looks like UTF-16: save it as UTF-8" if content[:2] in _UTF_16 else ""
        raise DataError(
            f"{name}: not a text file (UTF-8): {error.reason} at byte {error.start}{cure}"
        ) from error


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises
    ------
    DataError
        If it is none, or one that takes too long to read.
    """
    try:
        with _limited():
            return tomllib.loads(text)
    except TimeoutError:
        raise DataError(
            f"{source}: takes more than {_MOST_SECONDS} s to read, which no recipe or network does"
        ) from None
    except RecursionError:
        raise DataError(f"{source}: not a TOML file: brackets are nested too deep") from None
    except ValueError as error:  # TOMLDecodeError, and integers with thousands of digits
        raise DataError(f"{source}: not a TOML file: {error}") from error


@contextmanager
def _limited() -> Iterator[None]:
    """Raise TimeoutError in what runs in this thread, and is written in Python, after a time of computing."""
    if sys.gettrace() is not None:  # a debugger's, or that of a measurement of coverage
        yield
        return
    end, calls = time.thread_time() + _MOST_SECONDS, 0

    def look(*_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls % 256 == 0 and time.thread_time() > end:
            raise TimeoutError

    sys.settrace(look)  # called when a function is
    try:
        yield
    finally:
        sys.settrace(None)
