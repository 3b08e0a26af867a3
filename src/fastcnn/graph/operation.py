"""Operations: the steps that networks are made of, each with its forward pass and its gradient.

An operation is a function of tensors. Applied to arrays it computes; applied to a value of a call that is
being recorded, or to a parameter during such a call, it is recorded there as well.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from .._scoped import Scoped
from .fields import Field, Fields, Shape

_OURS = (__name__.rpartition(".")[0].rpartition(".")[0] + ".", "numpy.")

Array = np.ndarray
Wanted = Any  # for each input of an operation, whether its gradient is needed: a tuple of bool


class Recorder(Protocol):
    """What operations that are applied to values are told to."""

    def record(self, operation: Operation, inputs: tuple[Any, ...]) -> Any:
        """Apply an operation, and return the value or the tuple of values that it makes."""

    def look(self, value: Any, what: str) -> np.ndarray:
        """Return a value's array to somebody who knows that it has no gradient."""

    def leave(self, value: Any, what: str) -> np.ndarray:
        """Return a value's array to NumPy, which does not say what its gradient is."""


class Operand:
    """A tensor that operations take in the place of an array: a value, or a parameter."""

    # The call that it is a value of; parameters belong to no call.
    recorder: Recorder | None = None

    # What it holds; a user asks a value for it by `numpy()`, which a trace refuses.
    _array: Array

    @property
    def shape(self) -> tuple[Any, ...]:
        """Its sizes; the first axis of a value is the batch."""
        return self._array.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._array.ndim

    @property
    def dtype(self) -> np.dtype:
        """Element type."""
        return self._array.dtype

    @property
    def requires_grad(self) -> bool:
        """Whether it is a parameter that is trained."""
        return False

    def accumulate(self, grad: Array) -> None:
        """Add to the gradient of a parameter."""
        raise NotImplementedError


class Operation:
    """A function of tensors whose gradient is known; its attributes are settings, the same for every call."""

    # Whether it runs code of the user's, which may do more than compute.
    runs_code = False
    # Whether it only puts elements elsewhere.
    moves = False
    # The number of the input that is a weight, by which others are multiplied; None if there is none.
    weight_input: int | None = None

    @property
    def title(self) -> str:
        """What a picture calls it."""
        return type(self).__name__

    def forward(self, *inputs: Any) -> tuple[Any, Any]:
        """Return (y, what backward needs) for arrays; y is an array, or a tuple of arrays."""
        raise NotImplementedError

    def backward(self, dy: Any, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradient of each input, or None where it is not wanted or 0.

        Parameters
        ----------
        dy : array or tuple of arrays
            Gradient of the loss with respect to y.
        saved
            What forward returned beside y.
        wanted : tuple of bool
            Of each input.
        """
        raise NotImplementedError

    def trace(self, *inputs: Any) -> Any:
        """Return y for inputs of no image: arrays of the right shapes, for which nothing is computed.

        Raises
        ------
        FastcnnError
            If the shapes do not fit, or the operation mixes images.
        """
        return self.forward(*inputs)[0]

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what an output of the shape y sees, None if that is not known.

        Parameters
        ----------
        fields : sequence of Field or None
            Of each input that is an array; None for parameters and constants.
        shapes : sequence of tuple
            Of the same inputs.
        """
        return None

    def macs(self, shapes: Sequence[Shape], y: Shape) -> int:
        """Return the multiply-accumulates with weights, for inputs and an output of these shapes."""
        return 0

    def settings(self) -> tuple[Any, ...]:
        """Return what the operation depends on beside its inputs and the mode of its layer."""
        return tuple(vars(self).values())

    def let_go(self) -> None:
        """Forget what backward does not need, before a record keeps the operation.

        What refers to a module that was called would keep it: its record lives as long as the module.
        """

    def trained(self) -> bool:
        """Tell whether backward adds gradients of parameters that are not among the inputs."""
        return False


# What this thread's operations on parameters alone are recorded by.
_recorder = Scoped()


def recording(recorder: Recorder | None) -> AbstractContextManager[None]:
    """Record this thread's operations on parameters alone too; with None, none."""
    return _recorder.set(recorder)


def caller() -> str:
    """Return the file and line that called this package or NumPy."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def as_array(tensor: Any) -> Any:
    """Return the array of a value or a parameter, and anything else as it is."""
    return tensor._array if isinstance(tensor, Operand) else tensor


def shape_of(tensor: Any) -> tuple[int, ...]:
    """Return the sizes of a tensor, or of what an array could be made of; of anything else, none."""
    try:
        return tensor.shape if hasattr(tensor, "shape") else np.shape(tensor)
    except ValueError:  # lists of several lengths
        return ()


def apply(operation: Operation, *inputs: Any) -> Any:
    """Apply an operation to arrays, values, parameters and constants.

    Returns
    -------
    Value, array or tuple of them
        Values if one of the inputs is one; or a parameter, while a call is recorded. Else arrays.
    """
    recorder, parameters = None, False
    for each in inputs:
        if isinstance(each, Operand):
            if each.recorder is not None:
                recorder = each.recorder
                break
            parameters = True
    if recorder is None and parameters:
        recorder = _recorder.value
    if recorder is None:
        return operation.forward(*map(as_array, inputs))[0]
    return recorder.record(operation, inputs)
