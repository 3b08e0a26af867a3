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

    def renew(self) -> None:
        """Be nobody's: a thread that held the lock when the process was forked is not in the child."""
        self.lock = threading.RLock()


_all: WeakSet[Locked] = WeakSet()


def _renew() -> None:
    for each in _all:
        each.renew()


os.register_at_fork(after_in_child=_renew)
