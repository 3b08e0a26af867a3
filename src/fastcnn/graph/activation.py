"""Functions of single elements; a new one is a class here, with its formula and its derivative."""

from __future__ import annotations

from typing import Any

from .. import ops
from .._arguments import optional, real
from ..ops.activation import activate, activate_backward
from .functions import function
from .operation import Array, Operation, Wanted

__all__ = ["Activation", "Clamp", "Exp", "LeakyReLU", "ReLU", "Sigmoid", "Sqrt", "Tanh"]


class Activation(Operation):
    """y = f(x) for each element.

    One that kernels have is a row of csrc/common/activations.inc: the class says its name and numbers, and
    eager mode and the engine take value and derivative from there. Others have a formula here.
    """

    # Whether the derivative is a function of y; else it is one of x.
    of_output = True
    # Whether f(0) = 0, and the derivative is 0 where y is 0 and 1 elsewhere.
    gates = False
    # The row that computes it, and the row's numbers.
    kernel: str | None = None
    alpha = beta = 0.0

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return f(x)."""
        y = self.formula(x)
        return y, y if self.of_output else x

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy f'(x)."""
        return (self.derivative(dy, saved),)

    def formula(self, x: Array, /) -> Array:
        """Return f(x)."""
        if self.kernel is None:
            raise NotImplementedError(f"{type(self).__name__} has no kernel and no formula")
        return activate(x, self.kernel, self.alpha, self.beta)

    def derivative(self, dy: Array, kept: Array, /) -> Array:
        """Return dy f'(x), from y or from x."""
        if self.kernel is None:
            raise NotImplementedError(f"{type(self).__name__} has no kernel and no derivative")
        return activate_backward(dy, kept, self.kernel, self.alpha, self.beta)


@function("relu")
class ReLU(Activation):
    """y = max(x, 0)."""

    kernel, gates = "relu", True


@function("leaky_relu", {"negative_slope": real})
class LeakyReLU(Activation):
    """y = x where x > 0, else negative_slope x."""

    kernel = "leaky_relu"

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = self.alpha = real(negative_slope, "leaky_relu: negative_slope")
        self.of_output = self.alpha >= 0


@function("sigmoid")
class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x))."""

    kernel = "sigmoid"


@function("tanh")
class Tanh(Activation):
    """y = tanh(x)."""

    formula, derivative = staticmethod(ops.tanh), staticmethod(ops.tanh_backward)


@function("exp")
class Exp(Activation):
    """y = exp(x)."""

    formula, derivative = staticmethod(ops.exp), staticmethod(ops.exp_backward)


@function("sqrt")
class Sqrt(Activation):
    """y = sqrt(x)."""

    formula, derivative = staticmethod(ops.sqrt), staticmethod(ops.sqrt_backward)


_LIMITS = {"min": optional(real), "max": optional(real)}


@function("clamp", _LIMITS, read=lambda clamp, _: dict(zip(_LIMITS, clamp.limits, strict=True)))
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
