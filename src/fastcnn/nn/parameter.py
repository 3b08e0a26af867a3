"""A trainable array."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import graph
from ..errors import DTypeError, ShapeError
from ..ops._check import flag
from . import changes
from .factored import FactoredGradient


class Parameter(graph.Operators):
    """A trainable array with its gradient.

    Parameters
    ----------
    data : array of float32 or float64
        Initial values; kept C-contiguous. Integers and other floats become float32.
    requires_grad : bool
        Whether it is trained.

    Attributes
    ----------
    data : array
        The values. Change them in place (``p.data[...] = values``) or assign a new array.
    grad : array or None
        Gradient of the loss; None until the first backward pass after zero_grad.
    requires_grad : bool
        Whether it is trained: without it, backward passes leave `grad` alone, and optimizers the values.
    """

    _grad: np.ndarray | FactoredGradient | None = None

    def __init__(self, data: np.ndarray, requires_grad: bool = True) -> None:
        # How often the array was handed out, so that the engine knows when somebody may have written into it.
        self.reads = 0
        self.data = data
        self._requires_grad = flag(requires_grad, "requires_grad", "Parameter")

    @property
    def data(self) -> np.ndarray:
        """The values."""
        self.reads += 1
        return self._data

    @data.setter
    def data(self, values: np.ndarray) -> None:
        array = np.asarray(values)
        if array.dtype.kind not in "fiu":
            raise DTypeError(f"Parameter: data must be numbers, got {array.dtype}")
        dtype = array.dtype if array.dtype in (np.float32, np.float64) else np.float32
        before = self.__dict__.get("_data")
        self._data = np.require(array, dtype, ["C", "W", "A"])
        # Programs hold this, and not the array, to keep it alive: see engine/packed.py.
        self._cell = (self._data,)
        self.reads += 1
        if before is not None and (before.shape, before.dtype) == (self._data.shape, self._data.dtype):
            changes.note_array()
        else:
            changes.note()

    @property
    def _array(self) -> np.ndarray:  # type: ignore[override]
        return self._data  # for who only reads them

    @property
    def grad(self) -> np.ndarray | None:
        """The gradient."""
        if isinstance(self._grad, FactoredGradient):
            self._grad = self._grad.array()
        return self._grad

    @grad.setter
    def grad(self, grad: np.ndarray | None) -> None:
        self._grad = grad

    @property
    def requires_grad(self) -> bool:
        """Whether it is trained."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        wanted = flag(value, "requires_grad", "Parameter")
        if wanted != self._requires_grad:
            self._requires_grad = wanted
            changes.note()

    def requires_grad_(self, requires_grad: bool = True) -> Parameter:
        """Say whether it is trained, and return it."""
        self.requires_grad = requires_grad
        return self

    @property
    def size(self) -> int:
        """Number of values."""
        return self._data.size

    def accumulate(self, grad: np.ndarray) -> None:
        """Add `grad`, an array of the parameter's shape, to the gradient."""
        if not self._requires_grad:
            return
        if np.shape(grad) != self.shape:
            raise ShapeError(f"Parameter: grad must have the shape {self.shape}, got {np.shape(grad)}")
        if self.grad is None:
            self.grad = np.array(grad, self.dtype, order="C")
        else:
            self.grad += grad

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradient, or with False fill it with zeros, in place, if there is one."""
        if set_to_none:
            self.grad = None
        elif self.grad is not None:
            self.grad[...] = 0

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_cell"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._cell = (self._data,)

    def __repr__(self) -> str:
        frozen = "" if self.requires_grad else ", requires_grad=False"
        return f"Parameter(shape={self.shape}, dtype={self.dtype}{frozen})"


def is_trained(parameter: Parameter | None) -> bool:
    """Tell whether there is a parameter, and whether it is trained."""
    return parameter is not None and parameter.requires_grad
