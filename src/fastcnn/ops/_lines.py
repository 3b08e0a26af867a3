"""Lines: rows (or columns) of an output that are weighted sums of those of an image.

Padding that repeats an image and every interpolation are such a sum over rows, crossed with one over columns.
What each line is made of is listed here, once for eager mode and the engine; a gradient has the lists
transposed.

Sources: Keys, "Cubic convolution interpolation for digital image processing", 1981, for the cubic kernel;
PyTorch's documentation of ``torch.nn.functional.interpolate`` for where an output's line lies in the input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._shapes import check_size

# Bytes that the lists of an output's line take at most, with what is made on the way.
_LINE_BYTES = 256
# The parameter of Keys' kernel, and what it is where an image is smoothed as it shrinks.
_CUBIC, _SMOOTHED_CUBIC = -0.75, -0.5


@dataclass(frozen=True, eq=False)
class Lines:
    """Line i is the sum of the lines at[first[i]] .. at[first[i + 1] - 1] of `size`, times their weights.

    Without weights all of them count once.
    """

    size: int
    first: np.ndarray
    at: np.ndarray
    weight: np.ndarray | None = None

    @cached_property
    def counts(self) -> np.ndarray:
        """Of each line the number of those that it is the sum of."""
        return np.diff(self.first)

    @property
    def moves(self) -> bool:
        """Whether each line is another one as it is, or nothing."""
        return self.weight is None and not (self.counts > 1).any()

    @property
    def reach(self) -> int:
        """From the first to the last of the lines that one is the sum of, the most that these are."""
        some = self.counts > 0
        starts = self.first[:-1][some]
        if not starts.size:
            return 0
        apart = np.maximum.reduceat(self.at, starts) - np.minimum.reduceat(self.at, starts)
        return int(apart.max()) + 1

    @cached_property
    def owner(self) -> np.ndarray:
        """Of each entry the line that it belongs to."""
        return np.repeat(np.arange(self.counts.size), self.counts)

    def transposed(self) -> Lines:
        """Return what each line of the image is the sum of in its gradient."""
        order = np.argsort(self.at, kind="stable")
        weight = None if self.weight is None else self.weight[order]
        return Lines(
            self.counts.size, _starts(np.bincount(self.at, minlength=self.size)), self.owner[order], weight
        )

    def matrix(self) -> np.ndarray:
        """Return the weight (lines, size) of each line of the image in each of these."""
        matrix = np.zeros((self.counts.size, self.size))
        np.add.at(matrix, (self.owner, self.at), 1.0 if self.weight is None else self.weight)
        return matrix

    def weight_of(self, dtype: np.dtype) -> np.ndarray | None:
        """Return the weights as a kernel reads them."""
        return None if self.weight is None else self.weight.astype(dtype)


def _starts(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _numbers(lines: int, what: str) -> np.ndarray:
    """Return the numbers of an output's lines; refuse so many that memory ends."""
    check_size((lines,), _LINE_BYTES, f"{what}: the lists of an axis")
    return np.arange(lines)


def _from_taps(size: int, at: np.ndarray, weight: np.ndarray) -> Lines:
    """Return lines of rows (lines, taps) of places and weights; taps of no weight are left out."""
    taken = weight != 0
    return Lines(size, _starts(taken.sum(1)), at[taken].astype(np.int64), weight[taken])


def padded(size: int, before: int, after: int, mode: str, what: str) -> Lines:
    """Return the lines of an image with so many more before and after it.

    The mode is "constant" (they are nothing), "reflect", "replicate" or "circular".
    """
    place = _numbers(before + size + after, what) - before
    if mode == "constant":
        inside = (place >= 0) & (place < size)
        return Lines(size, _starts(inside.astype(np.int64)), place[inside])
    if mode == "reflect":
        place = np.abs(place)
        place = (size - 1) - np.abs(size - 1 - place)
    elif mode == "replicate":
        place = np.clip(place, 0, size - 1)
    else:
        place = place % size
    return Lines(size, _starts(np.ones(place.size, np.int64)), place)


