"""Standard output and standard error, whatever became of them.

They are None in a process without a terminal (``pythonw``, ``>&-``), objects of somebody else's in notebooks,
loggers and windows, and pipes whose reader goes away. A training does not end for that.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any

# The reader has gone; the terminal has gone.
_GONE = (errno.EPIPE, errno.EIO)


class Steady:
    """A stream around another: what cannot be written to that is lost, and nothing is raised for it.

    Characters that the other's encoding lacks are written as ``\\xe4``. A full disk is an error still.

    Parameters
    ----------
    stream : any
        What `sys.stdout` or `sys.stderr` is: a text stream, an object with ``write`` alone, or None.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:
        """The other's encoding; UTF-8 if it does not say."""
        encoding = getattr(self._stream, "encoding", None)
        return encoding if isinstance(encoding, str) else "utf-8"

    def isatty(self) -> bool:
        """Tell whether the other is a terminal."""
        try:
            return bool(self._stream.isatty())
        except (AttributeError, TypeError, ValueError, OSError):
            return False

    def write(self, text: str) -> int:
        """Write text, and return its length."""
        write = getattr(self._stream, "write", None)
        if write is not None:
            with self._losing():
                try:
                    write(text)
                except UnicodeEncodeError:
                    write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        """Write what is held back."""
        flush = getattr(self._stream, "flush", None)
        if flush is not None:
            with self._losing():
                flush()

    @contextlib.contextmanager
    def _losing(self) -> Iterator[None]:
        """Go on without a stream that is closed or broken."""
        try:
            yield
        except ValueError:
            if not getattr(self._stream, "closed", False):
                raise
        except OSError as error:
            # What it still holds goes nowhere, or Python would complain of it when it ends.
            with contextlib.suppress(AttributeError, OSError, ValueError):
                null = os.open(os.devnull, os.O_WRONLY)
                try:
                    os.dup2(null, self._stream.fileno())
                finally:
                    os.close(null)
            if error.errno not in _GONE:
                raise


def steady(stream: Any) -> Steady:
    """Return a stream that can be written to whatever becomes of `stream`."""
    return stream if isinstance(stream, Steady) else Steady(stream)


@contextlib.contextmanager
def steady_streams() -> Iterator[None]:
    """Make sys.stdout and sys.stderr such streams, and give no file the number of one that is closed."""
    with contextlib.suppress(OSError):
        while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(number)
    out, err = steady(sys.stdout), steady(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            yield
        finally:
            # Whoever wants to know of a full disk has flushed before.
            for stream in (out, err):
                with contextlib.suppress(OSError):
                    stream.flush()
