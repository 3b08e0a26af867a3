"""What training and evaluation read, be it in memory, in files or in somebody else's hands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from .batch import Batch
from .targets import IGNORE_INDEX

# Images, labels as a data set keeps them, weights of the samples or None.
Rows: TypeAlias = tuple[Any, np.ndarray, np.ndarray | None]


class Source:
    """Base of what training and evaluation read: samples with targets of one task.

    Attributes
    ----------
    task : str
        What the targets are, see `fastcnn.data.Dataset`.
    classes : tuple of str
        Names of the classes; empty where nobody has named them.
    ignore_index : int
        What stands in masks where a pixel does not count.
    name : str
        What it is called in messages.
    weights : float64 (N,) or None
        How much each sample counts.
    """

    task: str
    classes: tuple[str, ...]
    ignore_index: int = IGNORE_INDEX
    name: str = ""
    weights: np.ndarray | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes, as far as they are known."""
        return len(self.classes)

    def first(self) -> Batch:
        """Return the first sample, as a batch of one."""
        raise NotImplementedError

    def in_order(self, size: int) -> Iterator[Rows]:
        """Yield all samples once: images, labels and weights of at most so many, or of as many as come."""
        raise NotImplementedError

    def largest_label(self) -> int | None:
        """Return the largest class, of images or pixels, that is among the targets; None if nobody knows."""
        return None

    def told(self) -> str | None:
        """Return what tells a source from others without reading it; None if its arrays tell."""
        return None
