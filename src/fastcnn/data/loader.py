"""Shuffled, augmented batches, prepared on a background thread while the current one is used.

The order of epoch e and the random numbers of its augmentation come from two generators seeded with
(seed, e) alone: an epoch can be repeated without the ones before it, and neither the number of threads
nor prefetching changes it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import numpy as np

from .._shapes import integer
from ..errors import ArgumentError, DTypeError, ShapeError
from .dataset import Dataset

Batch = tuple[np.ndarray, np.ndarray]
# Streams of random numbers of one epoch: what comes after (seed, epoch) in the seed sequence's key.
_ORDER, _AUGMENTATION = 0, 1


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
        E.g. one of `fastcnn.data.transforms`; called once a batch, on the background thread.
    prefetch : int
        Batches prepared ahead; 0 prepares each when it is asked for, without a thread.

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

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of one epoch.

        The background thread starts with the first batch and has ended when the iterator has: at the end
        of the epoch, after an error, or when it is closed or no longer referenced.

        Parameters
        ----------
        epoch : int
            At least 0.

        Yields
        ------
        images : ndarray (n, C, H, W)
            New memory of the data set's dtype, or what `augment` returns.
        labels : int64 (n,)
        """
        batches = self._batches(integer(epoch, "Loader.epoch: epoch"))
        return _prefetched(batches, self.prefetch) if self.prefetch else batches

    def _generator(self, epoch: int, stream: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(epoch, stream)))

    def _batches(self, epoch: int) -> Iterator[Batch]:
        order, rng = self.order(epoch), self._generator(epoch, _AUGMENTATION)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            chosen = order[start : start + self.batch_size]
            images = self.dataset.images[chosen]
            if self.augment is not None:
                images = self.augment(images, rng)
                if not isinstance(images, np.ndarray) or images.shape[:1] != chosen.shape:
                    raise ShapeError(
                        f"Loader: augment must return an array of {len(chosen)} images, "
                        f"got {getattr(images, 'shape', type(images).__name__)}"
                    )
            yield images, self.dataset.labels[chosen]


def _fill(
    batches: Iterator[Batch], ready: queue.SimpleQueue, free: threading.Semaphore, stop: threading.Event
) -> None:
    """Put batches into `ready` while there are free places; then None, with the error if there was one."""
    try:
        while True:
            free.acquire()
            if stop.is_set():
                return
            ready.put((next(batches), None))
    except StopIteration:
        ready.put((None, None))
    except BaseException as error:
        # Whatever it is, the consumer must not wait for ever.
        ready.put((None, error))


def _prefetched(batches: Iterator[Batch], depth: int) -> Iterator[Batch]:
    """Yield `batches` from a thread that keeps up to `depth` of them ready."""
    ready: queue.SimpleQueue = queue.SimpleQueue()
    free = threading.Semaphore(depth)
    stop = threading.Event()
    thread = threading.Thread(
        target=_fill, args=(batches, ready, free, stop), name="fastcnn-loader", daemon=True
    )
    thread.start()
    try:
        while True:
            batch, error = ready.get()
            if error is not None:
                raise error
            if batch is None:
                return
            free.release()
            yield batch
    finally:
        stop.set()
        free.release()
        # The garbage collector may close this generator from the thread itself.
        if thread is not threading.current_thread():
            thread.join()
