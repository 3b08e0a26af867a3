"""Gradients of several batches for one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._kernels import optim as kernels
from ..errors import ArgumentError
from ..nn.parameter import Parameter
from ..optim.gradients import Gathered


class Accumulation:
    """The gradient of the batches whose step is still to come.

    Of losses that are means it is their mean, each by its weight w with W that of all so far,
    ``mean = mean + w / W (gradient - mean)``; of losses that are sums their sum.

    Attributes
    ----------
    weight : float
        Of all batches in it, 0 if there is none.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all batches."""
        self.weight = 0.0
        self._held: dict[Parameter, np.ndarray] = {}

    def add(self, gathered: list[Gathered], weight: float, adds_up: bool) -> None:
        """Take a batch into it, in one pass over all parameters.

        Parameters
        ----------
        gathered : list
            The batch's gradients.
        weight : float
            Above 0: what the batch's loss was divided by.
        adds_up : bool
            Whether losses are sums.
        """
        self.weight += weight
        row, numbers = ("total", {}) if adds_up else ("average", {"share": weight / self.weight})
        for _, dtype, pairs in gathered:
            updates = [(self._of(parameter, dtype), grad) for parameter, grad in pairs]
            kernels.step(row, dtype.itemsize, updates, numbers)

    def _of(self, parameter: Parameter, dtype: np.dtype) -> np.ndarray:
        held = self._held.get(parameter)
        if held is None or held.shape != parameter.shape:
            held = self._held[parameter] = np.zeros(parameter.shape, dtype)
        elif held.dtype != dtype:  # the model was converted
            held = self._held[parameter] = held.astype(dtype)
        return held

    def hand_out(self) -> None:
        """Let it be the gradient of the parameters, and forget it."""
        for parameter, held in self._held.items():
            parameter.grad = held
        self.clear()

    def state_dict(self, parameters: Sequence[Parameter]) -> dict[str, Any] | None:
        """Return a copy of it, with parameters by their place among all; None if there is no batch in it."""
        if not self.weight:
            return None
        places = {parameter: i for i, parameter in enumerate(parameters)}
        held = {places[each]: grad.copy() for each, grad in self._held.items() if each in places}
        return {"weight": self.weight, "gradients": held}

    def load_state_dict(self, state: Mapping[str, Any] | None, parameters: Sequence[Parameter]) -> None:
        """Take over what `state_dict` returned.

        Raises
        ------
        ArgumentError
            If it does not fit the parameters.
        """
        self.clear()
        if state is None:
            return
        held = {parameters[int(i)]: np.array(grad) for i, grad in state["gradients"].items()}
        for parameter, grad in held.items():
            if grad.shape != parameter.shape:
                raise ArgumentError(
                    f"an accumulated gradient has the shape {grad.shape} but its parameter {parameter.shape}"
                )
        self.weight, self._held = float(state["weight"]), held
