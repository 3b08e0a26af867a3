"""Locks that a forked child can use."""

from __future__ import annotations

import os
import threading
from weakref import WeakSet


class Locked:
    """Something that one thread uses at a time: ``with self.lock``."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        _all.add(self)


_all: WeakSet[Locked] = WeakSet()


def _renew() -> None:
    # A thread that held a lock when the process was forked is not there to release the child's copy.
    for each in _all:
        each.lock = threading.RLock()


os.register_at_fork(after_in_child=_renew)
