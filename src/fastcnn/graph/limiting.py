"""Limits that are tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._shapes import check_size
from ..errors import ArgumentError, DTypeError
from ..ops._check import FLOATS
from .arithmetic import met, refuse_batches, sum_to
from .fields import pointwise
from .operation import Array, Operand, Operation, Wanted, apply, as_array

__all__ = ["ClampBetween", "clamp_between"]


def clamp_between(x: Any, low: Any, high: Any) -> Any:
    """Apply `ClampBetween` to a tensor and limits: tensors, numbers or None.

    Raises
    ------
    DTypeError
        If x is no tensor of floats, or a limit has another type; one of integers takes that of x.
    ArgumentError
        If there is no limit.
    """
    if not isinstance(x, np.ndarray | Operand) or x.dtype.newbyteorder("=") not in FLOATS:
        raise DTypeError(f"clamp: x must be an array or a value of floats, got {type(x).__name__}")
    if low is None and high is None:
        raise ArgumentError("clamp: min, max or both must be given")
    return apply(ClampBetween(), x, _limit(low, "min", x.dtype), _limit(high, "max", x.dtype))


def _limit(limit: Any, name: str, dtype: np.dtype) -> Any:
    """Return a limit as a tensor of a type, None as it is."""
    if limit is None:
        return None
    if not isinstance(limit, np.ndarray | Operand | np.generic | int | float):
        raise DTypeError(f"clamp: {name} must be a tensor or a number, got {type(limit).__name__}")
    kind = np.asarray(as_array(limit)).dtype
    if kind.kind not in "fiub":
        raise DTypeError(f"clamp: {name} must be a tensor of numbers, got {kind}")
    if isinstance(limit, np.ndarray | Operand) and kind.kind == "f":
        if kind.newbyteorder("=") != dtype.newbyteorder("="):
            raise DTypeError(f"clamp: {name} must be {dtype} as x, got {kind}")
        return limit
    return np.asarray(as_array(limit), dtype)


class ClampBetween(Operation):
    """y = min(max(x, low), high) with broadcasting; without the limit that is None."""

    field = pointwise

    def forward(self, x: Array, low: Array | None, high: Array | None) -> tuple[Array, Any]:
        """Return y; a NaN of x or of a limit propagates, and where low > high it is high."""
        given = [each for each in (x, low, high) if each is not None]
        check_size(met("clamp", *(each.shape for each in given)), x.itemsize, "clamp: the output")
        y = x if low is None else np.maximum(x, low)
        return np.asarray(y if high is None else np.minimum(y, high)), (x, low, high)

    def trace(self, x: Array, low: Array | None, high: Array | None) -> Array:
        """Return y of no image."""
        y = self.forward(x, low, high)[0]
        refuse_batches("clamp", y, *(each for each in (x, low, high) if each is not None))
        return y

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return dy for what y is: x within the limits or on one, else a limit.

        Where they meet or have changed places, all is that of high, except where x, too, is what it is.
        """
        x, low, high = saved
        within = np.ones(dy.shape, bool)
        below = above = None
        if low is not None:
            within &= x >= low
            below = x < low if high is None else (x < low) & (low < high)
        if high is not None:
            within &= x <= high
            above = x > high if low is None else (x > high) | (high < low)
        return tuple(
            None if taken is None or not want else sum_to(np.where(taken, dy, dy.dtype.type(0)), each.shape)
            for taken, each, want in zip((within, below, above), saved, wanted, strict=True)
        )
