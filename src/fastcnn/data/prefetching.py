"""Batches that a background thread makes while others are used."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from .. import _samples

# Images, labels, and weights if the data set has any.
Batch = tuple[Any, ...]
# Images that are handed over at a time: what a thread costs is shared by small batches.
BUNDLE = 256
# But no more bytes than this, of large ones.
BUNDLE_BYTES = 1 << 25


def _fill(
    batches: Iterator[Batch], ready: queue.SimpleQueue, free: threading.Semaphore, stop: threading.Event
) -> None:
    """Put bundles of batches into `ready` while there are free places, with the last one the error if any."""
    last, error = False, None
    while not last:
        free.acquire()
        bundle: list[Batch] = []
        try:
            images = size = 0
            while images < BUNDLE and size < BUNDLE_BYTES:
                if stop.is_set():
                    return
                bundle.append(next(batches))
                images += len(bundle[-1][1])
                size += sum(each.nbytes for each in _samples.arrays(bundle[-1][0]))
        except StopIteration:
            last = True
        except BaseException as caught:
            # Whatever it is, the consumer must not wait for ever.
            last, error = True, caught
        ready.put((bundle, last, error))


def prefetched(make: Callable[[], Iterator[Batch]], depth: int, begin: int = 0) -> Iterator[Batch]:
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
    yield from prefetched(make, depth, begin)


def with_last(batches: Iterable[Batch]) -> Iterator[tuple[Batch, bool]]:
    """Yield each batch, and whether it is the last: the next one is asked for before it is handed over."""
    iterator = iter(batches)
    for batch in iterator:
        for following in iterator:
            yield batch, False
            batch = following
        yield batch, True
