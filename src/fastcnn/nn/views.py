"""Test-time augmentation: the mean of a model's outputs over several views of each sample."""

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
        Of several inputs those that are images (four axes) are changed.

        Raises
        ------
        DTypeError, ShapeError
            If there is no image among the inputs, or outputs are no floats.
        """
        places = _samples.images(samples)
        if not places:
            raise ShapeError(f"{what}: tta needs images (N, C, H, W), got {_samples.shapes(samples)}")
        total: Any = None
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
                    sum_ += part
        return graph.replaced(total, lambda y: y if y is None else y / y.dtype.type(len(self)))


def _view(images: np.ndarray, mirror: bool, down: int, right: int) -> np.ndarray:
    """Return images mirrored and then shifted, their border repeated."""
    if mirror:
        images = images[..., ::-1]
    for axis, step in ((2, down), (3, right)):
        if step:
            size = images.shape[axis]
            images = images.take((np.arange(size) - step).clip(0, size - 1), axis)
    return np.ascontiguousarray(images)


def _float_copy(y: Any, what: str) -> Any:
    if y is None:
        return None
    if not isinstance(y, np.ndarray) or y.dtype.kind != "f":
        raise DTypeError(f"{what}: tta takes the mean of outputs, which must be floats, got {_kind(y)}")
    return y.copy()


def _kind(y: Any) -> str:
    return str(y.dtype) if isinstance(y, np.ndarray) else type(y).__name__
