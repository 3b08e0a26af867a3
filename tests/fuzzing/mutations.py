"""Inputs at random, from good ones."""

import numpy as np

# What lies around limits of numbers and of formats.
_PIECES = [
    b"\0",
    b"\xff",
    b"\x80",
    b"\x7f\xff\xff\xff",
    b"\xff" * 8,
    b"\0" * 8,
    b"[",
    b"{",
    b'"',
    b"\n",
    b".",
    b"=",
]
_PIECES += [b"-1", b"1e999", b"nan", b"9" * 30, b"true", b"null", b"'", b"\\", b"#", b",", b"$array", b"\r\n"]


def mutated(seeds: list[bytes], rng: np.random.Generator) -> bytes:
    """Return one of the seeds with a few changes."""
    data = bytearray(seeds[rng.integers(len(seeds))])
    for _ in range(1 + rng.integers(4)):
        place = int(rng.integers(len(data) + 1))
        length = int(rng.integers(1, 9))
        kind = rng.integers(6)
        if kind == 0 and data:
            data[place % len(data)] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[place : place + length] = rng.bytes(length)
        elif kind == 2:
            data[place:place] = _PIECES[rng.integers(len(_PIECES))]
        elif kind == 3:
            del data[place : place + length**2]
        elif kind == 4:
            data[place:place] = data[place : place + length**2] * int(rng.integers(1, 5))
        else:
            piece = _PIECES[rng.integers(len(_PIECES))]
            data[place : place + len(piece)] = piece
    return bytes(data)
