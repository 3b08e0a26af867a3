"""Operations that make each pixel by itself, cut into bands of pixels that threads share, or of channels.

Products are cut by who writes them (`nodes/multiply.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from .signatures import Signature

_BY_PIXEL = {"apply", "copy", "multiply", "divide", "affine", "max_pool", "resample"}
# Of so many numbers, a band takes as long as threads need to find each other.
_LARGE = 32768


def cut_into_bands(
    signature: Signature, arguments: Mapping[str, Any], lanes: int, bands: int
) -> list[dict[str, Any]]:
    """Return the arguments of each band of an operation, none if it is not cut.

    What draws numbers, or leaves the number of a tap, counts the pixels of the whole. Means over large
    windows are cut by channels.
    """
    if signature.name == "avg_pool":
        return _bands_of_channels(arguments, lanes, bands)
    if signature.name not in _BY_PIXEL or arguments.get("dropout") or arguments.get("argmax") is not None:
        return []
    pixels, channels = arguments["pixels"], arguments.get("channels") or arguments["vectors"] * lanes
    if pixels * channels < _LARGE:
        return []
    ends = [pixels * i // bands for i in range(bands + 1)]
    return [_some_pixels(signature, arguments, ends[i], ends[i + 1]) for i in range(bands)]


def _bands_of_channels(arguments: Mapping[str, Any], lanes: int, bands: int) -> list[dict[str, Any]]:
    vectors = arguments["vectors"]
    if len(arguments["taps"]) * vectors * lanes < _LARGE:
        return []
    ends = [vectors * i // bands for i in range(bands + 1)]
    return [
        {
            **arguments,
            "z_at": arguments["z_at"] + np.int32(first * lanes),
            "taps": arguments["taps"] + np.int32(first * lanes),
            "vectors": last - first,
        }
        for first, last in pairwise(ends)
        if last > first
    ]


def _some_pixels(signature: Signature, arguments: Mapping[str, Any], first: int, last: int) -> dict[str, Any]:
    """Return the arguments for some of the pixels: their rows of the tables, with their taps."""
    some = {**arguments, "pixels": last - first}
    for table in signature.tables:
        entries = arguments[table.name]
        if table.details[0] != "pixels" or entries is None:
            continue
        if table.kind == "STARTS":
            ends = entries[first : last + 1]
            some[table.name] = ends - ends[0]
            for name in (table.details[1], "weight"):  # both have an entry for each tap
                if arguments.get(name) is not None:
                    some[name] = arguments[name][ends[0] : ends[-1]]
        else:
            some[table.name] = entries[first:last]
    return some
