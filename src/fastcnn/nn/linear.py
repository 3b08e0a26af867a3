"""The fully connected layer, and a bias for each position."""

from typing import Any

import numpy as np

from .. import graph
from .._arguments import count, flag, sample
from .._shapes import filled, integer
from ..errors import ShapeError
from . import functional as F
from . import init
from .declaration import FEATURES, IMAGES, Argument, declare, has
from .module import Module
from .parameter import Parameter

__all__ = ["Linear", "PositionBias"]


@declare(
    {
        "in_features": Argument(count, found=lambda shape: shape[-1]),
        "out_features": count,
        "bias": Argument(flag, read=has),
    },
    output=lambda values, shape: (*shape[:-1], values["out_features"]),
    weights=lambda values: [(values["out_features"], values["in_features"])],
    takes=FEATURES,
)
class Linear(Module):
    """Multiply the last axis by a learned matrix: ``y = x weight^T + bias``.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last axis of input and output.
    bias : bool
        Whether to add a learned bias.

    Attributes
    ----------
    weight : Parameter (out_features, in_features)
        Drawn from U(-b, b) with b = 1 / sqrt(in_features).
    bias : Parameter (out_features,) or None
        Drawn from the same distribution.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = integer(in_features, "Linear: in_features", 1)
        self.out_features = integer(out_features, "Linear: out_features", 1)
        shape = (self.out_features, self.in_features)
        self.weight = Parameter(filled(shape, 0, np.float32, "Linear: weight"))
        self.bias = Parameter(filled((self.out_features,), 0, np.float32, "Linear: bias")) if bias else None
        self.reset_parameters()

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw the weights anew."""
        init.default_weight_(self.weight, self.bias, generator)

    def forward(self, x: Any) -> Any:
        """Return (..., out_features)."""
        return F.linear(x, self.weight, self.bias)

    def macs(self, output_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for an output (..., out_features)."""
        return int(np.prod(output_shape, dtype=object)) * self.in_features

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"{self.in_features}, {self.out_features}" + (", bias=False" if self.bias is None else "")


@declare(
    {"shape": Argument(sample, found=lambda shape: shape)},
    weights=lambda values: [values["shape"]],
    takes=IMAGES,
)
class PositionBias(Module):
    """Add a learned bias to each channel and position: ``y = x + bias``.

    Parameters
    ----------
    shape : (C, H, W)
        Shape of one sample.

    Attributes
    ----------
    bias : Parameter (C, H, W)
        Zeros at first.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        if not isinstance(shape, tuple | list) or len(shape) != 3:
            raise ShapeError(f"PositionBias: shape must be (C, H, W), got {shape!r}")
        sizes = tuple(integer(size, "PositionBias: shape", 1) for size in shape)
        self.bias = Parameter(filled(sizes, 0, np.float32, "PositionBias: bias"))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return self.bias.shape

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Set the bias to 0."""
        init.zeros_(self.bias)

    def forward(self, x: Any) -> Any:
        """Return x + bias."""
        if graph.shape_of(x)[-3:] != self.bias.shape:
            raise ShapeError(
                f"PositionBias: x must be (N, *{self.bias.shape}), got the shape {graph.shape_of(x)}"
            )
        return x + self.bias

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"{self.bias.shape}"
