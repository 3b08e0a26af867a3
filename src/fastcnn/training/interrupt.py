"""Ctrl-C at a moment when it does no harm."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class DeferredInterrupt:
    """Hold Ctrl-C back inside a with block and let it act at its end.

    For bookkeeping that must be done whole or not at all, such as an epoch's row, its files and its weights.
    Outside the main thread, which alone gets signals, it does nothing.
    """

    def __enter__(self) -> None:
        self._asked = False
        self._before: Any = None
        # None is a handler that is not Python's: it could not be put back.
        ours = signal.getsignal(signal.SIGINT) is not None
        if ours and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if not self._asked:
            return
        if callable(self._before):
            self._before(signal.SIGINT, None)  # Python's own raises KeyboardInterrupt
        else:
            signal.raise_signal(signal.SIGINT)
