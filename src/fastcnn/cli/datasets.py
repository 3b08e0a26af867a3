"""``fastcnn datasets``."""

from __future__ import annotations

import argparse

from .. import data
from ..data.cache import folder_of, is_cached


def run(args: argparse.Namespace) -> int:
    """List, download or compare data sets; return the exit code."""
    if args.action == "download":
        return _download(args.name, args.data)
    if args.action == "verify":
        return _verify(args.name, args.data)
    return _list()


def _list() -> int:
    rows = [("name", "images", "training", "test", "download", "where")]
    for name, source in data.catalog.SOURCES.items():
        if source.scenes_of:
            where = f"made of {source.scenes_of}"
        elif not source.files:
            where = "in the package"
        else:
            where = folder_of(source) if is_cached(source) else "not downloaded"
        rows.append(
            (
                name,
                "x".join(map(str, source.image_shape)),
                f"{source.train:,}",
                f"{source.test:,}",
                f"{source.size / 1e6:.1f} MB" if source.size else "none",
                where,
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, "<<>>><", strict=True)
        print("  ".join(f"{cell:{side}{width}}" for cell, width, side in cells).rstrip())
    print(f"\ncache: {data.cache_folder()} (set FASTCNN_DATA for another)")
    return 0


def _download(name: str, folder: str | None) -> int:
    paths = data.fetch(name, folder)
    for path in paths:
        print(path)
    if not paths:
        print(f"{name} is in the package: there is nothing to download")
    return 0


def _verify(name: str, folder: str | None) -> int:
    states = data.verify(name, folder)
    for path, state in states.items():
        print(f"{state:<7}  {path}")
    if set(states.values()) - {"right"}:
        return 1
    # Also what the files hold; of a data set in the package this compares the SHA-256.
    for part in data.load(name, root=folder):
        print(f"right    {part}")
    return 0
