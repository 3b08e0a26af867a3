"""Rotations, shifts and other affine maps of whole batches, with bilinear interpolation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._kernels import augment
from .._shapes import allocate
from ..errors import SizeError
from ._arguments import interval, per_channel, real, reals, two
from .joined import Moving
from .maps import Move, nearest_affine

# The kernels count the pixels of a plane in 32 bits.
_MAX_PLANE = 2**31 - 1


def angles(degrees: float | Sequence[float], what: str) -> tuple[float, float]:
    """Return a range of angles; d stands for (-d, d)."""
    if isinstance(degrees, Sequence | np.ndarray) and not isinstance(degrees, str):
        return interval(degrees, what)
    largest = real(degrees, what, 0)
    return -largest, largest


def rotations(
    degrees: np.ndarray,
    height: int,
    width: int,
    shift_x: float | np.ndarray = 0.0,
    shift_y: float | np.ndarray = 0.0,
    scale: float | np.ndarray = 1.0,
) -> np.ndarray:
    """Return the maps from output to input, float64 (N, 6), that turn images clockwise about their centre.

    A row m says where the output pixel (row i, column j) comes from: column ``m[0] j + m[1] i + m[2]``,
    row ``m[3] j + m[4] i + m[5]``.
    """
    angle = np.radians(degrees)
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    from_x, from_y = centre_x + shift_x, centre_y + shift_y
    offset_x = centre_x - (cos * from_x + sin * from_y)
    offset_y = centre_y - (cos * from_y - sin * from_x)
    return np.stack([cos, sin, offset_x, -sin, cos, offset_y], axis=1)


def moved(images: np.ndarray, matrices: np.ndarray, fill: tuple[float, ...], what: str) -> np.ndarray:
    """Return the batch, each image moved by its row of `matrices`, see `rotations`; `fill` lies around it."""
    count, channels, height, width = images.shape
    if (height + 3) * (width + 3) > _MAX_PLANE:
        raise SizeError(f"{what}: images of {height}x{width} have too many pixels for it")
    values = per_channel(fill, channels, images.dtype, f"{what}: fill")
    result = allocate(images.shape, images.dtype, f"{what}: the result")
    if count:
        kernel = augment.affine_u8 if images.dtype == np.uint8 else augment.affine
        kernel(result, np.ascontiguousarray(images), matrices, values)
    return result


def moving(matrices: np.ndarray, what: str) -> Move:
    """Return what moves maps by rows of `matrices`; `what` opens the message of an error."""

    def move(maps: np.ndarray, fill: float, nearest: bool) -> np.ndarray:
        return nearest_affine(maps, matrices, fill) if nearest else moved(maps, matrices, (fill,), what)

    return move


class RandomAffine(Moving):
    """Rotate, shift and scale each image about its centre, with bilinear interpolation.

    The output pixel at ``p`` shows the input at ``R(-angle) (p - centre - shift) / scale + centre``; what
    lies outside the input has the value `fill`. A positive angle turns clockwise, and shifts are whole
    pixels, as in torchvision's transform of the same name.

    Parameters
    ----------
    degrees : float or (float, float)
        Range of the angle; d stands for (-d, d).
    translate : (float, float), optional
        Largest horizontal and vertical shift, as fractions of the width and height, 0 to 1.
    scale : (float, float), optional
        Range of the scale, above 0.
    fill : float or sequence of C floats
        In the units of the images.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        fill: float | Sequence[float] = 0,
    ) -> None:
        self.degrees = angles(degrees, "RandomAffine: degrees")
        self.translate = None if translate is None else two(translate, "RandomAffine: translate", 0, 1)
        # Below this a pixel would show a place further away than its coordinates can tell.
        self.scale = None if scale is None else interval(scale, "RandomAffine: scale", 1e-6, 1e6)
        self.fill = reals(fill, "RandomAffine: fill")

    def matrices(self, count: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `count` maps from output to input, float64 (count, 6), for images of that size.

        A row m says where the output pixel (row i, column j) comes from: column ``m[0] j + m[1] i + m[2]``,
        row ``m[3] j + m[4] i + m[5]``.
        """
        angle = rng.uniform(*self.degrees, count)
        shift_x = shift_y = np.zeros(count)
        if self.translate is not None:
            reach_x, reach_y = self.translate[0] * width, self.translate[1] * height
            shift_x = np.rint(rng.uniform(-reach_x, reach_x, count))
            shift_y = np.rint(rng.uniform(-reach_y, reach_y, count))
        scale = np.ones(count) if self.scale is None else rng.uniform(*self.scale, count)
        return rotations(angle, height, width, shift_x, shift_y, scale)

    def paired(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Move]:
        """Return the batch, each image moved by a map of its own, and what moves targets of pixels so."""
        images = self._check(images, rng)
        count, _, height, width = images.shape
        matrices = self.matrices(count, height, width, rng)
        return moved(images, matrices, self.fill, "RandomAffine"), moving(matrices, "RandomAffine")


class RandomRotation(Moving):
    """Rotate each image about its centre, with bilinear interpolation.

    A positive angle turns anticlockwise, as in torchvision's transform of the same name, whose default
    interpolation is that of the nearest pixel. Images keep their size: what leaves it is lost.

    Parameters
    ----------
    degrees : float or (float, float)
        Range of the angle; d stands for (-d, d).
    fill : float or sequence of C floats
        What lies outside of the image, in the units of the images.
    """

    def __init__(self, degrees: float | Sequence[float], fill: float | Sequence[float] = 0) -> None:
        self.degrees = angles(degrees, "RandomRotation: degrees")
        self.fill = reals(fill, "RandomRotation: fill")

    def paired(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Move]:
        """Return the batch, each image turned by an angle of its own, and what turns targets of pixels so."""
        images = self._check(images, rng)
        count, _, height, width = images.shape
        low, high = self.degrees
        turns = rotations(np.negative(rng.uniform(low, high, count)), height, width)
        return moved(images, turns, self.fill, "RandomRotation"), moving(turns, "RandomRotation")
