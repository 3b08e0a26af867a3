"""Writing a file so that at no moment there is half of one under its name."""

import contextlib
import csv
import io
import os
import secrets
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path


def write_atomic(path: str | PathLike[str], content: bytes) -> None:
    """Write `content` to `path`: to a temporary file beside it first, which then takes its name.

    Whatever goes wrong, an older file of that name stays as it was. A symbolic link is followed.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:64]}.{secrets.token_hex(4)}.tmp")
    try:
        # Not tempfile: its files can be read by their owner only, and would stay so.
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_table(path: str | PathLike[str], headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file, numbers in full precision; an older file is replaced, see `write_atomic`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(rows)
    write_atomic(path, text.getvalue().encode())
