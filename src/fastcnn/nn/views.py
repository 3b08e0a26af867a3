"""Test-time augmentation: the mean of a model's outputs over several views of each sample.

Outputs that are maps of the image lie where the view has moved it; they are moved back before they are added.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from .. import _samples, graph
from .._samples import Samples
from ..errors import ArgumentError, DTypeError, ShapeError

_PART = re.compile(r"flip|shift(=([1-9][0-9]{0,5}))?", re.ASCII)


class Views:
    """Views of images: mirrored, shifted, or both.

    Parameters
    ----------
    tta : str
        "flip": each image and its mirror image. "shift=n" (or "shift": one pixel): each image, and it shifted
        by n pixels to each side, its border repeated. "flip,shift=2": both, ten views.
    what : str
        Opens the message of an error.

    Raises
    ------
    ArgumentError, DTypeError
        If it is none of these.
    """

    def __init__(self, tta: str, what: str) -> None:
        if not isinstance(tta, str):
            raise DTypeError(f"{what} must be a str such as 'flip' or 'flip,shift=2', got {tta!r}")
        found = [_PART.fullmatch(part.strip()) for part in tta.split(",")]
        kinds = [match[0].partition("=")[0] for match in found if match is not None]
        if len(kinds) < len(found) or len(set(kinds)) < len(kinds):
            raise ArgumentError(f"{what} must be flip, shift=PIXELS, or both with a comma, got {tta!r}")
        pixels = next((int(match[2] or 1) for match in found if match and match[0] != "flip"), 0)
        shifts = [(0, 0)]
        if pixels:
            shifts += [(-pixels, 0), (pixels, 0), (0, -pixels), (0, pixels)]
        self._views = list(product((False, True) if "flip" in kinds else (False,), shifts))

    def __len__(self) -> int:
        return len(self._views)

    def mean(self, forward: Callable[[Samples], Any], samples: Samples, what: str) -> Any:
        """Return the mean of what a model returns for the views of samples.

        It is that of the outputs as they are: where the model returns logits, not of probabilities.
        Of several inputs those that are images (four axes) are changed. Outputs (N, ..., H, W) of the size of
        the first of them are moved back, and each pixel is the mean over the views that show it; of maps
        (N, C, h, w) of another size those of a mirror image are mirrored.

        Raises
        ------
        DTypeError, ShapeError
            If there is no image among the inputs, or outputs are no floats.
        """
        places = _samples.images(samples)
        if not places:
            raise ShapeError(f"{what}: tta needs images (N, C, H, W), got {_samples.shapes(samples)}")
        total: Any = None
        size = _samples.arrays(samples)[places[0]].shape[2:]
        for mirror, shift in self._views:
            seen = [
                _view(array, mirror, *shift) if i in places else array
                for i, array in enumerate(_samples.arrays(samples))
            ]
            made = forward(tuple(seen) if isinstance(samples, tuple) else seen[0])
            if total is None:
                total = graph.replaced(made, lambda y: _float_copy(y, what))
                continue
            for sum_, part in graph.paired(total, made, f"{what}: the output of a view"):
                if sum_ is not None:
                    _add(sum_, part, size, mirror, *shift)
        return graph.replaced(total, lambda y: y if y is None else y / self._counts(y, size))

    def _counts(self, y: np.ndarray, size: tuple[int, ...]) -> Any:
        """Return how many views show each pixel of an output, or how many there are."""
        if not _is_map(y, size):
            return y.dtype.type(len(self))
        counts = np.zeros((1, *size), y.dtype)
        for mirror, shift in self._views:
            _add(counts, np.ones_like(counts), size, mirror, *shift)
        return counts[0]


def _view(images: np.ndarray, mirror: bool, down: int, right: int) -> np.ndarray:
    """Return images mirrored and then shifted, their border repeated."""
    if mirror:
        images = images[..., ::-1]
    for axis, step in ((2, down), (3, right)):
        if step:
            size = images.shape[axis]
            images = images.take((np.arange(size) - step).clip(0, size - 1), axis)
    return np.ascontiguousarray(images)


def _is_map(y: np.ndarray, size: tuple[int, ...]) -> bool:
    return y.ndim > 2 and y.shape[-2:] == size


def _add(
    total: np.ndarray, y: np.ndarray, size: tuple[int, ...], mirror: bool, down: int, right: int
) -> None:
    """Add an output for a view: of a map the pixels that the view shows, to where they are in the image."""
    if not _is_map(y, size):
        total += y[..., ::-1] if mirror and y.ndim == 4 else y
        return
    if mirror:
        total = total[..., ::-1]
    (to_rows, of_rows), (to_columns, of_columns) = (
        _shown(length, step) for length, step in zip(size, (down, right), strict=True)
    )
    total[..., to_rows, to_columns] += y[..., of_rows, of_columns]


def _shown(length: int, step: int) -> tuple[slice, slice]:
    """Return the pixels of a line that a shift by `step` leaves in it, and where they are then."""
    step = max(-length, min(step, length))
    first, last = max(0, -step), length - max(0, step)
    return slice(first, last), slice(first + step, last + step)


def _float_copy(y: Any, what: str) -> Any:
    if y is None:
        return None
    if not isinstance(y, np.ndarray) or y.dtype.kind != "f":
        raise DTypeError(f"{what}: tta takes the mean of outputs, which must be floats, got {_kind(y)}")
    return y.copy()


def _kind(y: Any) -> str:
    return str(y.dtype) if isinstance(y, np.ndarray) else type(y).__name__
