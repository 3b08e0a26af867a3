"""Ctrl-C and SIGTERM at moments when they do no harm."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(SystemExit):
    """SIGTERM, or Ctrl-C where it has the system's meaning: the process ends when this leaves its last block.

    Parameters
    ----------
    number : int
        Of the signal. The exit code is 128 more, as a shell tells it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


class Held:
    """A with block in which signals wait, unless it is the second Ctrl-C: somebody is in a hurry."""

    def __init__(self, owner: Interrupts) -> None:
        self._owner = owner

    def __enter__(self) -> None:
        self._owner._depth += 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        owner = self._owner
        owner._depth -= 1
        # An error goes first; what waits acts when the signals are left to others again.
        if owner._waiting is not None and not owner._depth and kind is None:
            number, owner._waiting = owner._waiting, None
            owner._act(number, None)


class Interrupts:
    """Take Ctrl-C and SIGTERM over inside a with block, and hold them back inside blocks of `held`.

    For what must be done whole or not at all, such as a step of training. Ctrl-C raises KeyboardInterrupt,
    and SIGTERM `Terminated`; a handler of somebody's own is called instead, and what is ignored stays so.
    Outside the main thread, which alone gets signals, nothing changes.

    Attributes
    ----------
    held : Held
        The block to do it in; it may be entered again within itself.
    """

    def __init__(self) -> None:
        self.held = Held(self)
        self._depth = 0
        self._waiting: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._process = os.getpid()
            for number in _SIGNALS:
                before = signal.getsignal(number)
                # None is a handler that is not Python's: it could not be put back.
                if before is not None and before is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        before, self._before = self._before, {}
        for number, handler in before.items():
            signal.signal(number, handler)
        if self._waiting is not None:
            signal.raise_signal(self._waiting)

    def _note(self, number: int, frame: FrameType | None) -> None:
        again = number == signal.SIGINT == self._waiting
        # A child that was forked inside a held block would wait for an end that it never comes to.
        if self._depth and not again and os.getpid() == self._process:
            if self._waiting != signal.SIGTERM:  # which says more than a Ctrl-C behind it
                self._waiting = number
            return
        self._waiting = None
        self._act(number, frame)

    def _act(self, number: int, frame: FrameType | None) -> None:
        """Do what the signal means."""
        before = self._before[number]
        if callable(before):
            before(number, frame)  # Python's own raises KeyboardInterrupt
            if not isinstance(getattr(before, "__self__", None), Interrupts):
                return
            # A training around this one has taken note of it, and waits for this one to end.
        if number == signal.SIGINT and before is not signal.SIG_DFL:
            raise KeyboardInterrupt
        raise Terminated(number)
