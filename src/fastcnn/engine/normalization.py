"""A batch normalisation as the engine sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..nn import Parameter


@dataclass(frozen=True, eq=False)
class Normalization:
    """A batch normalisation: by the statistics of the batch, or `fixed` ones, the running statistics.

    Attributes
    ----------
    weight, bias : Parameter or None
        Scale and shift.
    running_mean, running_var : array or None
        With the statistics of the batch they are updated, if there are any.
    num_batches_tracked : array or None
        Counts the batches in them.
    eps, momentum : callable
        Return the layer's number of now; without a momentum they are the plain average of batches.
    fixed : bool
    """

    weight: Parameter | None
    bias: Parameter | None
    running_mean: np.ndarray | None
    running_var: np.ndarray | None
    num_batches_tracked: np.ndarray | None
    eps: Callable[[], float]
    momentum: Callable[[], float] | None
    fixed: bool

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Scale and shift."""
        return self.weight, self.bias
