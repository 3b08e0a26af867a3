"""What a linear layer is made of; how it is written stands in dense.py and the files beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...nn import Parameter
from .activation import Activated


@dataclass(eq=False)
class Linear(Activated):
    """A linear layer over all elements of x in (C, H, W) order, perhaps with an activation."""

    weight: Parameter
    bias: Parameter | None

    multiplies = reads_gradient_late = reads_rows = writes_sums = True

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Weight, bias and slopes."""
        return self.weight, self.bias, *super().parameters


def by_pixels(node: Linear) -> np.ndarray:
    """Return the numbers, in (C, H, W) order, of the elements of x, pixel by pixel."""
    return np.arange(node.x.size).reshape(node.x.channels, -1).T.ravel()
