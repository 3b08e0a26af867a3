"""Shuffled, augmented batches, prepared on a background thread while the current one is used.

The order of epoch e and the random numbers of its augmentation come from two generators seeded with
(seed, e) alone: an epoch can be repeated without the ones before it, and neither the number of threads
nor prefetching changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .. import _samples
from .._shapes import integer
from ..errors import ArgumentError, DTypeError
from .batch import Batch, whole_batch
from .dataset import Dataset
from .feed import ORDER, Feed
from .lazy import LazyDataset
from .prefetching import BUNDLE, BUNDLE_BYTES
from .targets import as_batch


class Loader(Feed):
    """Batches of a data set, epoch by epoch.

    Parameters
    ----------
    dataset : Dataset or LazyDataset
        At least one image.
    batch_size : int
        The last batch of an epoch has what remains. May be larger than the data set.
    shuffle : bool
        A new order each epoch; else the order of the data set.
    drop_last : bool
        Leave out a last batch that is not full.
    replacement : bool
        Draw each of the ``len(dataset)`` images of an epoch from all images, so that some come twice
        and others not at all. Needs `shuffle`.
    seed : int
        At least 0.
    augment : callable ``augment(images, rng) -> images``, optional
        E.g. one of `fastcnn.data.transforms`; called once a batch, on the background thread. For several
        inputs it takes and returns the tuple of them, as `fastcnn.data.transforms.PerInput` does. One with a
        method ``on_batch(batch, rng)`` is given labels, indices and epoch too, see `fastcnn.data.batch`.
    prefetch : int
        Batches prepared ahead, or bundles of small ones; 0 prepares each when asked for, without a thread.

    Raises
    ------
    ArgumentError, DTypeError
        If an argument cannot be used, or an epoch would have no batch.
    """

    def __init__(
        self,
        dataset: Dataset | LazyDataset,
        batch_size: int,
        *,
        shuffle: bool = True,
        drop_last: bool = False,
        replacement: bool = False,
        seed: int = 0,
        augment: Callable | None = None,
        prefetch: int = 2,
    ) -> None:
        if not isinstance(dataset, Dataset | LazyDataset):
            raise DTypeError(f"Loader: dataset must be a Dataset, got {type(dataset).__name__}")
        if len(dataset) == 0:
            raise ArgumentError("Loader: the data set is empty")
        super().__init__(seed, augment, prefetch)
        if replacement and not shuffle:
            raise ArgumentError("Loader: replacement=True draws at random, so it needs shuffle=True")
        self.dataset: Dataset | LazyDataset = dataset
        self.batch_size: int = integer(batch_size, "Loader: batch_size", 1)
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)
        self.replacement = bool(replacement)
        if len(self) == 0:
            raise ArgumentError(
                f"Loader: drop_last leaves no batch: {len(dataset)} images, batch_size {batch_size}"
            )

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def order(self, epoch: int) -> np.ndarray:
        """Return the indices of the images in the order of an epoch, int64 (len(dataset),)."""
        count = len(self.dataset)
        if not self.shuffle:
            return np.arange(count)
        rng = self._generator(integer(epoch, "Loader.order: epoch"), ORDER)
        return rng.integers(0, count, count) if self.replacement else rng.permutation(count)

    @property
    def length(self) -> int:
        """Number of batches of an epoch."""
        return len(self)

    @property
    def images(self) -> int:
        """Number of images of an epoch."""
        return min(len(self.dataset), len(self) * self.batch_size)

    def _plain(self, epoch: int) -> Iterator[Batch]:
        order, size = self.order(epoch), self.batch_size
        one = sum(each.nbytes for each in _samples.arrays(self.dataset.first().images))
        # Small batches are parts of a larger gathering.
        several = size * max(1, min(BUNDLE, BUNDLE_BYTES // max(1, one)) // size)
        for start in range(0, self.images, several):
            chosen = order[start : min(start + several, self.images)]
            images, targets = self.dataset.rows(chosen)
            labels = as_batch(targets, self.dataset.task)
            for i in range(0, len(chosen), size):
                rows = slice(i, i + size)
                part = _samples.take(images, rows)
                yield whole_batch(self.dataset, part, labels[rows], chosen[rows], epoch, self.seed)
