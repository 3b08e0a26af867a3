"""Random choices among fourteen operations: RandAugment and TrivialAugment.

Each operation moves an image or changes its colours, as in torchvision's transforms of the same names, but
for this: images are moved with bilinear interpolation, where torchvision's default is the nearest pixel;
``Posterize``, ``AutoContrast`` and the factors of colour round bytes to nearest, where torchvision rounds
down; images have a fill of 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._shapes import integer
from ..errors import ArgumentError, DTypeError
from . import affine
from ._arguments import per_channel, reals
from .affine import moved, rotations
from .colour import NUMBERS, adjusted, check_colours
from .joined import Moving
from .maps import Move

# Which images have moved, and their maps from output to input.
_Moves = tuple[np.ndarray, np.ndarray]
# Operations that change colours, with the kernel's names; the factor of the first four is 1 + magnitude.
_FACTORS = {
    "Brightness": "brightness",
    "Color": "saturation",
    "Contrast": "contrast",
    "Sharpness": "sharpness",
}
_COLOURS = {
    **_FACTORS,
    "Posterize": "posterize",
    "Solarize": "solarize",
    "AutoContrast": "autocontrast",
    "Equalize": "equalize",
}
_MOVES = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
OPERATIONS = ("Identity", *_MOVES, *_COLOURS)
# Those whose magnitude is as often negative.
_SIGNED = {*_MOVES, *_FACTORS}
_WHITE = 255.0


class _Policy(Moving):
    """Operations drawn for each image."""

    num_magnitude_bins: int
    fill: tuple[float, ...]

    def _magnitudes(self, height: int, width: int) -> dict[str, np.ndarray]:
        """Return the magnitudes of each operation, weakest first, for images of a size."""
        raise NotImplementedError

    def _bytes(self, images: object, rng: object) -> np.ndarray:
        name = type(self).__name__
        checked = check_colours(self._check(images, rng), name)
        if checked.dtype != np.uint8:
            raise DTypeError(f"{name}: images must be uint8, got {checked.dtype}: augment before Normalize")
        per_channel(self.fill, checked.shape[1], checked.dtype, f"{name}: fill")
        return checked

    def _step(
        self,
        images: np.ndarray,
        numbers: np.ndarray,
        bins: np.ndarray,
        negative: np.ndarray,
        steps: list[_Moves] | None = None,
    ) -> np.ndarray:
        """Return the batch after one operation an image, by its place in `OPERATIONS`.

        What has moved is added to `steps`.
        """
        height, width = images.shape[2:]
        magnitudes = self._magnitudes(height, width)
        table = np.zeros((len(OPERATIONS), self.num_magnitude_bins))
        for row, name in zip(table, OPERATIONS, strict=True):
            row[:] = magnitudes.get(name, 0)
        strength = table[numbers, bins]
        signed = np.array([name in _SIGNED for name in OPERATIONS])[numbers]
        strength = np.where(signed & negative, -strength, strength)
        factor = np.array([name in _FACTORS for name in OPERATIONS])[numbers]
        kernel = np.array([NUMBERS[_COLOURS.get(name, "nothing")] for name in OPERATIONS])
        images = adjusted(images, kernel[numbers][:, None], (strength + factor)[:, None])
        moving = np.flatnonzero(np.array([name in _MOVES for name in OPERATIONS])[numbers])
        maps = np.tile(np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), (len(moving), 1))
        for name in _MOVES:
            chosen = numbers[moving] == OPERATIONS.index(name)
            maps[chosen] = _map(name, strength[moving][chosen], height, width)
        if len(moving):
            images[moving] = moved(images[moving], maps, self.fill, type(self).__name__)
        if steps is not None:
            steps.append((moving, maps))
        return images

    def _move(self, steps: Sequence[_Moves]) -> Move:
        """Return what moves maps as steps have moved the images."""

        def move(maps: np.ndarray, fill: float, nearest: bool) -> np.ndarray:
            maps = maps.copy()
            for rows, matrices in steps:
                maps[rows] = affine.moving(matrices, type(self).__name__)(maps[rows], fill, nearest)
            return maps

        return move


def _map(name: str, strength: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the maps from output to input of a move, (N, 6), see `rotations`."""
    if name == "Rotate":
        return rotations(-strength, height, width)
    maps = np.tile(np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), (len(strength), 1))
    if name == "ShearX":  # about the upper left corner, half a pixel from the middle of the first
        maps[:, 1], maps[:, 2] = strength, strength / 2
    elif name == "ShearY":
        maps[:, 3], maps[:, 5] = strength, strength / 2
    else:
        maps[:, 2 if name == "TranslateX" else 5] = -np.trunc(strength)
    return maps


