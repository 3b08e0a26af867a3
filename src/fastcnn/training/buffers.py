"""The buffers of a model, such as running statistics, as they were before a step."""

from __future__ import annotations

import math

import numpy as np

from ..nn import changes
from ..nn.module import Module
from ..optim.finite import largest


class Buffers:
    """Copies of a model's buffers, made before each step that may have to be undone.

    A forward pass changes them before anybody knows whether its values are finite.

    Parameters
    ----------
    model : Module
    """

    def __init__(self, model: Module) -> None:
        self._model = model
        self._at = -1  # the change of the model up to which the copies are its buffers'
        self._copies: list[tuple[dict, str, np.ndarray]] = []

    def keep(self) -> None:
        """Copy all buffers."""
        if self._at != changes.latest_structure():
            self._at = changes.latest_structure()
            self._copies = [
                (module._buffers, name, np.empty_like(buffer))
                for module in self._model.modules()
                for name, buffer in module._buffers.items()
                if buffer is not None
            ]
        for buffers, name, copy in self._copies:
            np.copyto(copy, buffers[name])

    def stayed_finite(self) -> bool:
        """Tell whether no buffer has values that are not finite and that it did not have before."""
        floats = [buffers[name] for buffers, name, copy in self._copies if copy.dtype.kind == "f"]
        if math.isfinite(largest(floats)):
            return True
        return all(
            np.isfinite(buffers[name])[np.isfinite(copy)].all()
            for buffers, name, copy in self._copies
            if copy.dtype.kind == "f"
        )

    def put_back(self) -> None:
        """Give the buffers the values that they had."""
        for buffers, name, copy in self._copies:
            if buffers[name].flags.writeable:
                np.copyto(buffers[name], copy)
