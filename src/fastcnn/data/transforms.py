"""Augmentation and normalisation of whole batches.

A transform is called as ``t(images, rng)`` with images (N, C, H, W), uint8 or float32, and a
`numpy.random.Generator`; it returns a new array and never changes its input. Every random number of a
batch comes from that generator, so the same seed gives the same images, whatever the number of threads.
Augmentation is meant for the raw images, with `Normalize` last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .._kernels import augment
from .._shapes import allocate, padding4, pair
from ..errors import ArgumentError, DTypeError, ShapeError, SizeError
from ._arguments import interval, per_channel, real, reals, two
from .inputs import check_images
from .joined import Compose as Compose
from .joined import PerInput as PerInput
from .joined import Transform as Transform

# The kernels count the pixels of a plane in 32 bits.
_MAX_PLANE = 2**31 - 1
# Rectangles that RandomErasing tries for an image before it leaves it as it is.
_ERASING_TRIES = 10


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
        mean = per_channel(self.mean, channels, np.dtype(np.float64), "Normalize: mean")
        std = per_channel(self.std, channels, np.dtype(np.float64), "Normalize: std")
        if out is None:
            out = allocate(images.shape, np.float32, "Normalize: the result")
        elif not isinstance(out, np.ndarray) or out.dtype != np.float32:
            raise DTypeError(f"Normalize: out must be a float32 array, got {getattr(out, 'dtype', out)!r}")
        elif out.shape != images.shape or not out.flags.c_contiguous or not out.flags.writeable:
            raise ShapeError(
                f"Normalize: out must be a writeable C-contiguous array of the images' shape "
                f"{images.shape}, got {out.shape}"
            )
        if images.dtype == np.float32:
            np.subtract(images, mean.astype(np.float32)[:, None, None], out=out)
            np.divide(out, std.astype(np.float32)[:, None, None], out=out)
        elif images.size:
            table = ((np.arange(256) / 255 - mean[:, None]) / std[:, None]).astype(np.float32)
            flat = (len(images), channels, -1)
            augment.normalize_u8(out.reshape(flat), np.ascontiguousarray(images).reshape(flat), table)
        return out


class RandomHorizontalFlip(Transform):
    """Mirror each image left to right with probability `p`."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = real(p, "RandomHorizontalFlip: p", 0, 1)

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the batch with some images mirrored."""
        images = self._check(images, rng)
        mirrored = np.flatnonzero(rng.random(len(images)) < self.p)
        result = images.copy()
        result[mirrored] = images[mirrored, :, :, ::-1]
        return result


class RandomCrop(Transform):
    """Pad each image, then cut a window of `size` out of it at a random place.

    Parameters
    ----------
    size : int or (height, width)
    padding : int, (vertical, horizontal) or (left, right, top, bottom)
    fill : float or sequence of C floats
        Value of the padding, in the units of the images.
    """

    def __init__(self, size: object, padding: object = 0, fill: float | Sequence[float] = 0) -> None:
        self.size = pair(size, "RandomCrop: size", 1)
        self.padding = padding4(padding, "RandomCrop: padding")
        self.fill = reals(fill, "RandomCrop: fill")

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the windows, (N, C, *size)."""
        images = self._check(images, rng)
        left, right, top, bottom = self.padding
        count, channels, height, width = images.shape
        padded_size = (height + top + bottom, width + left + right)
        if self.size[0] > padded_size[0] or self.size[1] > padded_size[1]:
            raise ShapeError(
                f"RandomCrop: size {self.size} is larger than the padded images: {padded_size} from "
                f"{(height, width)} with padding {self.padding}"
            )
        fill = per_channel(self.fill, channels, images.dtype, "RandomCrop: fill")
        padded = allocate((count, channels, *padded_size), images.dtype, "RandomCrop: the padded batch")
        padded[:] = fill[:, None, None]
        padded[:, :, top : top + height, left : left + width] = images
        rows = rng.integers(0, padded_size[0] - self.size[0] + 1, count)
        columns = rng.integers(0, padded_size[1] - self.size[1] + 1, count)
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.size, axis=(2, 3))
        return windows[np.arange(count), :, rows, columns]


class RandomAffine(Transform):
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
        if isinstance(degrees, Sequence | np.ndarray) and not isinstance(degrees, str):
            self.degrees = interval(degrees, "RandomAffine: degrees")
        else:
            largest = real(degrees, "RandomAffine: degrees", 0)
            self.degrees = (-largest, largest)
        self.translate = None if translate is None else two(translate, "RandomAffine: translate", 0, 1)
        # Below this a pixel would show a place further away than its coordinates can tell.
        self.scale = None if scale is None else interval(scale, "RandomAffine: scale", 1e-6, 1e6)
        self.fill = reals(fill, "RandomAffine: fill")

    def matrices(self, count: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `count` maps from output to input, float64 (count, 6), for images of that size.

        A row m says where the output pixel (row i, column j) comes from: column ``m[0] j + m[1] i + m[2]``,
        row ``m[3] j + m[4] i + m[5]``.
        """
        angle = np.radians(rng.uniform(*self.degrees, count))
        shift_x = shift_y = np.zeros(count)
        if self.translate is not None:
            reach_x, reach_y = self.translate[0] * width, self.translate[1] * height
            shift_x = np.rint(rng.uniform(-reach_x, reach_x, count))
            shift_y = np.rint(rng.uniform(-reach_y, reach_y, count))
        scale = np.ones(count) if self.scale is None else rng.uniform(*self.scale, count)
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
        from_x, from_y = centre_x + shift_x, centre_y + shift_y
        offset_x = centre_x - (cos * from_x + sin * from_y)
        offset_y = centre_y - (cos * from_y - sin * from_x)
        return np.stack([cos, sin, offset_x, -sin, cos, offset_y], axis=1)

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the batch, each image moved by a map of its own."""
        images = np.ascontiguousarray(self._check(images, rng))
        count, channels, height, width = images.shape
        if (height + 3) * (width + 3) > _MAX_PLANE:
            raise SizeError(f"RandomAffine: images of {height}x{width} have too many pixels for it")
        fill = per_channel(self.fill, channels, images.dtype, "RandomAffine: fill")
        matrices = self.matrices(count, height, width, rng)
        result = allocate(images.shape, images.dtype, "RandomAffine: the result")
        if count:
            kernel = augment.affine_u8 if images.dtype == np.uint8 else augment.affine
            kernel(result, images, matrices, fill)
        return result


class RandomErasing(Transform):
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

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the batch with some rectangles overwritten."""
        images = self._check(images, rng)
        count, channels, height, width = images.shape
        value = per_channel(self.value, channels, images.dtype, "RandomErasing: value")[:, None, None]
        erased = np.flatnonzero(rng.random(count) < self.p)
        result = images.copy()
        rectangles = self.rectangles(len(erased), height, width, rng).tolist()
        for index, (top, left, rows, columns) in zip(erased.tolist(), rectangles, strict=True):
            result[index, :, top : top + rows, left : left + columns] = value
        return result
