"""A number that grows with each change of a module or of a parameter's array.

The engine compares it before a run: while it stays the same, no module was added, replaced or given other
attributes, and no parameter or buffer another array. Values that are written in place do not count.
"""

from itertools import count

_numbers = count(1)
_latest = 0


def note() -> None:
    """Say that something has been changed."""
    global _latest
    _latest = next(_numbers)


def latest() -> int:
    """Return the number of the latest change."""
    return _latest
