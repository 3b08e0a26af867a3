"""What holds for a thread within a with block."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Scoped(threading.local):
    """A value that each thread has for itself, None at first."""

    def __init__(self) -> None:
        self.value: Any = None

    @contextmanager
    def set(self, value: Any) -> Iterator[None]:
        """Have another value within a with block, in this thread."""
        before, self.value = self.value, value
        try:
            yield
        finally:
            self.value = before
