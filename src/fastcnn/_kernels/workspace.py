"""Scratch memory for kernels, which never allocate themselves."""

import threading

import numpy as np

from .._shapes import allocate

_KEPT_BYTES = 2**25
_local = threading.local()


def workspace(size: int) -> np.ndarray:
    """Return at least `size` bytes (int8), aligned to 64, that are valid until this thread's next call.

    Up to 32 MiB are kept for the next call: fresh pages cost more than many a small convolution.
    """
    kept = getattr(_local, "bytes", None)
    if kept is not None and kept.size >= size:
        return kept
    new = allocate((max(size, 1),), np.int8, "scratch memory of a kernel", aligned=True)
    if size <= _KEPT_BYTES:
        _local.bytes = new
    return new
