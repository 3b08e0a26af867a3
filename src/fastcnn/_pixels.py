"""Images as they are drawn: values from black to white, colours of classes, and files of pixels."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOUR = 0, 2  # kinds of PNG


def drawable(image: np.ndarray, limits: tuple[float, float] | None = None) -> np.ndarray:
    """Return an image (C, H, W) as it is drawn: (H, W) or (H, W, 3), from 0 to 1.

    Parameters
    ----------
    image : ndarray
    limits : (float, float), optional
        The values of black and white. Default: 0 and 255 of bytes, of others the smallest and the largest.
    """
    values = image.astype(np.float64)
    if limits is None:
        limits = (0.0, 255.0) if image.dtype == np.uint8 else (values.min(), values.max())
    low, high = limits
    values = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return np.moveaxis(values, 0, 2) if len(values) == 3 else values[0]


def colours_of(count: int) -> np.ndarray:
    """Return a colour for each class, float64 (count, 3): dark grey, then hues far from each other."""
    hues = (0.61803398875 * np.arange(count)) % 1.0
    sectors = np.stack([np.abs((6 * hues + shift) % 6 - 3) - 1 for shift in (0, 4, 2)], axis=1)
    shade = np.where(np.arange(count) % 2, 0.95, 0.72)[:, None]
    colours = shade * (0.25 + 0.75 * np.clip(sectors, 0, 1))
    if count:
        colours[0] = 0.2
    return colours


def to_png(pixels: np.ndarray) -> bytes:
    """Return values from 0 to 1, (H, W) or (H, W, 3), as a PNG of 8 bits; what is no number is black.

    W3C Recommendation "Portable Network Graphics (PNG) Specification (Second Edition)" (2003).
    """
    levels = np.rint(255 * np.nan_to_num(np.asarray(pixels, np.float64), nan=0.0)).clip(0, 255)
    rows = levels.astype(np.uint8).reshape(len(levels), -1)
    # Each row begins with the number of its filter: none.
    lines = np.pad(rows, ((0, 0), (1, 0))).tobytes()
    height, width = pixels.shape[:2]
    head = struct.pack(">2I5B", width, height, 8, _COLOUR if pixels.ndim == 3 else _GREY, 0, 0, 0)
    return _SIGNATURE + b"".join(
        _chunk(kind, data)
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
