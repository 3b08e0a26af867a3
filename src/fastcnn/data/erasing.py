"""Rectangles of images that are overwritten."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .._kernels import augment
from .._shapes import integer
from ._arguments import interval, per_channel, real, reals
from .joined import Moving
from .maps import Move

# Rectangles that RandomErasing tries for an image before it leaves it as it is.
_ERASING_TRIES = 10


def overwritten(images: np.ndarray, rectangles: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return images with `value` (C,) in rectangles, int64 (N, count, 4): top, left, height, width."""
    result = images.copy(order="C")
    if result.size and rectangles.size:
        kernel = augment.fill_rectangles_u8 if images.dtype == np.uint8 else augment.fill_rectangles
        kernel(result, np.ascontiguousarray(rectangles, np.int64), value)
    return result


def erasing(rectangles: np.ndarray) -> Move:
    """Return what takes classes of pixels away in rectangles; real targets there are still to be found."""

    def move(maps: np.ndarray, fill: float, nearest: bool) -> np.ndarray:
        return overwritten(maps, rectangles, np.array([fill], maps.dtype)) if nearest else maps

    return move


class RandomErasing(Moving):
    """Overwrite a random rectangle of each image with probability `p`.

    The rectangle has an area of ``scale`` times the image's and a ratio of height to width drawn
    uniformly in its logarithm; one that does not fit is drawn again, up to ten times, as in
    torchvision's transform of the same name.

    Parameters
    ----------
    p : float
    scale : (float, float)
        Range of the area, as a fraction of the image's, 0 to 1.
    ratio : (float, float)
        Range of height / width, above 0.
    value : float or sequence of C floats
        What to write, in the units of the images.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | Sequence[float] = 0,
    ) -> None:
        self.p = real(p, "RandomErasing: p", 0, 1)
        self.scale = interval(scale, "RandomErasing: scale", 0, 1)
        self.ratio = interval(ratio, "RandomErasing: ratio", 1e-6, 1e6)
        self.value = reals(value, "RandomErasing: value")

    def rectangles(self, count: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `count` rectangles, int64 (count, 4): top, left, height, width; 0 by 0 if none fitted."""
        tries = (_ERASING_TRIES, count)
        area = height * width * rng.uniform(*self.scale, tries)
        ratio = np.exp(rng.uniform(math.log(self.ratio[0]), math.log(self.ratio[1]), tries))
        sizes = np.rint(np.stack([np.sqrt(area * ratio), np.sqrt(area / ratio)])).astype(np.int64)
        fits = (sizes[0] < height) & (sizes[1] < width)
        # argmax finds the first try that fits; the product drops an image for which none does.
        chosen = sizes[:, fits.argmax(0), np.arange(count)] * fits.any(0)
        places = rng.integers(0, np.array([[height], [width]]) - chosen + 1)
        return np.concatenate([places, chosen]).T

    def paired(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Move]:
        """Return the batch with some rectangles overwritten, and what overwrites those of masks."""
        images = self._check(images, rng)
        count, channels, height, width = images.shape
        value = per_channel(self.value, channels, images.dtype, "RandomErasing: value")
        erased = np.flatnonzero(rng.random(count) < self.p)
        rectangles = np.zeros((count, 1, 4), np.int64)
        rectangles[erased, 0] = self.rectangles(len(erased), height, width, rng)
        return overwritten(images, rectangles, value), erasing(rectangles)


class Cutout(Moving):
    """Overwrite squares of each image with probability `p`.

    The middle of a square is drawn uniformly among the pixels, and what lies beyond the border is left out.

    Parameters
    ----------
    size : int
        Pixels of a side.
    holes : int
        Squares of an image.
    p : float
    value : float or sequence of C floats
        What to write, in the units of the images.

    References
    ----------
    DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.
    """

    def __init__(self, size: int, holes: int = 1, p: float = 1.0, value: float | Sequence[float] = 0) -> None:
        self.size = integer(size, "Cutout: size", 1)
        self.holes = integer(holes, "Cutout: holes", 1)
        self.p = real(p, "Cutout: p", 0, 1)
        self.value = reals(value, "Cutout: value")

    def rectangles(self, count: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the squares of `count` images, int64 (count, holes, 4): top, left, height, width."""
        limits = np.array([height, width])
        first = rng.integers(0, limits, (count, self.holes, 2)) - self.size // 2
        ends = np.minimum(first + self.size, limits)
        first = np.maximum(first, 0)
        return np.concatenate([first, ends - first], axis=2)

    def paired(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Move]:
        """Return the batch with some squares overwritten, and what overwrites those of masks."""
        images = self._check(images, rng)
        count, channels, height, width = images.shape
        value = per_channel(self.value, channels, images.dtype, "Cutout: value")
        chosen = np.asarray(rng.random(count) < self.p)
        rectangles = self.rectangles(count, height, width, rng)
        rectangles[~chosen] = 0
        return overwritten(images, rectangles, value), erasing(rectangles)
