"""Functions of single elements, which csrc/common/activations.inc computes."""

from __future__ import annotations

from typing import Any

from ..ops.activation import activate, activate_backward
from .fields import pointwise
from .operation import Array, Operation, Wanted


class Activation(Operation):
    """y = f(x) for each element.

    Kernels have it as a row of csrc/common/activations.inc: the class says its name and numbers, and eager
    mode and the engine take value and derivative from there. One without a row has a formula of its own.
    """

    # Whether the derivative is a function of y; else it is one of x.
    of_output = True
    # Whether f(0) = 0, and the derivative is 0 where y is 0 and 1 elsewhere.
    gates = False
    # Whether value and derivative are finite wherever x is. Others stand alone in programs that train: in
    # lanes without an image they might give NaN, and sums over images read those.
    finite = True
    # The row that computes it, and the row's numbers.
    kernel: str | None = None
    alpha = beta = 0.0

    field = pointwise

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