def _posterized(bins: int, most: int) -> np.ndarray:
    """Return the bits that are kept: from all to `most` fewer."""
    return 8 - np.rint(np.arange(bins) / ((bins - 1) / most))


class RandAugment(_Policy):
    """Apply `num_ops` operations to each image, drawn among fourteen, with one strength.

    The operations are Identity, ShearX, ShearY, TranslateX, TranslateY, Rotate, Brightness, Color, Contrast,
    Sharpness, Posterize, Solarize, AutoContrast and Equalize; `fastcnn.data.policies` says how they differ
    from torchvision's. Images are bytes with one channel or three.

    Parameters
    ----------
    num_ops : int
    magnitude : int
        Place of the strength among `num_magnitude_bins`, from 0.
    num_magnitude_bins : int
        At least 2.
    fill : float or sequence of C floats
        What lies outside of an image that is moved.

    References
    ----------
    Cubuk, Zoph, Shlens and Le, "RandAugment: Practical automated data augmentation with a reduced search
    space", 2020.
    """

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        fill: float | Sequence[float] = 0,
    ) -> None:
        self.num_ops = integer(num_ops, "RandAugment: num_ops")
        self.num_magnitude_bins = integer(num_magnitude_bins, "RandAugment: num_magnitude_bins", 2)
        self.magnitude = integer(magnitude, "RandAugment: magnitude")
        if self.magnitude >= self.num_magnitude_bins:
            raise ArgumentError(
                f"RandAugment: magnitude must be below num_magnitude_bins={num_magnitude_bins}, "
                f"got {magnitude}"
            )
        self.fill = reals(fill, "RandAugment: fill")

    def _magnitudes(self, height: int, width: int) -> dict[str, np.ndarray]:
        def to(end: float) -> np.ndarray:
            return np.linspace(0.0, end, self.num_magnitude_bins)

        return {
            "ShearX": to(0.3),
            "ShearY": to(0.3),
            "TranslateX": to(150 / 331 * width),
            "TranslateY": to(150 / 331 * height),
            "Rotate": to(30.0),
            **dict.fromkeys(_FACTORS, to(0.9)),
            "Posterize": _posterized(self.num_magnitude_bins, 4),
            "Solarize": _WHITE - to(_WHITE),
        }

    def paired(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Move]:
        """Return the batch, each image changed by operations of its own, and what moves maps so."""
        images = self._bytes(images, rng).copy(order="C")
        count = len(images)
        steps: list[_Moves] = []
        for _ in range(self.num_ops):
            numbers, negative = rng.integers(len(OPERATIONS), size=count), rng.random(count) < 0.5
            images = self._step(images, numbers, np.full(count, self.magnitude), negative, steps)
        return images, self._move(steps)


class TrivialAugmentWide(_Policy):
    """Apply one operation to each image, drawn among fourteen, with a strength that is drawn, too.

    The operations are those of `RandAugment`, with wider ranges. Images are bytes with one channel or three.

    Parameters
    ----------
    num_magnitude_bins : int
        Strengths of each operation, at least 2.
    fill : float or sequence of C floats
        What lies outside of an image that is moved.

    References
    ----------
    Müller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation", 2021.
    """

    def __init__(self, num_magnitude_bins: int = 31, fill: float | Sequence[float] = 0) -> None:
        self.num_magnitude_bins = integer(num_magnitude_bins, "TrivialAugmentWide: num_magnitude_bins", 2)
        self.fill = reals(fill, "TrivialAugmentWide: fill")

    def _magnitudes(self, height: int, width: int) -> dict[str, np.ndarray]:
        def to(end: float) -> np.ndarray:
            return np.linspace(0.0, end, self.num_magnitude_bins)

        return {
            **dict.fromkeys(("ShearX", "ShearY"), to(0.99)),
            **dict.fromkeys(("TranslateX", "TranslateY"), to(32.0)),
            "Rotate": to(135.0),
            **dict.fromkeys(_FACTORS, to(0.99)),
            "Posterize": _posterized(self.num_magnitude_bins, 6),
            "Solarize": _WHITE - to(_WHITE),
        }

    def paired(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Move]:
        """Return the batch, each image changed by an operation of its own, and what moves maps so."""
        images = self._bytes(images, rng)
        count = len(images)
        numbers = rng.integers(len(OPERATIONS), size=count)
        bins = rng.integers(self.num_magnitude_bins, size=count)
        steps: list[_Moves] = []
        images = self._step(images, numbers, bins, rng.random(count) < 0.5, steps)
        return images, self._move(steps)
