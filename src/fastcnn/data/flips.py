"""Mirror images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._shapes import integer
from ..errors import ArgumentError, ShapeError
from ._arguments import real
from .batch import Batch
from .gathering import gather
from .inputs import check_images
from .joined import Moving, Transform
from .labels import check_integers
from .maps import Move, moved_labels


def mirrored(images: np.ndarray, chosen: np.ndarray, axis: int) -> np.ndarray:
    """Return images (N, C, H, W), those that are chosen (bool (N,)) mirrored along an axis, 2 or 3."""
    places = []
    for each in (2, 3):
        forwards = np.arange(images.shape[each])
        flipped = chosen[:, None] & (each == axis)
        places.append(np.where(flipped, forwards[::-1], forwards))
    return gather(images, *places)


def _flipping(chosen: np.ndarray, axis: int) -> Move:
    """Return what mirrors the maps of the images that are chosen."""
    return lambda maps, fill, nearest: mirrored(maps, chosen, axis)


class _RandomFlip(Moving):
    """A flip along `_axis` with probability `p`."""

    _axis: int

    def __init__(self, p: float = 0.5) -> None:
        self.p = real(p, f"{type(self).__name__}: p", 0, 1)

    def paired(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Move]:
        """Return the batch with some images mirrored, and what mirrors their maps."""
        images = self._check(images, rng)
        chosen = rng.random(len(images)) < self.p
        return mirrored(images, chosen, self._axis), _flipping(chosen, self._axis)


class RandomHorizontalFlip(_RandomFlip):
    """Mirror each image left to right with probability `p`."""

    _axis = 3


class RandomVerticalFlip(_RandomFlip):
    """Mirror each image top to bottom with probability `p`."""

    _axis = 2


class AlternatingFlip(Transform):
    """Mirror each image left to right in every other epoch.

    In the first epoch a hash of (seed, index) chooses which half; the second mirrors the others, and so on,
    so that two epochs in a row show each image both ways. Nothing is drawn from the generator.

    The loader tells epoch, indices and seed; a loop of one's own calls `flip`.

    References
    ----------
    Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, section 3.6.
    """

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Raise ArgumentError: images alone do not tell what was done in the last epoch."""
        raise ArgumentError(
            "AlternatingFlip: needs the epoch and the indices of the images: give it to fit or Loader as "
            "augment, or call flip(images, indices, epoch)"
        )

    def flip(self, images: np.ndarray, indices: object, epoch: int, seed: int = 0) -> np.ndarray:
        """Return the batch as it is in an epoch.

        Parameters
        ----------
        images : uint8 or float32 (N, C, H, W)
        indices : array_like of int (N,)
            Places of the images in the data set.
        epoch, seed : int
            At least 0.
        """
        images = check_images(images, "AlternatingFlip: images")
        places = check_integers(indices, "AlternatingFlip: indices")
        if len(places) != len(images):
            raise ShapeError(f"AlternatingFlip: {len(images)} images but {len(places)} indices")
        return mirrored(images, self._chosen(places, epoch, seed), 3)

    @staticmethod
    def _chosen(places: np.ndarray, epoch: int, seed: int) -> np.ndarray:
        """Return which images are mirrored, bool (N,)."""
        number = integer(epoch, "AlternatingFlip: epoch")
        turns = _hash(places, integer(seed, "AlternatingFlip: seed")) + np.uint64(number)
        return turns % np.uint64(2) == 1

    def on_batch(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return the batch with the images of this epoch mirrored."""
        images = self._check(batch.images, rng)
        chosen = self._chosen(batch.indices, batch.epoch, batch.seed)
        labels = moved_labels(batch, _flipping(chosen, 3), self)
        return replace(batch, images=mirrored(images, chosen, 3), labels=labels)


def _hash(indices: np.ndarray, seed: int) -> np.ndarray:
    """Return a bit for each index, uint64 of 0 and 1: the highest of SplitMix64's output."""
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    with np.errstate(over="ignore"):
        z = (indices.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + key
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z >> np.uint64(63)
