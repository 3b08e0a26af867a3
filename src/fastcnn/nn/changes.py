"""Numbers that grow with changes of modules and of parameters' arrays.

The engine compares them before a run. While `latest` stays the same, no module was added, replaced or given
other attributes, and no parameter or buffer another array. While `latest_structure` does, a model does the
same with a sample, though parameters may have other arrays of the same shapes and types. Values that are
written in place do not count.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import count
from typing import Any

from .._scoped import Scoped

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


Watcher = Callable[[Any, str, Any], None]

_watcher = Scoped()


def watched(watcher: Watcher) -> AbstractContextManager[None]:
    """Call `watcher(module, name, value)` before this thread assigns an attribute of a module."""
    return _watcher.set(watcher)


_private = Scoped()


def private() -> AbstractContextManager[None]:
    """Let modules keep arrays, and what they have already, without its being a change.

    For the passes of a module with a backward of its own: they run again for each batch, and what they keep
    from one to the other is nobody else's.
    """
    return _private.set(True)


def is_private() -> bool:
    """Tell whether this thread runs the passes of a module with a backward of its own."""
    return bool(_private.value)


def assigning(module: Any, name: str, value: Any) -> None:
    """Say that an attribute of a module is about to be assigned."""
    if _watcher.value is not None:
        _watcher.value(module, name, value)
