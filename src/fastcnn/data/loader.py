"""Shuffled, augmented batches, prepared on a background thread while the current one is used.

The order of epoch e and the random numbers of its augmentation come from two generators seeded with
(seed, e) alone: an epoch can be repeated without the ones before it, and neither the number of threads
nor prefetching changes it.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from .. import _samples
from .._shapes import integer
from ..errors import ArgumentError, DTypeError
from .batch import augmented, whole_batch
from .dataset import Dataset
from .targets import as_batch

# Images, labels, and weights if the data set has any.
Batch = tuple[Any, ...]
# Streams of random numbers of one epoch: what comes after (seed, epoch) in the seed sequence's key.
_ORDER, _AUGMENTATION = 0, 1
# Images that are handed over at a time: what a thread costs is shared by small batches.
_BUNDLE = 256


class Loader:
    """Batches of a data set, epoch by epoch.

    Parameters
    ----------
    dataset : Dataset
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
        dataset: Dataset,
        batch_size: int,
        *,
        shuffle: bool = True,
        drop_last: bool = False,
        replacement: bool = False,
        seed: int = 0,
        augment: Callable | None = None,
        prefetch: int = 2,
    ) -> None:
        if not isinstance(dataset, Dataset):
            raise DTypeError(f"Loader: dataset must be a Dataset, got {type(dataset).__name__}")
        if len(dataset) == 0:
            raise ArgumentError("Loader: the data set is empty")
        if augment is not None and not callable(augment):
            raise DTypeError(f"Loader: augment must be callable, got {augment!r}")
        if replacement and not shuffle:
            raise ArgumentError("Loader: replacement=True draws at random, so it needs shuffle=True")
        self.dataset = dataset
        self.batch_size = integer(batch_size, "Loader: batch_size", 1)
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)
        self.replacement = bool(replacement)
        self.seed = integer(seed, "Loader: seed")
        self.augment = augment
        self.prefetch = integer(prefetch, "Loader: prefetch")
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
        rng = self._generator(integer(epoch, "Loader.order: epoch"), _ORDER)
        return rng.integers(0, count, count) if self.replacement else rng.permutation(count)

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
            return _prefetched(lambda: self._batches(number), self.prefetch, first)
        return islice(self._batches(number), first, None)

    def _generator(self, epoch: int, stream: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(epoch, stream)))

    def _batches(self, epoch: int) -> Iterator[Batch]:
        order, rng = self.order(epoch), self._generator(epoch, _AUGMENTATION)
        size = self.batch_size
        several = size * max(1, _BUNDLE // size)  # small batches are parts of a larger gathering
        end = min(len(order), len(self) * size)
        for start in range(0, end, several):
            chosen = order[start : min(start + several, end)]
            images = _samples.take(self.dataset.images, chosen)
            labels = as_batch(self.dataset.labels[chosen], self.dataset.task)
            for i in range(0, len(chosen), size):
                rows = slice(i, i + size)
                part = _samples.take(images, rows)
                batch = whole_batch(self.dataset, part, labels[rows], chosen[rows], epoch, self.seed)
                if self.augment is not None:
                    batch = augmented(self.augment, batch, rng, "Loader")
                weights = () if batch.weights is None else (batch.weights,)
                yield (batch.images, batch.labels, *weights)


def _fill(
    batches: Iterator[Batch], ready: queue.SimpleQueue, free: threading.Semaphore, stop: threading.Event
) -> None:
    """Put bundles of batches into `ready` while there are free places, with the last one the error if any."""
    last, error = False, None
    while not last:
        free.acquire()
        bundle: list[Batch] = []
        try:
            images = 0
            while images < _BUNDLE:
                if stop.is_set():
                    return
                bundle.append(next(batches))
                images += len(bundle[-1][1])
        except StopIteration:
            last = True
        except BaseException as caught:
            # Whatever it is, the consumer must not wait for ever.
            last, error = True, caught
        ready.put((bundle, last, error))


def _prefetched(make: Callable[[], Iterator[Batch]], depth: int, begin: int = 0) -> Iterator[Batch]:
    """Yield what `make()` does from batch `begin` on; a thread keeps up to `depth` bundles ready."""
    ready: queue.SimpleQueue = queue.SimpleQueue()
    free = threading.Semaphore(depth)
    stop = threading.Event()
    batches = islice(make(), begin, None)
    thread = threading.Thread(
        target=_fill, args=(batches, ready, free, stop), name="fastcnn-loader", daemon=True
    )
    process = os.getpid()
    thread.start()
    try:
        while os.getpid() == process:
            bundle, last, error = ready.get()
            free.release()
            for batch in bundle:
                begin += 1
                yield batch
            if error is not None:
                raise error
            if last:
                return
    finally:
        # In a forked child there is no such thread, and it may have held the locks of these three.
        if os.getpid() == process:
            stop.set()
            free.release()
            # The garbage collector may close this generator from the thread itself.
            if thread is not threading.current_thread():
                thread.join()
    yield from _prefetched(make, depth, begin)
