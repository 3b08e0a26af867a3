"""Activations that are made of straight lines."""

from __future__ import annotations

from .._arguments import number, optional, real
from ..errors import ArgumentError
from ..ops.elementwise import limits
from .activation import Activation
from .functions import function

__all__ = [
    "Clamp",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "ReLU",
    "ReLU6",
    "Softshrink",
    "Threshold",
]


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


@function("relu6")
class ReLU6(Activation):
    """y = min(max(x, 0), 6)."""

    kernel, alpha, beta = "hardtanh", 0.0, 6.0


@function("hardtanh", {"min_val": real, "max_val": real})
class Hardtanh(Activation):
    """y = min(max(x, min_val), max_val), without a gradient at the limits."""

    kernel = "hardtanh"

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val = self.alpha = real(min_val, "hardtanh: min_val")
        self.max_val = self.beta = real(max_val, "hardtanh: max_val")
        if self.min_val > self.max_val:
            raise ArgumentError(
                f"hardtanh: min_val must not be above max_val, got {self.min_val:g} and {self.max_val:g}"
            )


_LIMITS = {"min": optional(real), "max": optional(real)}


@function("clamp", _LIMITS, read=lambda clamp, _: dict(zip(_LIMITS, clamp.limits, strict=True)))
class Clamp(Activation):
    """y = min(max(x, min), max), with a gradient at the limits."""

    kernel, of_output = "clamp", False

    def __init__(self, min: float | None = None, max: float | None = None) -> None:
        self.limits = min, max
        self.alpha, self.beta = limits(min, max, "clamp")


@function("hardsigmoid")
class Hardsigmoid(Activation):
    """y = min(max(x + 3, 0), 6) / 6."""

    kernel = "hardsigmoid"


@function("hardswish")
class Hardswish(Activation):
    """y = x min(max(x + 3, 0), 6) / 6."""

    kernel, of_output = "hardswish", False


@function("threshold", {"threshold": real, "value": real})
class Threshold(Activation):
    """y = x where x > threshold, else value."""

    kernel = "threshold"

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold = self.alpha = real(threshold, "threshold: threshold")
        self.value = self.beta = real(value, "threshold: value")
        self.of_output = self.value <= self.threshold


@function("hardshrink", {"lambd": real})
class Hardshrink(Activation):
    """y = x where |x| > lambd, else 0."""

    kernel = "hardshrink"

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = self.alpha = real(lambd, "hardshrink: lambd")


@function("softshrink", {"lambd": number})
class Softshrink(Activation):
    """y = x - lambd where x > lambd, x + lambd where x < -lambd, else 0."""

    kernel = "softshrink"

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = self.alpha = number(lambd, "softshrink: lambd")
