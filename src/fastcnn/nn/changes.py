"""Numbers that grow with changes of modules and of parameters' arrays.

The engine compares them before a run. While `latest` stays the same, no module was added, replaced or given
other attributes, and no parameter or buffer another array. While `latest_structure` does, a model does the
same with a sample, though parameters may have other arrays of the same shapes and types. Values that are
written in place do not count.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

_numbers = count(1)
_latest = _latest_structure = 0


def note() -> None:
    """Say that something has been changed."""
    global _latest, _latest_structure
    _latest = _latest_structure = next(_numbers)


def note_array() -> None:
    """Say that a parameter has another array, of the same shape and type."""
    global _latest
    _latest = next(_numbers)


def latest() -> int:
    """Return the number of the latest change."""
    return _latest


def latest_structure() -> int:
    """Return the number of the latest change of more than an array."""
    return _latest_structure


# Assignments of this thread ---------------------------------------------------------------------------


class _Thread(threading.local):
    watcher: Callable[[Any, str, Any], None] | None = None


_thread = _Thread()


@contextmanager
def watched(watcher: Callable[[Any, str, Any], None]) -> Iterator[None]:
    """Call `watcher(module, name, value)` before this thread assigns an attribute of a module."""
    before, _thread.watcher = _thread.watcher, watcher
    try:
        yield
    finally:
        _thread.watcher = before


def assigning(module: Any, name: str, value: Any) -> None:
    """Say that an attribute of a module is about to be assigned."""
    if _thread.watcher is not None:
        _thread.watcher(module, name, value)
