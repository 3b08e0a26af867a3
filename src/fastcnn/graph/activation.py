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

    def formula(self, x: Array) -> Array:
        """Return f(x)."""
        raise NotImplementedError

    def derivative(self, dy: Array, kept: Array) -> Array:
        """Return dy f'(x), from y or from x."""
        raise NotImplementedError


class ReLU(Activation):
    """y = max(x, 0)."""

    def formula(self, x: Array) -> Array:
        """Return y."""
        return ops.relu(x)

    def derivative(self, dy: Array, kept: Array) -> Array:
        """Return dx."""
        return ops.relu_backward(dy, kept)


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x))."""

    def formula(self, x: Array) -> Array:
        """Return y."""
        return ops.sigmoid(x)

    def derivative(self, dy: Array, kept: Array) -> Array:
        """Return dx."""
        return ops.sigmoid_backward(dy, kept)


class Tanh(Activation):
    """y = tanh(x)."""

    def formula(self, x: Array) -> Array:
        """Return y."""
        return ops.tanh(x)

    def derivative(self, dy: Array, kept: Array) -> Array:
        """Return dx."""
        return ops.tanh_backward(dy, kept)


class Exp(Activation):
    """y = exp(x)."""

    def formula(self, x: Array) -> Array:
        """Return y."""
        return ops.exp(x)

    def derivative(self, dy: Array, kept: Array) -> Array:
        """Return dx."""
        return ops.exp_backward(dy, kept)


class Sqrt(Activation):
    """y = sqrt(x)."""

    def formula(self, x: Array) -> Array:
        """Return y."""
        return ops.sqrt(x)

    def derivative(self, dy: Array, kept: Array) -> Array:
        """Return dx."""
        return ops.sqrt_backward(dy, kept)


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
