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
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self._asked:
            raise KeyboardInterrupt
