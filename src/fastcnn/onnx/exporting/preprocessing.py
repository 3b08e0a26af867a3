"""What is done to images before a network, as nodes of an ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...errors import ArgumentError
from .writer import Writer

# How far numbers may be apart, as a share of them, that are the same but for rounding.
_NEAR = 1e-5


class Affine(NamedTuple):
    """y = x scale + offset, with numbers for all pixels, for channels or for each pixel.

    Attributes
    ----------
    dtype : dtype
        Of x.
    scale, offset : array
        That broadcast over (C, H, W).
    """

    dtype: np.dtype
    scale: np.ndarray
    offset: np.ndarray

    def write(self, w: Writer, x: str, element: int) -> str:
        """Write it, and return the name of y."""
        w.scope = "preprocess"
        if self.dtype != w.dtype:
            x = w.node("Cast", x, to=element)
        return w.node("Add", w.node("Mul", x, w.constant(self.scale)), w.constant(self.offset))


def affine(
    preprocess: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...], given: Any, dtype: np.dtype
) -> Affine:
    """Find out what a function does to images.

    Parameters
    ----------
    preprocess : callable
    shape : tuple of int
        Of what it makes of an image.
    given : {"uint8", "float32"}
        Type of the images that it takes.
    dtype : dtype
        Of the network.

    Raises
    ------
    ArgumentError
        If it is no scale and shift of each pixel.
    """
    what = "onnx.export: preprocess"
    try:
        kind = np.dtype(given)
    except TypeError:
        kind = np.dtype(object)
    if kind not in (np.uint8, np.float32):
        raise ArgumentError(f"onnx.export: input_dtype must be uint8 or float32, got {given!r}")
    white = 255 if kind == np.uint8 else 1
    rng = np.random.default_rng(0)
    images = np.zeros((4, *shape), kind)
    images[1] = white
    images[2:] = rng.integers(0, 256, (2, *shape)) * (white / 255)
    made = np.asarray(preprocess(images))
    if made.shape != images.shape:
        raise ArgumentError(f"{what} must keep the shape of images {images.shape}, it made {made.shape}")
    made = made.astype(np.float64)
    offset, scale = made[0], (made[1] - made[0]) / white
    wanted = images[2:] * scale + offset
    if not np.allclose(made[2:], wanted, _NEAR, _NEAR * max(np.abs(wanted).max(), 1e-30)):
        raise ArgumentError(f"{what} must be a scale and a shift of each pixel; it does something else")
    return Affine(kind, _few(scale, dtype), _few(offset, dtype))


def _few(numbers: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return one number for all pixels, or for each channel, where they are the same but for rounding."""
    near = _NEAR * np.abs(numbers).max()
    for axes in (tuple(range(numbers.ndim)), tuple(range(1, numbers.ndim))):
        if axes and (np.ptp(numbers, axis=axes) <= near).all():
            return np.median(numbers, axis=axes, keepdims=True).astype(dtype)
    return numbers.astype(dtype)
