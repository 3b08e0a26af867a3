"""Locks that a forked child can use."""

from __future__ import annotations

import os
import threading
from weakref import WeakSet

from .._kernels.turns import Hold


class Locked:
    """Something that one thread uses at a time: ``with self.lock``."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _all.add(self)

    @property
    def lock(self) -> Hold:
        """What a thread enters to use it."""
        return Hold(self._lock)

    def renew(self) -> None:
        """Be nobody's: a thread that held the lock when the process was forked is not in the child."""
        self._lock = threading.RLock()


_all: WeakSet[Locked] = WeakSet()


def _renew() -> None:
    for each in _all:
        each.renew()


os.register_at_fork(after_in_child=_renew)
