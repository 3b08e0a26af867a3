"""The caches of a core, as the system tells them."""

from __future__ import annotations

import os

_FOLDER = "sys/devices/system/cpu/cpu0/cache"
# Where the system says nothing: sizes that such caches have at least.
_USUAL = {1: 32 << 10, 2: 256 << 10, 3: 4 << 20}
_UNITS = {"K": 10, "M": 20, "G": 30}


def sizes(root: str = "/") -> dict[int, int]:
    """Return the bytes of each level's cache of data, from the first level on."""
    folder, found = os.path.join(root, _FOLDER), {}
    try:
        for name in sorted(os.listdir(folder)):
            place = os.path.join(folder, name)
            if name.startswith("index") and _read(place, "type") != "Instruction":
                found[int(_read(place, "level"))] = _bytes(_read(place, "size"))
    except (OSError, ValueError):
        return dict(_USUAL)
    return dict(sorted(found.items())) or dict(_USUAL)


def _read(folder: str, name: str) -> str:
    with open(os.path.join(folder, name), encoding="ascii", errors="replace") as file:
        return file.read().strip()


def _bytes(text: str) -> int:
    """Return a size such as 512K, more than 0."""
    size = int(text.rstrip("KMG")) << _UNITS.get(text[-1:], 0)
    if size <= 0:
        raise ValueError(text)
    return size
