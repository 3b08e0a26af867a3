"""The exceptions that fastcnn raises: each names the argument, what came and what was expected.

They derive from the built-in that a caller would expect, so that ``except ValueError`` keeps working.
"""

import difflib
from collections.abc import Iterable


class FastcnnError(Exception):
    """Base of every exception that fastcnn raises itself."""


class ArgumentError(FastcnnError, ValueError):
    """An argument has the right type but a value that cannot be used."""


class ShapeError(ArgumentError):
    """Array shapes do not fit each other or the operation."""


class SizeError(ArgumentError, MemoryError):
    """A result would have more elements than can be addressed or more bytes than the machine has."""


class DTypeError(FastcnnError, TypeError):
    """An argument has a type or an array dtype that the operation does not take."""


class StateError(FastcnnError, RuntimeError):
    """An object is not in the state that the call needs, e.g. backward before forward."""


class DataError(FastcnnError, ValueError):
    """A file or a data set is missing, malformed or not what it says it is."""


class DownloadError(DataError):
    """No address gave a file; the message has a line for each that was tried."""


class CheckpointError(DataError):
    """A weights file cannot be read or does not fit the model."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean ...?)" for a message if one of the known words is close, else nothing."""
    folded = {name.lower(): name for name in known}
    # Comparing takes long for long words, and none of the known ones is.
    close = difflib.get_close_matches(word[:100].lower(), folded, 1)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""
