"""Augmentation and normalisation of whole batches.

A transform is called as ``t(images, rng)`` with images (N, C, H, W), uint8 or float32, and a
`numpy.random.Generator`; it returns a new array and never changes its input. Every random number of a
batch comes from that generator, so the same seed gives the same images, whatever the number of threads.
Augmentation is meant for the raw images, with `Normalize` last. What needs more than the images, such as
the labels (`MixUp`, `CutMix`) or the number of the epoch (`AlternatingFlip`), is given the whole batch by the
loader, see `fastcnn.data.batch`. Those that move pixels (`Moving`) move masks, and targets that are images,
with them, see `fastcnn.data.maps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .._kernels import augment
from .._shapes import allocate
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import per_channel, reals
from .affine import RandomAffine as RandomAffine
from .affine import RandomRotation as RandomRotation
from .colour import ColorJitter as ColorJitter
from .colour import RandomGrayscale as RandomGrayscale
from .crops import RandomCrop as RandomCrop
from .erasing import Cutout as Cutout
from .erasing import RandomErasing as RandomErasing
from .flips import AlternatingFlip as AlternatingFlip
from .flips import RandomHorizontalFlip as RandomHorizontalFlip
from .flips import RandomVerticalFlip as RandomVerticalFlip
from .inputs import check_images
from .joined import Compose as Compose
from .joined import Moving as Moving
from .joined import PerInput as PerInput
from .joined import Transform as Transform
from .mixing import CutMix as CutMix
from .mixing import MixUp as MixUp
from .policies import RandAugment as RandAugment
from .policies import TrivialAugmentWide as TrivialAugmentWide
from .resizing import RandomResizedCrop as RandomResizedCrop
from .resizing import Resize as Resize


class Normalize(Transform):
    """``(x / 255 - mean) / std`` of uint8 images, ``(x - mean) / std`` of float32 images; float32.

    Parameters
    ----------
    mean, std : float or sequence of C floats
        For all channels or for each; `std` above 0. In units of white = 1.
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean = reals(mean, "Normalize: mean")
        self.std = reals(std, "Normalize: std")
        if min(self.std) <= 0:
            raise ArgumentError(f"Normalize: std must be above 0, got {self.std}")

    def __call__(
        self, images: np.ndarray, rng: object = None, *, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the normalised batch; `rng` is not used.

        Parameters
        ----------
        images : uint8 or float32 (N, C, H, W)
        rng : object, optional
        out : float32 (N, C, H, W), C-contiguous, optional
            Where to write it. Default: a new array.
        """
        images = check_images(images, "Normalize: images")
        channels = images.shape[1]
        single = images.dtype == np.float32
        real = np.float32 if single else np.float64
        mean, std = _beside_images(tuple(self.mean), tuple(self.std), channels, real)
        if out is None:
            out = allocate(images.shape, np.float32, "Normalize: the result")
        elif not isinstance(out, np.ndarray) or out.dtype != np.float32:
            raise DTypeError(f"Normalize: out must be a float32 array, got {getattr(out, 'dtype', out)!r}")
        elif out.shape != images.shape or not out.flags.c_contiguous or not out.flags.writeable:
            raise ShapeError(
                f"Normalize: out must be a writeable C-contiguous array of the images' shape "
                f"{images.shape}, got {out.shape}"
            )
        if single:
            np.subtract(images, mean, out=out)
            np.divide(out, std, out=out)
        elif images.size:
            table = ((np.arange(256) / 255 - mean[:, :, 0]) / std[:, :, 0]).astype(np.float32)
            flat = (len(images), channels, -1)
            augment.normalize_u8(out.reshape(flat), np.ascontiguousarray(images).reshape(flat), table)
        return out


@lru_cache(maxsize=16)
def _beside_images(
    mean: tuple[float, ...], std: tuple[float, ...], channels: int, dtype: type[np.floating]
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and std as arrays (C, 1, 1)."""
    first, second = (
        per_channel(values, channels, np.dtype(np.float64), f"Normalize: {name}").astype(dtype)[:, None, None]
        for name, values in (("mean", mean), ("std", std))
    )
    return first, second
