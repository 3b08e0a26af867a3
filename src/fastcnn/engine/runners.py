"""Predictions of several threads at the same time, on one program."""

from __future__ import annotations

import threading
import weakref
from contextlib import suppress
from typing import NamedTuple

from .._kernels import cores
from .._kernels.turns import Turn, Turns
from ..errors import SizeError
from ..nn import changes
from .locking import Locked
from .packed import Noted, Packed
from .runner import Runner

# Threads that may have a runner at the same time, at the least; others wait for one.
_LEAST = 8
# An interrupt may come before somebody is woken: so many seconds later those that wait look for themselves.
_LOOK_AGAIN = 0.1


class _Packing(NamedTuple):
    """What the program has packed."""

    noted: Noted
    settings: list[float]


class _Waiting:
    """A thread in the queue, for as long as it is there: the queue does not keep it.

    It waits for a lock, and not for an Event, whose own lock an interrupt could leave locked.
    """

    def __init__(self) -> None:
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def sleep(self) -> None:
        """Wait until it is woken."""
        self._asleep.acquire(timeout=_LOOK_AGAIN)

    def wake(self) -> None:
        """End its sleep, or the next one."""
        with suppress(RuntimeError):  # it was woken already
            self._asleep.release()


class Runners(Locked):
    """Runners of one program, each of which has buffers of its own: ``with runners.turn() as runner``.

    A thread takes one that nobody uses, and while there is none, another one is made, up to a limit. What the
    program has packed of parameters, all of them read. So it is packed anew, after a change, when no other
    thread has a runner. Threads that must wait have their turn in the order in which they came.

    Parameters
    ----------
    first : Runner
        The one that is used while threads come one by one.
    packed : Packed
        Tells whether what was packed still holds.
    """

    def __init__(self, first: Runner, packed: Packed) -> None:
        super().__init__()
        self.turns = Turns(first)
        self.most = max(_LEAST, 2 * cores.present_cores())
        self._first = first
        self._packed = packed
        self._packing: _Packing | None = None
        self._seen = -1  # the latest change of which it is known that it was none of settings
        self._queue: list[weakref.ref[_Waiting]] = []

    def __len__(self) -> int:
        return len(self.turns)

    def turn(self) -> Turn:
        """Return what a thread enters to use a runner, when everything is packed."""
        return Turn(self)

    def renew(self) -> None:
        """Be idle: of threads that ran when the process was forked, none is in the child."""
        super().renew()
        self._queue = []
        self._packing = None  # it may have been under way
        self.turns.renew()

    def is_ready(self) -> bool:
        """Tell whether what was packed holds."""
        packing, latest = self._packing, changes.latest()
        if packing is None:
            return False
        if latest != self._seen:
            if self._first.settings() != packing.settings:
                return False
            self._seen = latest
        return self._packed.unchanged(packing.noted)

    def wait(self, turn: Turn) -> None:
        """Return when `turn` has taken a runner."""
        me = _Waiting()
        try:
            with self.lock:
                self._queue.append(weakref.ref(me))
                self.turns.closed = True
            while not self._takes(turn, me):
                me.sleep()
        finally:
            with self.lock:
                self._queue = [each for each in self._queue if each() not in (None, me)]
                self.turns.closed = bool(self._queue)
            self.wake()

    def wake(self) -> None:
        """Have the first thread of the queue look whether it may go on."""
        with self.lock:
            first = self._head()
            if first is not None:
                first.wake()

    def _head(self) -> _Waiting | None:
        return next((waiting for each in self._queue if (waiting := each()) is not None), None)

    def _takes(self, turn: Turn, me: _Waiting) -> bool:
        """Let the first thread of the queue take a runner if it can have one."""
        with self.lock:
            if self._head() is not me:
                return False
            if not self.is_ready():
                if self.turns.others():
                    return False
                self._pack()
            runner = self.turns.next() or self._another()
            if runner is None:
                return False
            if runner.followed != self.turns.version:
                assert self._packing is not None
                runner.follow(self._packing.noted.cells, self._packing.settings)
                runner.followed = self.turns.version
            return turn.take(self.turns.version, True)

    def _pack(self) -> None:
        first, latest = self._first, changes.latest()
        self._packing = None
        # Before they are read: whatever changes from now on is found the next time.
        noted, settings = self._packed.note(), first.settings()
        self.turns.version += 1
        first.follow(noted.cells, settings)
        first.followed = self.turns.version
        first.share = 1
        first.prepare()
        self._seen, self._packing = latest, _Packing(noted, settings)

    def _another(self) -> Runner | None:
        """Return one more runner, or None if that is not possible."""
        if len(self.turns) >= self.most:
            return None
        try:
            runner = Runner(self._first.executable.again(), self._first.threads, self._first.dropouts)
        except (SizeError, MemoryError):
            if len(self.turns) > 1 or self.turns.others():
                return None
            raise
        self.turns.add(runner)
        return runner
