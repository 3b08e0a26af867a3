"""Targets as a loss takes them beside what a model returns, and what its mean over them is divided by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def fitted(targets: np.ndarray, dtype: np.dtype, output_shape: tuple[int, ...]) -> np.ndarray:
    """Return real and binary targets in the model's precision; numbers (N,) as columns if outputs are those.

    Parameters
    ----------
    targets : array (N, ...)
        Integers, which are classes, stay as they are.
    dtype : dtype
        The model's.
    output_shape : tuple of int
        Of the output for one sample.
    """
    if targets.dtype.kind not in "bf":
        return targets
    cast = targets.astype(dtype, copy=False)
    return cast[:, None] if cast.ndim == 1 and output_shape == (1,) else cast


def loss_of(loss: Any, outputs: Any, targets: np.ndarray, weights: np.ndarray | None) -> Any:
    """Return the loss, of samples that count differently if there are weights."""
    return loss(outputs, targets) if weights is None else loss(outputs, targets, sample_weight=weights)


def divisor_of(loss: Any, targets: np.ndarray, weights: np.ndarray | None) -> float:
    """Return what a mean over a batch was divided by: the samples, unless the loss counts otherwise."""
    divisor = getattr(loss, "divisor", None)
    if not callable(divisor):
        return float(len(targets) if weights is None else weights.sum())
    return float(divisor(targets) if weights is None else divisor(targets, weights))


class MeanLoss:
    """The loss over all samples, from that of batches."""

    def __init__(self, loss: Any) -> None:
        self._loss = loss
        self._adds_up = getattr(loss, "reduction", "mean") == "sum"
        self._values: list[tuple[float, float]] = []

    def add(self, outputs: Any, targets: np.ndarray, weights: np.ndarray | None) -> None:
        """Take a batch into account."""
        if weights is not None and not weights.any():
            return  # nothing counts, and its mean is none
        value = float(loss_of(self._loss, outputs, targets, weights))
        self._values.append((value, 1.0 if self._adds_up else divisor_of(self._loss, targets, weights)))

    def result(self) -> float:
        """Return the loss over all batches; that of a single one as it is."""
        if len(self._values) == 1:
            return self._values[0][0]
        counted = [(value, share) for value, share in self._values if share]
        total = (
            math.fsum(value * share for value, share in counted)
            if all(math.isfinite(value) for value, _ in counted)
            else math.nan
        )
        return total if self._adds_up else total / (math.fsum(share for _, share in counted) or math.nan)
