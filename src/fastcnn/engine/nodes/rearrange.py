"""Elements that are put elsewhere: other orders of axes, parts, images made of features and back."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from ..algorithms import Setting
from ..graph import Value, WithoutProducts
from ..memory import NO_HALO, Blob, Halo, table
from ..parts import Backward, Forward
from ..writer import Writer
from . import costs


@dataclass(eq=False)
class Rearrange(WithoutProducts):
    """Element i of y is element source[i] of x, channel by channel and row by row; none is taken twice."""

    source: np.ndarray

    reads_elements = True

    def cost(self, setting: Setting, wanted: Container[Value]) -> float:
        """Return how long an image takes, or each of its elements where they stand alone in the lanes."""
        layout, channels = setting.layout, self.source.reshape(self.y.sizes)
        neighbours = (np.diff(channels, axis=0) == self.x.pixels).all()
        pixels = self.y.pixels if neighbours else self.y.size
        passes = 1 + (self.x in wanted)
        return passes * costs.copy(layout, pixels, self.y.channels if neighbours else 1)

    def gradient_halo(self) -> Halo:
        """Return a column of zeros: the gradient of elements that are not taken."""
        return NO_HALO if self.y.size == self.x.size else (1, 0, 0, 0)

    def forward(self, f: Forward) -> None:
        """Write y."""
        x, y = f.blobs[self.x], f.blob(self.y)
        copy_elements(f.writer, y, _elements(y), x, _elements(x)[self.source], self.y.size)

    def backward(self, b: Backward) -> None:
        """Write the gradient of x: that of y in its places, and 0 in others."""
        if not b.wanted(self.x):
            return
        dx, dy = b.blob(self.x), b.grads[self.y]
        to, left = _elements(dx), np.ones(self.x.size, bool)
        left[self.source] = False
        copy_elements(b.writer, dx, to[self.source], dy, _elements(dy), self.y.size)
        if left.any():
            origin, _, right = dy.lines()
            others = np.sort(to[left])
            zeros = origin - right + dy.channel(np.arange(others.size) % self.y.channels)
            copy_elements(b.writer, dx, others, dy, zeros, self.y.channels)
        b.give(self.x, dx)


def _elements(blob: Blob) -> np.ndarray:
    """Return the places of all elements of a sample."""
    return np.add.outer(blob.channel(np.arange(blob.channels)), blob.pixels()).ravel()


def copy_elements(w: Writer, z: Blob, z_at: np.ndarray, y: Blob, y_at: np.ndarray, most: int) -> None:
    """Copy elements between places: at most `most` at a time, of those that are neighbours in both blobs."""
    by_place = np.argsort(z_at)
    z_at, y_at = z_at[by_place], y_at[by_place]
    parted = (np.diff(z_at) != z.step) | (np.diff(y_at) != y.step)
    starts = np.flatnonzero(np.concatenate([[True], parted, [True]]))
    length = math.gcd(most, *np.diff(starts).tolist())
    w.copy(z=z, y=y, z_at=table(z_at[::length]), y_at=table(y_at[::length]), channels=length)
