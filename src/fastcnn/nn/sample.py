"""Samples that a model is described by."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._shapes import filled, integer
from ..errors import ShapeError
from .tree import Tree


def zero_sample(model: Tree[Any], shape: Any, what: str) -> np.ndarray:
    """Return one sample of zeros (1, *shape) of the type of the model's parameters.

    Parameters
    ----------
    model : Module
    shape : tuple of int
        Of a sample, without the batch.
    what : str
        The function, which opens the message of an error.

    Raises
    ------
    ShapeError
        If `shape` is not a tuple of sizes.
    """
    if not isinstance(shape, tuple | list) or not shape:
        raise ShapeError(f"{what}: input_shape must be a tuple such as (C, H, W), got {shape!r}")
    sizes = tuple(integer(size, f"{what}: input_shape", 1) for size in shape)
    dtype = next((p.dtype for p in model.parameters()), np.dtype(np.float32))
    return filled((1, *sizes), 0, dtype, f"{what}: the sample")
