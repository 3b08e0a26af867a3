"""What the pictures and charts of a training draw: the parts that they need of it.

`History` and `LRFindResult` have them, and draw themselves with the functions here: those import nothing of a
training.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Epochs(Protocol):
    """The figures of epochs by column, as `History` holds them."""

    steps: list[dict[str, Any]]

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...

    def best(self, metric: str) -> dict[str, Any]:
        """Return the epoch with the best value of a column."""


class Search(Protocol):
    """Losses at rising learning rates, as `LRFindResult` holds them."""

    @property
    def lrs(self) -> np.ndarray:
        """The rates."""

    @property
    def losses(self) -> np.ndarray:
        """The loss of a batch at each of them."""

    @property
    def smoothed(self) -> np.ndarray:
        """Their moving average."""

    @property
    def suggestion(self) -> float | None:
        """The rate of the steepest descent."""

    @property
    def stop_reason(self) -> str:
        """Why it ended."""
