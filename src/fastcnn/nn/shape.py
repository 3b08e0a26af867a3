"""Layers that compute nothing: Identity, Flatten and ZeroPad2d."""

from typing import Any

import numpy as np

from .. import ops
from .._shapes import padding4
from ..errors import ShapeError
from .module import Module
from .receptive_field import Field


class Identity(Module):
    """Return the input, e.g. in the place of a layer that was taken out.

    Parameters
    ----------
    *args, **kwargs
        Of no meaning, so that any layer can be replaced by it.
    """

    _reuses_input = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x."""
        return x

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Return dy."""
        return dy


class Flatten(Module):
    """Merge the axes start_dim .. end_dim into one.

    Parameters
    ----------
    start_dim, end_dim : int
        First and last axis to merge; negative counts from the end.
    """

    _reuses_input = True

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x with the axes merged."""
        ndim = x.ndim
        if not (-ndim <= self.start_dim < ndim and -ndim <= self.end_dim < ndim):
            raise ShapeError(
                f"Flatten: x of the shape {x.shape} has no axes {self.start_dim} to {self.end_dim}"
            )
        start, end = self.start_dim % ndim, self.end_dim % ndim
        if start > end:
            raise ShapeError(f"Flatten: start_dim {self.start_dim} comes after end_dim {self.end_dim}")
        self.saved = x.shape
        merged = int(np.prod(x.shape[start : end + 1], dtype=object))
        return x.reshape(*x.shape[:start], merged, *x.shape[end + 1 :])

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Return dy in the shape of x."""
        return dy.reshape(self.saved)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class ZeroPad2d(Module):
    """Put zeros around images.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns of zeros on each side.
    """

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__()
        self.padding = padding4(padding, "ZeroPad2d: padding")

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return x with its margins."""
        return ops.zero_pad2d(x, self.padding)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Return dy without its margins."""
        return ops.zero_pad2d_backward(dy, self.padding)

    def _field_behind(self, field: Field, x: tuple[int, ...], y: tuple[int, ...]) -> Field:
        return field  # zeros are seen as part of the image

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"{self.padding}"
