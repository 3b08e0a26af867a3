"""Random changes of colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._kernels import augment
from .._shapes import allocate
from ..errors import ArgumentError, ShapeError
from ._arguments import interval, real
from .joined import Transform

# How far a float may lie beyond black and white: what rounding makes.
_BEYOND = 1e-3
# An operation of the kernels by its name.
NUMBERS = {name: number for number, name in enumerate(augment.ADJUSTMENTS)}


def check_colours(images: np.ndarray, what: str) -> np.ndarray:
    """Return images if they have one channel or three and, as floats, lie from 0 to 1."""
    if images.shape[1] not in (1, 3):
        raise ShapeError(
            f"{what}: images must have 1 channel (grey) or 3 (red, green, blue), got {images.shape[1]}"
        )
    if images.dtype != np.uint8 and images.size:
        low, high = float(images.min()), float(images.max())
        if not (low >= -_BEYOND and high <= 1 + _BEYOND):  # NaN is refused too
            raise ArgumentError(f"{what}: float32 images must lie from 0 to 1, got {low:g} to {high:g}")
    return images


def adjusted(images: np.ndarray, operations: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the batch, the colours of each image changed by its row of operations and their values.

    Parameters
    ----------
    images : uint8 or float32 (N, C, H, W)
    operations : int (N, count)
        Among `NUMBERS`.
    values : float (N, count)
    """
    result = allocate(images.shape, images.dtype, "the adjusted images")
    if len(images):
        kernel = augment.adjust_u8 if images.dtype == np.uint8 else augment.adjust
        kernel(
            result,
            np.ascontiguousarray(images),
            np.ascontiguousarray(operations, np.int32),
            np.ascontiguousarray(values, np.float64),
        )
    return result


class ColorJitter(Transform):
    """Change brightness, contrast, saturation and hue of each image by random factors, in random order.

    With a factor f an image x becomes ``d + f (x - d)``, where d is black for the brightness, the mean of its
    grey image for the contrast, and its grey image for the saturation; the hue moves by f of a whole turn.
    Values are limited to black and white after each, and bytes rounded to nearest (torchvision, whose
    transform this is otherwise, rounds down). Grey images have no saturation and hue.

    Parameters
    ----------
    brightness, contrast, saturation : float or (float, float)
        Range of the factor; b stands for ``(max(0, 1 - b), 1 + b)``. Default: 0, no change.
    hue : float or (float, float)
        Range of the turn, between -0.5 and 0.5; h stands for (-h, h).
    """

    def __init__(
        self,
        brightness: float | Sequence[float] = 0,
        contrast: float | Sequence[float] = 0,
        saturation: float | Sequence[float] = 0,
        hue: float | Sequence[float] = 0,
    ) -> None:
        self.brightness = _factors(brightness, "ColorJitter: brightness")
        self.contrast = _factors(contrast, "ColorJitter: contrast")
        self.saturation = _factors(saturation, "ColorJitter: saturation")
        if _is_range(hue):
            self.hue = interval(hue, "ColorJitter: hue", -0.5, 0.5)
        else:
            largest = real(hue, "ColorJitter: hue", 0, 0.5)
            self.hue = (-largest, largest)

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the batch with other colours; float32 images lie from 0 to 1."""
        images = check_colours(self._check(images, rng), "ColorJitter")
        steps = [(name, getattr(self, name)) for name in ("brightness", "contrast", "saturation", "hue")]
        drawn = [
            (NUMBERS[name], rng.uniform(low, high, len(images)))
            for name, (low, high) in steps
            if (low, high) != ((0.0, 0.0) if name == "hue" else (1.0, 1.0))
        ]
        if not drawn:
            return images.copy(order="C")
        operations = np.tile(np.array([number for number, _ in drawn]), (len(images), 1))
        values = np.stack([factors for _, factors in drawn], axis=1)
        order = rng.random(operations.shape).argsort(axis=1)
        return adjusted(
            images, np.take_along_axis(operations, order, 1), np.take_along_axis(values, order, 1)
        )


class RandomGrayscale(Transform):
    """Make each image grey with probability `p`: ``0.299 R + 0.587 G + 0.114 B`` in all its channels.

    Parameters
    ----------
    p : float
    """

    def __init__(self, p: float = 0.1) -> None:
        self.p = real(p, "RandomGrayscale: p", 0, 1)

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the batch with some images grey; float32 images lie from 0 to 1."""
        images = check_colours(self._check(images, rng), "RandomGrayscale")
        chosen = (rng.random(len(images)) < self.p)[:, None]
        return adjusted(images, np.where(chosen, NUMBERS["grey"], NUMBERS["nothing"]), np.zeros(chosen.shape))


def _is_range(value: object) -> bool:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)


def _factors(value: float | Sequence[float], what: str) -> tuple[float, float]:
    if _is_range(value):
        return interval(value, what, 0)
    width = real(value, what, 0)
    return max(0.0, 1.0 - width), 1.0 + width
