"""The buffers of a model, such as running statistics, as they were before a step."""

from __future__ import annotations

import math

import numpy as np

from .._kernels.optim import copy_arrays, largest
from ..nn import changes
from ..nn.module import Module


class Buffers:
    """Copies of a model's buffers, made before each step that may have to be undone.

    A forward pass changes them before anybody knows whether its values are finite.

    Parameters
    ----------
    model : Module
    """

    def __init__(self, model: Module) -> None:
        self._model = model
        self._at = -1  # the change of the model up to which what follows is true
        self._places: list[tuple[dict, str]] = []
        self._copies: list[np.ndarray] = []
        self._floats: dict[int, list[tuple[dict, str]]] = {}

    def keep(self) -> None:
        """Copy all buffers."""
        if self._at != changes.latest_structure():
            self._at = changes.latest_structure()
            self._find()
        now = _arrays(self._places)
        try:
            copy_arrays(self._copies, now)
        except (BufferError, ValueError):  # some are no whole arrays in memory
            for copy, buffer in zip(self._copies, now, strict=True):
                np.copyto(copy, buffer)

    def _find(self) -> None:
        """Find the buffers that a step may write to."""
        self._places = [
            (module._buffers, name)
            for module in self._model.modules()
            for name, buffer in module._buffers.items()
            if buffer is not None and buffer.dtype.kind != "O" and buffer.flags.writeable
        ]
        self._copies = [np.empty(each.shape, each.dtype) for each in _arrays(self._places)]
        self._floats = {4: [], 8: []}
        for place, copy in zip(self._places, self._copies, strict=True):
            if copy.dtype in (np.float32, np.float64):
                self._floats[copy.itemsize].append(place)

    def stayed_finite(self) -> bool:
        """Tell whether no buffer has values that are not finite and that it did not have before."""
        try:
            if all(
                math.isfinite(largest(size, _arrays(each))) for size, each in self._floats.items() if each
            ):
                return True
        except BufferError:
            pass
        pairs = zip(_arrays(self._places), self._copies, strict=True)
        return all(np.isfinite(now)[np.isfinite(copy)].all() for now, copy in pairs if copy.dtype.kind == "f")

    def put_back(self) -> None:
        """Give the buffers the values that they had."""
        for buffer, copy in zip(_arrays(self._places), self._copies, strict=True):
            np.copyto(buffer, copy)


def _arrays(places: list[tuple[dict, str]]) -> list[np.ndarray]:
    return [buffers[name] for buffers, name in places]
