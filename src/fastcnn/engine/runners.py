"""Predictions of several threads at the same time, on one program."""

from __future__ import annotations

import threading
from typing import Any

from ..errors import SizeError
from ..nn import changes
from .locking import Locked
from .packed import Packed
from .runner import Runner


class Runners(Locked):
    """Runners of one program, each of which has buffers of its own: ``with runners.turn() as runner``.

    A thread takes one that nobody uses, and while there is none, another one is made, up to a limit. What the
    program has packed of parameters, all of them read. So it is packed anew, after a change, when all are
    idle: until then a thread that finds the change waits.

    Parameters
    ----------
    first : Runner
        The one that is used while threads come one by one.
    packed : Packed
        Tells whether what was packed still holds.
    """

    # So many threads have a runner at the same time; others wait for one.
    MOST = 64

    def __init__(self, first: Runner, packed: Packed) -> None:
        super().__init__()
        self._all = [first]
        self._free = [first]  # the last one is taken next
        self._packed = packed
        self._packings = 0
        self._followed = {first: -1}  # the packing that each runner has followed
        self._settings: list[float] = []  # of the latest packing
        self._seen = -1  # the latest change of which it is known that it was none of settings
        self._returned = threading.Condition(self.lock)
        self._waiting = 0

    def __len__(self) -> int:
        return len(self._all)

    def turn(self) -> _Turn:
        """Return what a thread enters to use a runner, in which what is to be packed is packed."""
        return _Turn(self)

    def renew(self) -> None:
        """Be idle: of threads that ran when the process was forked, none is in the child."""
        super().renew()
        self._returned, self._waiting = threading.Condition(self.lock), 0
        self._free = self._all[::-1]
        self._packed.forget()  # it may have been under way

    def take(self) -> Runner:
        """Return a runner that nobody else uses, until it is given back."""
        with self.lock:
            has_packed = False
            while True:
                if not has_packed and not self._holds():
                    if len(self._free) == len(self._all):
                        self._pack()
                        has_packed = True
                        continue
                elif self._free or self._add():
                    break
                self._waiting += 1
                try:
                    self._returned.wait()
                finally:
                    self._waiting -= 1
            runner = self._free[-1]
            if self._followed[runner] != self._packings:
                runner.follow(self._packed.kept)
                self._followed[runner] = self._packings
            runner.share = 1 + len(self._all) - len(self._free)
            return self._free.pop()

    def give_back(self, runner: Runner) -> None:
        """Let others use it."""
        with self.lock:
            # The first one is taken first.
            self._free.insert(len(self._free) if runner is self._all[0] else 0, runner)
            if self._waiting:
                self._returned.notify_all()

    def _holds(self) -> bool:
        """Tell whether what was packed holds."""
        latest = changes.latest()
        if latest != self._seen:
            if self._settings_now() != self._settings:
                return False
            self._seen = latest
        return self._packed.unchanged()

    def _settings_now(self) -> list[float]:
        return [scalar() for _, _, scalar in self._all[0].executable.scalars]

    def _pack(self) -> None:
        first, latest = self._all[0], changes.latest()
        # Before they are read: whatever changes from now on is found the next time.
        self._packed.note()
        try:
            settings = self._settings_now()
            first.follow(self._packed.kept)
            first.share = 1
            first.prepare()
        except BaseException:
            self._packed.forget()
            raise
        self._packings += 1
        self._followed[first] = self._packings
        self._settings, self._seen = settings, latest

    def _add(self) -> bool:
        """Make another runner; return whether that was possible."""
        first = self._all[0]
        if len(self._all) == self.MOST:
            return False
        try:
            runner = Runner(first.executable.again(), first.threads, first.dropouts)
        except (SizeError, MemoryError):
            return False
        self._all.append(runner)
        self._free.append(runner)
        self._followed[runner] = -1
        return True


class _Turn:
    """The use of a runner in a with block."""

    __slots__ = ("_runner", "_runners")

    def __init__(self, runners: Runners) -> None:
        self._runners = runners
        self._runner: Runner | None = None

    def __enter__(self) -> Runner:
        self._runner = self._runners.take()
        return self._runner

    def __exit__(self, *error: Any) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            self._runners.give_back(runner)

    # If an interrupt came where no with block has it.
    def __del__(self) -> None:
        self.__exit__()
