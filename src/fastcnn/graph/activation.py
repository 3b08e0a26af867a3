"""Functions of single elements; a new one is a class here, with its formula and its derivative."""

from __future__ import annotations

from typing import Any

from .. import ops
from .operation import Array, Operation, Wanted


class Activation(Operation):
    """y = f(x) for each element."""

    # Whether the derivative is a function of y; else it is one of x.
    of_output = True

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return f(x)."""
        y = self.formula(x)
        return y, y if self.of_output else x

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy f'(x)."""
        return (self.derivative(dy, saved),)

    def formula(self, x: Array, /) -> Array:
        """Return f(x)."""
        raise NotImplementedError

    def derivative(self, dy: Array, kept: Array, /) -> Array:
        """Return dy f'(x), from y or from x."""
        raise NotImplementedError


class ReLU(Activation):
    """y = max(x, 0)."""

    formula, derivative = staticmethod(ops.relu), staticmethod(ops.relu_backward)


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x))."""

    formula, derivative = staticmethod(ops.sigmoid), staticmethod(ops.sigmoid_backward)


class Tanh(Activation):
    """y = tanh(x)."""

    formula, derivative = staticmethod(ops.tanh), staticmethod(ops.tanh_backward)


class Exp(Activation):
    """y = exp(x)."""

    formula, derivative = staticmethod(ops.exp), staticmethod(ops.exp_backward)


class Sqrt(Activation):
    """y = sqrt(x)."""

    formula, derivative = staticmethod(ops.sqrt), staticmethod(ops.sqrt_backward)


class Clamp(Activation):
    """y = x within limits."""

    of_output = False

    def __init__(self, min: float | None = None, max: float | None = None) -> None:
        self.limits = min, max

    def formula(self, x: Array) -> Array:
        """Return y."""
        return ops.clamp(x, *self.limits)

    def derivative(self, dy: Array, kept: Array) -> Array:
        """Return dx."""
        return ops.clamp_backward(dy, kept, *self.limits)
