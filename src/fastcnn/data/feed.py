"""What feeds training, epoch by epoch: batches of a source, augmented, one thread ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from .._shapes import integer
from ..errors import DTypeError
from . import batch as batches
from .prefetching import Batch, prefetched
from .source import Source

# Streams of random numbers of one epoch: what comes after (seed, epoch) in the seed sequence's key.
ORDER, AUGMENTATION = 0, 1


class Feed:
    """Base of what makes batches; see `fastcnn.data.Loader` for its attributes."""

    dataset: Source
    batch_size: int | None  # None: the batches have lengths of their own
    shuffle: bool
    drop_last: bool
    replacement: bool

    def __init__(self, seed: int, augment: Callable | None, prefetch: int) -> None:
        if augment is not None and not callable(augment):
            raise DTypeError(f"Loader: augment must be callable, got {augment!r}")
        self.seed = integer(seed, "Loader: seed")
        self.augment = augment
        self.prefetch = integer(prefetch, "Loader: prefetch")

    @property
    def length(self) -> int | None:
        """Number of batches of an epoch; None if nobody knows."""
        raise NotImplementedError

    @property
    def images(self) -> int | None:
        """Number of images of an epoch; None if nobody knows."""
        raise NotImplementedError

    def epoch(self, epoch: int, begin: int = 0) -> Iterator[Batch]:
        """Yield the batches of one epoch.

        The background thread starts with the first batch and has ended when the iterator has: at the end
        of the epoch, after an error, or when it is closed or no longer referenced. A child process that is
        forked meanwhile goes on with the same batches, on a thread of its own; those before are augmented
        once more for it, since the random numbers follow from them.

        Parameters
        ----------
        epoch : int
            At least 0.
        begin : int
            How many batches to leave out. They are augmented all the same, since the random numbers follow
            from them.

        Yields
        ------
        images : ndarray (n, C, H, W), or tuple of ndarrays for several inputs
            New memory of the data set's dtype, or what `augment` returns.
        labels : int64 (n,), or what `augment` makes of them
            Of several labels float32 (n, K), of masks int64 (n, H, W), of real targets as they are.
        weights : float64 (n,)
            Only if the data set has weights: else each batch is a pair.
        """
        number, first = integer(epoch, "Loader.epoch: epoch"), integer(begin, "Loader.epoch: begin")
        if self.prefetch:
            return prefetched(lambda: self._batches(number), self.prefetch, first)
        return islice(self._batches(number), first, None)

    def _generator(self, epoch: int, stream: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(epoch, stream)))

    def _batches(self, epoch: int) -> Iterator[Batch]:
        rng = self._generator(epoch, AUGMENTATION)
        for batch in self._plain(epoch):
            made = batch
            if self.augment is not None:
                made = batches.augmented(self.augment, batch, rng, "Loader")
            weights: tuple[Any, ...] = () if made.weights is None else (made.weights,)
            yield (made.images, made.labels, *weights)

    def _plain(self, epoch: int) -> Iterator[batches.Batch]:
        """Yield the batches of one epoch before they are augmented."""
        raise NotImplementedError
