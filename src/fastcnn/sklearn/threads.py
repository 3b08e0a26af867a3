"""How many threads an estimator uses beside others that work at the same time.

Processes of joblib start with ``OMP_NUM_THREADS`` set to their share of the cores (loky, its default), and
fastcnn reads that when it is imported. What is left to do here:

- Threads of one process (joblib's threading backend) share its threads: with k estimators at work each is
  given a k-th part, as kernels have one number of threads for the whole process.
- A process that was forked keeps the number of the one that it comes from. Those of a pool, which are
  daemons, take one thread each, as joblib's own nested calls do there.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .._config import get_num_threads, set_num_threads


class _Turns:
    """The estimators of this process that are at work, and what each is to have at the most."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.limits: list[int | None] = []
        self.before = self.set = 0

    def enter(self, limit: int | None) -> None:
        """Let one more work."""
        with self.lock:
            if not self.limits:
                self.before = get_num_threads()
            self.limits.append(limit)
            self._divide()

    def leave(self, limit: int | None) -> None:
        """Let one less work; the last one puts back the number that there was, if nobody has set another."""
        with self.lock:
            self.limits.remove(limit)
            if self.limits:
                self._divide()
            elif get_num_threads() == self.set:
                set_num_threads(self.before)

    def _divide(self) -> None:
        whole = 1 if multiprocessing.current_process().daemon else self.before
        share = max(1, whole // len(self.limits))
        self.set = min(share if limit is None else limit for limit in self.limits)
        set_num_threads(self.set)


_turns = _Turns()


def _forget() -> None:
    # Those that were at work when the process was forked are not at work in the child.
    global _turns
    number = _turns.before if _turns.limits else 0
    _turns = _Turns()
    if number:
        set_num_threads(number)


os.register_at_fork(after_in_child=_forget)


@contextmanager
def shared_threads(limit: int | None) -> Iterator[None]:
    """Have a share of the process's threads within a with block, or `limit` of them; results are the same."""
    turns = _turns
    turns.enter(limit)
    try:
        yield
    finally:
        turns.leave(limit)
