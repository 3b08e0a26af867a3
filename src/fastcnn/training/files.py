"""Tables in CSV files."""

import csv
import io
from collections.abc import Iterable, Sequence
from os import PathLike

from .._files import write_atomic


def table(rows: Iterable[Sequence[object]]) -> bytes:
    """Return the lines of a CSV file, numbers in full precision."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def write_table(path: str | PathLike[str], headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file; an older one is replaced, see `write_atomic`."""
    write_atomic(path, table([headings, *rows]))
