"""Images brought to another size, whole or in part."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .._kernels import augment
from .._shapes import allocate, pair
from ..errors import ArgumentError
from ._arguments import interval
from .gathering import gather
from .inputs import check_images
from .joined import Moving
from .maps import Move, nearest_rows

INTERPOLATIONS = ("bilinear", "area")
# Boxes that RandomResizedCrop tries for an image before it takes the largest in the middle.
_TRIES = 10


def resized(
    images: np.ndarray,
    boxes: np.ndarray,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    antialias: bool = True,
) -> np.ndarray:
    """Return the boxes of images (N, C, H, W), int64 (N, 4) of top, left, height, width, in another size."""
    method = augment.TRIANGLE if antialias else augment.TWO_TAPS
    if interpolation == "area":
        method = augment.MEAN
    result = allocate((*images.shape[:2], *size), images.dtype, "the resized images")
    if len(images):
        kernel = augment.resize_u8 if images.dtype == np.uint8 else augment.resize
        kernel(result, np.ascontiguousarray(images), np.ascontiguousarray(boxes, np.int64), method)
    return result


def whole(images: np.ndarray) -> np.ndarray:
    """Return the box of each whole image."""
    return np.tile(np.array([0, 0, *images.shape[2:]]), (len(images), 1))


def largest_box(height: int, width: int, ratio: float) -> tuple[int, int, int, int]:
    """Return the largest box in the middle of an image with about that ratio of width to height."""
    rows, columns = height, width
    if width > height * ratio:
        columns = min(width, max(1, round(height * ratio)))
    else:
        rows = min(height, max(1, round(width / ratio)))
    return (height - rows) // 2, (width - columns) // 2, rows, columns


def check_interpolation(interpolation: object, antialias: object, what: str) -> None:
    """Refuse what is no way to resize; `what` opens the error."""
    if not isinstance(interpolation, str) or interpolation not in INTERPOLATIONS:
        raise ArgumentError(
            f"{what}: interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}"
        )
    if not isinstance(antialias, bool):
        raise ArgumentError(f"{what}: antialias must be True or False, got {antialias!r}")


class _Resizing(Moving):
    """A transform that brings boxes of images to another size."""

    interpolation: str
    antialias: bool

    def _resized(
        self, images: np.ndarray, boxes: np.ndarray, size: tuple[int, int]
    ) -> tuple[np.ndarray, Move]:
        """Return the boxes in their new size, and what does so with those of maps."""

        def move(maps: np.ndarray, fill: float, nearest: bool) -> np.ndarray:
            if nearest:
                return gather(maps, *nearest_rows(boxes, size))
            return resized(maps, boxes, size, self.interpolation, self.antialias)

        return resized(images, boxes, size, self.interpolation, self.antialias), move


class Resize(_Resizing):
    """Bring all images to another size.

    Parameters
    ----------
    size : int or (height, width)
        An integer is the shorter side; the ratio of the sides stays.
    interpolation : {"bilinear", "area"}
        "area" is the mean of what a pixel covers, to whole pixels: adaptive average pooling.
    antialias : bool
        Of "bilinear": widen the filter where an image shrinks, so that all of its pixels count, as Pillow and
        torchvision do. With False the two nearest along each axis count, whatever lies between.

    Notes
    -----
    Values are those of ``torch.nn.functional.interpolate``; bytes are rounded once, to nearest, which in
    PyTorch and Pillow happens after each axis.
    """

    def __init__(self, size: object, interpolation: str = "bilinear", antialias: bool = True) -> None:
        numbers = pair(size, "Resize: size", 1)
        two = isinstance(size, Sequence | np.ndarray) and np.size(size) == 2
        self.size: int | tuple[int, int] = numbers if two else numbers[0]
        check_interpolation(interpolation, antialias, "Resize")
        self.interpolation = interpolation
        self.antialias = antialias

    def __call__(self, images: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Return the batch in its new size; `rng` is not used."""
        return self.paired(images, rng)[0]

    def paired(self, images: np.ndarray, rng: np.random.Generator | None = None) -> tuple[np.ndarray, Move]:
        """Return the batch in its new size, and what brings maps to it."""
        images = check_images(images, "Resize: images")
        return self._resized(images, whole(images), self.output_size(*images.shape[2:]))

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of what becomes of images of a size."""
        if not isinstance(self.size, int):
            return self.size
        longer = int(self.size * max(height, width) / min(height, width))
        return (self.size, longer) if height <= width else (longer, self.size)

    def cropped(self, images: np.ndarray) -> np.ndarray:
        """Return the batch in its new size, and if that is one of the shorter side, the square in its middle.

        That is torchvision's Resize(size) followed by its CenterCrop(size).
        """
        return self._middle(self(images))

    def cropped_maps(self, maps: np.ndarray) -> np.ndarray:
        """Return maps of classes as `cropped` returns their images: of each pixel the nearest."""
        size = self.output_size(*maps.shape[2:])
        return self._middle(gather(maps, *nearest_rows(whole(maps), size)))

    def _middle(self, images: np.ndarray) -> np.ndarray:
        if not isinstance(self.size, int):
            return images
        top, left = self.corner(*images.shape[2:])
        return images[:, :, top : top + self.size, left : left + self.size]

    def corner(self, height: int, width: int) -> tuple[int, int]:
        """Return where the square begins that `cropped` cuts out of resized images; (0, 0): there is none."""
        if not isinstance(self.size, int):
            return 0, 0
        return round((height - self.size) / 2), round((width - self.size) / 2)


def check_resize(size: object, what: str) -> Resize:
    """Return what brings pictures to a size; `what` opens the error."""
    pair(size, what, 1)
    return Resize(size)


class RandomResizedCrop(_Resizing):
    """Cut a random box out of each image and bring it to `size`.

    The box has an area of ``scale`` times the image's and a ratio of width to height drawn uniformly in its
    logarithm; one that does not fit is drawn again, up to ten times, and then the largest in the middle with
    a ratio in the range is taken, as in torchvision's transform of the same name.

    Parameters
    ----------
    size : int or (height, width)
    scale : (float, float)
        Range of the area, as a fraction of the image's, 0 to 1.
    ratio : (float, float)
        Range of width / height, above 0.
    interpolation, antialias
        As in `Resize`.
    """

    def __init__(
        self,
        size: object,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: str = "bilinear",
        antialias: bool = True,
    ) -> None:
        self.size = pair(size, "RandomResizedCrop: size", 1)
        self.scale = interval(scale, "RandomResizedCrop: scale", 0, 1)
        self.ratio = interval(ratio, "RandomResizedCrop: ratio", 1e-6, 1e6)
        check_interpolation(interpolation, antialias, "RandomResizedCrop")
        self.interpolation = interpolation
        self.antialias = antialias

    def boxes(self, count: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `count` boxes, int64 (count, 4): top, left, height, width."""
        tries = (_TRIES, count)
        area = height * width * rng.uniform(*self.scale, tries)
        ratio = np.exp(rng.uniform(math.log(self.ratio[0]), math.log(self.ratio[1]), tries))
        sizes = np.rint(np.stack([np.sqrt(area / ratio), np.sqrt(area * ratio)])).astype(np.int64)
        limits = np.array([[height], [width]])
        fits = ((sizes > 0) & (sizes <= limits[:, :, None])).all(0)
        chosen = sizes[:, fits.argmax(0), np.arange(count)]
        nearest = min(max(width / height, self.ratio[0]), self.ratio[1])
        top, left, rows, columns = largest_box(height, width, nearest)
        found = fits.any(0)
        chosen = np.where(found, chosen, np.array([[rows], [columns]]))
        places = rng.integers(0, limits - chosen + 1)
        places = np.where(found, places, np.array([[top], [left]]))
        return np.concatenate([places, chosen]).T

    def paired(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Move]:
        """Return the boxes, (N, C, *size), and what cuts those of maps."""
        images = self._check(images, rng)
        count, _, height, width = images.shape
        return self._resized(images, self.boxes(count, height, width, rng), self.size)
