"""Tell what differs between two folders of wheels and source distributions: ``same.py FOLDER FOLDER``."""

import hashlib
import sys
import tarfile
import zipfile
from pathlib import Path


def members(path):
    """Return {name: bytes} of the files in an archive."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(path) as archive:
        return {each.name: archive.extractfile(each).read() for each in archive if each.isfile()}


def differences(one, other):
    """Return lines that say in what two archives of one name differ; none if they have the same bytes."""
    if one.read_bytes() == other.read_bytes():
        return []
    first, second = members(one), members(other)
    lines = [f"{one.name}: {name} is in one only" for name in sorted(first.keys() ^ second.keys())]
    lines += [
        f"{one.name}: {name} differs"
        for name in sorted(first.keys() & second.keys())
        if first[name] != second[name]
    ]
    return lines or [f"{one.name}: order, times or modes of the files differ"]


def compare(one, other):
    """Return the lines of all archives in two folders."""
    names = [{path.name for path in folder.iterdir()} for folder in (one, other)]
    lines = [f"{name} is in one folder only" for name in sorted(names[0] ^ names[1])]
    for name in sorted(names[0] & names[1]):
        lines += differences(one / name, other / name)
    return lines


if __name__ == "__main__":
    folder, other_folder = map(Path, sys.argv[1:])
    found = compare(folder, other_folder)
    for archive in sorted(folder.iterdir()):
        print(hashlib.sha256(archive.read_bytes()).hexdigest(), archive.name)
    sys.exit("\n".join(found) or None)
