"""The buffers of a model, such as running statistics, as they were before a step."""

from __future__ import annotations

import math

import numpy as np

from .._kernels.optim import copy_arrays, largest
from ..nn import changes
from ..nn.module import Module

# Buffers of more bytes are tables that nobody writes to: a copy in each step would take longer than it does.
_MOST_BYTES = 2**20


class Buffers:
    """Copies of a model's buffers, made before each step that may have to be undone.

    A forward pass changes them before anybody knows whether its values are finite. Those of more than 1 MiB
    are left alone.

    Parameters
    ----------
    model : Module
    """

    def __init__(self, model: Module) -> None:
        self._model = model
        self._at = -1  # the change of the model up to which what follows is true
        self._places: list[tuple[dict, Module, str]] = []
        self._copies: list[np.ndarray] = []
        self._floats: list[tuple[int, list[int]]] = []  # sizes of elements, and which have such
        self._others: list[int] = []  # which have other floats

    def keep(self) -> None:
        """Copy all buffers."""
        if self._at != changes.latest_structure():
            self._at = changes.latest_structure()
            self._find()
        if not self._copies:
            return
        now = self._now()
        try:
            copy_arrays(self._copies, now)
        except (BufferError, ValueError):  # some are no whole arrays in memory
            self._copies = [each.copy() for each in now]

    def _find(self) -> None:
        """Find the buffers that a step may write to."""
        self._places = [
            (module._buffers, module, name)
            for module in self._model.modules()
            for name, buffer in module._buffers.items()
            if buffer is not None and buffer.dtype.kind != "O" and buffer.nbytes <= _MOST_BYTES
        ]
        self._copies = [each.copy() for each in self._now()]
        types = [(4, np.dtype(np.float32)), (8, np.dtype(np.float64))]
        self._floats = [
            (size, [i for i, copy in enumerate(self._copies) if copy.dtype == dtype]) for size, dtype in types
        ]
        known = {i for _, each in self._floats for i in each}
        self._others = [
            i for i, copy in enumerate(self._copies) if copy.dtype.kind in "fc" and i not in known
        ]

    def not_finite(self) -> str | None:
        """Return the name of a buffer that has values that are not finite, and had none before; or None."""
        if not self._copies:
            return None
        now = self._now()
        try:
            fine = all(
                math.isfinite(largest(size, [now[i] for i in each])) for size, each in self._floats if each
            )
        except (BufferError, ValueError):
            fine = False
        if fine and all(np.isfinite(now[i]).all() for i in self._others):
            return None
        for array, copy, (_, module, name) in zip(now, self._copies, self._places, strict=True):
            if not _is_as_finite(array, copy):
                path = next(path for path, each in self._model.named_modules() if each is module)
                return f"{path}.{name}".lstrip(".")
        return None

    def put_back(self) -> None:
        """Give the buffers the values that they had."""
        for (buffers, module, name), copy in zip(self._places, self._copies, strict=True):
            now = buffers[name]
            if (now.shape, now.dtype) != (copy.shape, copy.dtype):
                setattr(module, name, copy.copy())
            elif now.flags.writeable:
                np.copyto(now, copy)
            elif not np.array_equal(now, copy, equal_nan=copy.dtype.kind in "fc"):
                setattr(module, name, copy.copy())

    def _now(self) -> list[np.ndarray]:
        return [buffers[name] for buffers, _, name in self._places]


def _is_as_finite(now: np.ndarray, before: np.ndarray) -> bool:
    """Tell whether a buffer is finite, or not where it was not."""
    if now.dtype.kind not in "fc" or np.isfinite(now).all():
        return True
    return now.shape == before.shape and bool(np.isfinite(now)[np.isfinite(before)].all())
