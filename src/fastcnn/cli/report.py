"""``fastcnn report``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import DataError
from ..recipes.report import REPORT, can_draw, write_report
from ..recipes.results import Results


def run(args: argparse.Namespace) -> int:
    """Write the report of a run, and say what it lacks; return the exit code."""
    folder = Path(args.folder)
    results = Results.read(folder)
    try:
        write_report(results, folder)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror}") from error
    print(
        f"written   {folder / REPORT}"
        + ("" if can_draw() else ' (pictures need: pip install "fastcnn[plots]")')
    )
    for name, why in results.missing.items():
        print(f"missing   {name}: {why}")
    return 0