def resized(size: int, out: int, scale: float | None, mode: str, what: str) -> Lines:
    """Return the `out` lines that an image of `size` lines is interpolated at.

    Parameters
    ----------
    size, out : int
    scale : float or None
        Distance of two lines of the output, in those of the image; None for size / out.
    mode : str
        "nearest", "nearest-exact"; "linear" or "cubic", also with "-corners" (the corners' centers stay where
        they are); "linear", "cubic" or "lanczos" with "-smoothed" (by a filter as wide as output pixels).
    what : str
        Opens the message of an error.
    """
    number = _numbers(out, what)
    kind, _, more = mode.partition("-")
    if kind == "nearest":
        return Lines(size, _starts(np.ones(out, np.int64)), _nearest(number, size, scale, more == "exact"))
    step = size / out if scale is None else scale
    if more == "smoothed":
        return _smoothed(number, size, step, kind, what)
    if more == "corners":
        position = number * ((size - 1) / (out - 1) if out > 1 else 0.0)
    else:
        position = step * (number + 0.5) - 0.5
    if kind == "linear":
        position = np.maximum(position, 0)
    low = np.minimum(np.floor(position), size - 1).astype(np.int64)
    share = np.clip(position - low, 0, 1)
    if kind == "linear":
        at = np.stack([low, np.minimum(low + 1, size - 1)], 1)
        last = at[:, 1] == low
        share[last] = 0
        return _from_taps(size, at, np.stack([1 - share, share], 1))
    at = np.clip(low[:, None] + np.arange(-1, 3), 0, size - 1)
    distance = np.abs(share[:, None] - np.arange(-1, 3))
    return _from_taps(size, at, _cubic(distance, _CUBIC))


def _nearest(number: np.ndarray, size: int, scale: float | None, exact: bool) -> np.ndarray:
    """Return the line next to each of the output, in the rounding of float32, as PyTorch has it."""
    one = np.float32
    step = one(size) / one(number.size) if scale is None else one(scale)
    position = (number.astype(one) + one(0.5 if exact else 0)) * step
    return np.minimum(np.floor(position).astype(np.int64), size - 1)


def _cubic(distance: np.ndarray, a: float) -> np.ndarray:
    """Return Keys' kernel at distances of at least 0."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))


def _lanczos(distance: np.ndarray) -> np.ndarray:
    """Return Lanczos' kernel of three lobes at distances of at least 0."""
    return np.where(distance < 3, np.sinc(distance) * np.sinc(distance / 3), 0.0)


# Kernels by which images are smoothed, and how far each reaches.
_KERNELS: dict[str, tuple[float, Callable[[np.ndarray], np.ndarray]]] = {
    "linear": (1.0, lambda distance: np.maximum(1 - distance, 0)),
    "cubic": (2.0, lambda distance: _cubic(distance, _SMOOTHED_CUBIC)),
    "lanczos": (3.0, _lanczos),
}


def _smoothed(number: np.ndarray, size: int, step: float, kind: str, what: str) -> Lines:
    """Return lines by a kernel that is as wide as a step, where that is above 1."""
    width = max(step, 1.0)
    half, kernel = _KERNELS[kind]
    reach = half * width
    center = step * (number + 0.5)
    start = np.maximum((center - reach + 0.5).astype(np.int64), 0)
    count = np.minimum((center + reach + 0.5).astype(np.int64), size) - start
    most = int(count.max())
    check_size((number.size, most), 64, f"{what}: the lists of an axis")
    at = start[:, None] + np.arange(most)
    weight = kernel(np.abs((at - center[:, None] + 0.5) / width))
    weight[np.arange(most) >= count[:, None]] = 0
    return _from_taps(size, np.minimum(at, size - 1), weight / weight.sum(1, keepdims=True))
