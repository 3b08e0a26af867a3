"""A gradient that is kept as the product that it is."""

from __future__ import annotations

import numpy as np

from .._kernels import optim as kernels
from .._shapes import allocate


class FactoredGradient:
    """The gradient of a linear layer's weights over a few images, dw = dy^T x, which nobody has written yet.

    For one image it takes as long to write dw and to read it again as all else that a step does with a large
    layer. `Parameter.grad` makes the array when somebody asks for it; optimizers that take factors use them
    piece by piece.

    Parameters
    ----------
    dy : array (N, out_features)
        Gradient of the layer's output, C-contiguous.
    x : array (N, in_features)
        The layer's input, C-contiguous.
    shape : tuple of int
        Of the weights: out_features rows of in_features elements.
    """

    def __init__(self, dy: np.ndarray, x: np.ndarray, shape: tuple[int, ...]) -> None:
        self.dy = dy
        self.x = x
        self.shape = shape
        self.dtype = x.dtype

    @property
    def factors(self) -> tuple[np.ndarray, np.ndarray]:
        """dy and x."""
        return self.dy, self.x

    def array(self) -> np.ndarray:
        """Return dw."""
        grad = allocate(self.shape, self.dtype, "the gradient")
        kernels.gradient_of_factors(grad, self.dy, self.x)
        return grad
