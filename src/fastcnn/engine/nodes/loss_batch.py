"""What a training step is given for its loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

RESULTS = 2  # numbers that an image's loss comes with: the loss, and what is counted, see operations.inc

Arrays = dict[str, np.ndarray]


class LossBatch(NamedTuple):
    """The arrays of a batch.

    Attributes
    ----------
    target : array
        As the program reads it.
    others : dict
        Further arrays by name.
    divisor : float
        What the sum of all losses is divided by; 1 for the sum itself.
    factor : float
        What the gradient of the sum is multiplied by.
    """

    target: np.ndarray
    others: Arrays
    divisor: float
    factor: float
