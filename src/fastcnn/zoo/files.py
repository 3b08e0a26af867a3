"""Files of networks: never trusted, never larger than a network can be."""

from __future__ import annotations

import codecs
import os
import sys
from os import PathLike
from typing import Any

from ..errors import DataError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MOST_BYTES = 2**22
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: str | PathLike[str]) -> tuple[str, str]:
    """Return the text of a file, and its path as messages show it.

    Raises
    ------
    DataError
        If the file cannot be read, has more than 4 MiB, or is not UTF-8.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise DataError(f"{name}: has more than {_MOST_BYTES // 2**20} MiB, which no recipe or network needs")
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
        If it is none.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise DataError(f"{source}: not a TOML file: brackets are nested too deep") from None
    except ValueError as error:  # TOMLDecodeError, and integers with thousands of digits
        raise DataError(f"{source}: not a TOML file: {error}") from error
