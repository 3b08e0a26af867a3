"""Files that a training writes: tables in CSV, and whether there is a folder for one."""

import csv
import errno
import io
import os
from collections.abc import Iterable, Sequence
from os import PathLike

from .._files import write_atomic


def check_folder(path: str | PathLike[str], what: str = "") -> None:
    """Raise FileNotFoundError if the folder of a file is not there: better now than after an epoch."""
    folder = os.path.dirname(os.fspath(path))
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, f"{what}there is no folder for it", os.fspath(path))


def table(rows: Iterable[Sequence[object]]) -> bytes:
    """Return the lines of a CSV file, numbers in full precision."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def write_table(path: str | PathLike[str], headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file; an older one is replaced, see `write_atomic`."""
    write_atomic(path, table([headings, *rows]))
