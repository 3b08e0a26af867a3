"""Rectification with slopes that are learned."""

from typing import Any

import numpy as np

from .._arguments import Argument, count, real
from .._shapes import filled, integer
from . import functional as F
from .declaration import declare
from .module import Module
from .parameter import Parameter

__all__ = ["PReLU"]


@declare(
    # The attribute of that name counts parameters, as it does in every module.
    {"num_parameters": Argument(count, read=lambda layer, _: layer.weight.size), "init": real},
    weights=lambda values: [(values["num_parameters"],)],
)
class PReLU(Module):
    """Let a learned part of negative values through: ``y = x where x > 0, else weight[c] x``.

    Source: He et al., "Delving Deep into Rectifiers" (2015).

    Parameters
    ----------
    num_parameters : int
        1: one slope for all; or the number of channels, the second axis: one for each.
    init : float
        The slopes at first.

    Attributes
    ----------
    weight : Parameter (num_parameters,)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        count = integer(num_parameters, "PReLU: num_parameters", 1)
        self.init = real(init, "PReLU: init")
        self.weight = Parameter(filled((count,), self.init, np.float32, "PReLU: weight"))

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Set the slopes to what they were at first."""
        self.weight.data[...] = self.init

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"num_parameters={self.weight.size}"
