"""Normalisation by what the training images are like: their mean and deviation, or their mean image.

`Standardize` and `SubtractMeanImage` say what to do; their ``fit(images)`` returns the transform for those
images. Fit them to the training part alone: validation and test images must not take part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import real
from .inputs import check_images
from .transforms import Normalize, Transform

# Images whose float64 copies are in memory at a time.
_CHUNK = 1024


def _check(images: object, name: str) -> np.ndarray:
    checked = check_images(images, f"{name}: images")
    if len(checked) == 0:
        raise ArgumentError(f"{name}: there is no image to take statistics of")
    return checked


def _unit(images: np.ndarray) -> float:
    """Return the value that stands for white = 1."""
    return 255.0 if images.dtype == np.uint8 else 1.0


class Standardize:
    """Give each channel mean 0 and standard deviation 1 over all training images."""

    def fit(self, images: np.ndarray) -> Normalize:
        """Return the transform for training images (N, C, H, W).

        Raises
        ------
        ArgumentError
            If a channel has the same value everywhere.
        """
        images = _check(images, "Standardize")
        unit, axes = _unit(images), (0, 2, 3)
        mean = images.mean(axes, dtype=np.float64)
        # A second pass around the mean, in pieces: nothing cancels, and no float copy of the set exists.
        squares = np.zeros(len(mean))
        for start in range(0, len(images), _CHUNK):
            squares += np.square(images[start : start + _CHUNK] - mean[:, None, None]).sum(axes)
        std = np.sqrt(squares / (images.size / len(mean)))
        if not std.all():
            raise ArgumentError("Standardize: a channel has the same value in all images")
        return Normalize([float(each) for each in mean / unit], [float(each) for each in std / unit])


class SubtractMeanImage:
    """Subtract the mean of all training images, pixel by pixel, then divide by `std`.

    Parameters
    ----------
    std : float
        Above 0, in units of white = 1; ``1 / 255`` leaves bytes in their own units.
    """

    def __init__(self, std: float = 1.0) -> None:
        self.std = real(std, "SubtractMeanImage: std")
        if self.std <= 0:
            raise ArgumentError(f"SubtractMeanImage: std must be above 0, got {std!r}")

    def fit(self, images: np.ndarray) -> MeanImage:
        """Return the transform for training images (N, C, H, W)."""
        images = _check(images, "SubtractMeanImage")
        mean = images.mean(0, dtype=np.float64) / _unit(images)
        # Short decimals, since they are written into files of weights; a byte is 4,000 times as much.
        return MeanImage(mean.round(6), self.std)


class MeanImage(Transform):
    """``(x / 255 - image) / std`` of uint8 images, ``(x - image) / std`` of float32 images; float32.

    Parameters
    ----------
    image : array_like (C, H, W)
        In units of white = 1.
    std : float
        Above 0, in the same units.
    """

    def __init__(self, image: np.ndarray | Sequence, std: float = 1.0) -> None:
        try:
            self.image = np.array(image, np.float64)
        except (TypeError, ValueError) as error:
            raise DTypeError(f"MeanImage: image must be numbers (C, H, W): {error}") from error
        if self.image.ndim != 3 or not np.isfinite(self.image).all():
            raise ShapeError(f"MeanImage: image must be finite (C, H, W), got the shape {self.image.shape}")
        self.std = real(std, "MeanImage: std")
        if self.std <= 0:
            raise ArgumentError(f"MeanImage: std must be above 0, got {std!r}")
        self._offset = (self.image / self.std).astype(np.float32)

    def __call__(self, images: np.ndarray, rng: object = None) -> np.ndarray:
        """Return the batch without the image; `rng` is not used."""
        images = check_images(images, "MeanImage: images")
        if images.shape[1:] != self.image.shape:
            raise ShapeError(
                f"MeanImage: images are {images.shape[1:]}, but the mean image is {self.image.shape}"
            )
        result = np.multiply(images, np.float32(1 / (_unit(images) * self.std)), dtype=np.float32)
        result -= self._offset
        return result
