"""The activations that networks in files may have as functions."""

from __future__ import annotations

from .._arguments import optional, real
from .activation import Clamp, Exp, ReLU, Sigmoid, Sqrt, Tanh
from .functions import function


def declare_activations() -> None:
    """Declare them under PyTorch's names."""
    for operation in (Exp, ReLU, Sigmoid, Sqrt, Tanh):
        function(operation.__name__.lower())(operation)
    function(
        "clamp",
        {"min": optional(real), "max": optional(real)},
        read=lambda clamp, _: dict(zip(("min", "max"), clamp.limits, strict=True)),
    )(Clamp)
