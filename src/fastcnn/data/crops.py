"""Random windows of padded images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._shapes import padding4, pair
from ..errors import ArgumentError, ShapeError
from ._arguments import per_channel, reals
from .gathering import gather
from .joined import Moving
from .maps import Move

# Names of ways to pad, and the ones that they stand for: torchvision's, and those of nn.Conv2d.
PADDING_MODES = {
    "constant": "constant",
    "edge": "edge",
    "replicate": "edge",
    "reflect": "reflect",
    "symmetric": "symmetric",
    "circular": "circular",
}


def padded_places(size: int, before: int, after: int, mode: str) -> np.ndarray:
    """Return which pixel of a line stands at each place of the padded one, int64; -1 for none."""
    at = np.arange(-before, size + after)
    if mode == "constant":
        return np.where((at >= 0) & (at < size), at, -1)
    if mode == "edge":
        return at.clip(0, size - 1)
    if mode == "circular":
        return at % size
    if mode == "symmetric":
        at = at % (2 * size)
        return np.minimum(at, 2 * size - 1 - at)
    return np.abs(at - 2 * (at >= size) * (at - size + 1))  # reflect: less than the line itself


class RandomCrop(Moving):
    """Pad each image, then cut a window of `size` out of it at a random place.

    Parameters
    ----------
    size : int or (height, width)
    padding : int, (vertical, horizontal) or (left, right, top, bottom)
    fill : float or sequence of C floats
        Value of the padding "constant", in the units of the images.
    padding_mode : {"constant", "edge", "reflect", "symmetric", "circular"}
        What stands in the padding of a row ``abcd``: `fill`; its end ("edge", also called "replicate"):
        ``aa|abcd|dd``; its mirror image, without its end ("reflect": ``cb|abcd|cb``) or with it ("symmetric":
        ``ba|abcd|dc``); the row again ("circular": ``cd|abcd|ab``).
    """

    def __init__(
        self,
        size: object,
        padding: object = 0,
        fill: float | Sequence[float] = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = pair(size, "RandomCrop: size", 1)
        self.padding = padding4(padding, "RandomCrop: padding")
        self.fill = reals(fill, "RandomCrop: fill")
        if not isinstance(padding_mode, str) or padding_mode not in PADDING_MODES:
            raise ArgumentError(
                f"RandomCrop: padding_mode must be one of {', '.join(PADDING_MODES)}, got {padding_mode!r}"
            )
        self.padding_mode = PADDING_MODES[padding_mode]

    def paired(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Move]:
        """Return the windows, (N, C, *size), and what cuts those of maps."""
        images = self._check(images, rng)
        left, right, top, bottom = self.padding
        count, channels, height, width = images.shape
        padded_size = (height + top + bottom, width + left + right)
        if self.size[0] > padded_size[0] or self.size[1] > padded_size[1]:
            raise ShapeError(
                f"RandomCrop: size {self.size} is larger than the padded images: {padded_size} from "
                f"{(height, width)} with padding {self.padding}"
            )
        limits = {"reflect": 1, "symmetric": 0, "circular": 0}
        if self.padding_mode in limits:
            most = [size - limits[self.padding_mode] for size in (width, width, height, height)]
            if any(pad > limit for pad, limit in zip(self.padding, most, strict=True)):
                raise ShapeError(
                    f"RandomCrop: padding {self.padding} (left, right, top, bottom) is more than images of "
                    f"{height}x{width} have for padding_mode {self.padding_mode!r}: at most {tuple(most)}"
                )
        fill = per_channel(self.fill, channels, images.dtype, "RandomCrop: fill")
        rows = rng.integers(0, padded_size[0] - self.size[0] + 1, count)
        columns = rng.integers(0, padded_size[1] - self.size[1] + 1, count)
        from_rows, from_columns = (
            padded_places(height, top, bottom, self.padding_mode)[rows[:, None] + np.arange(self.size[0])],
            padded_places(width, left, right, self.padding_mode)[columns[:, None] + np.arange(self.size[1])],
        )

        def move(maps: np.ndarray, outside: float, nearest: bool) -> np.ndarray:
            return gather(maps, from_rows, from_columns, np.full(maps.shape[1], outside, maps.dtype))

        return gather(images, from_rows, from_columns, fill), move
