"""Progress bars on the standard error, for those who sit before it."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from tqdm import tqdm  # type: ignore[import-untyped]
from tqdm.std import TqdmDefaultWriteLock  # type: ignore[import-untyped]

from ._streams import steady


def new_bar(total: int | None, label: str, shown: bool = True, **options: Any) -> tqdm:
    """Return a bar, which is `disable`d if it is not to be shown or the standard error is no terminal.

    Parameters
    ----------
    total : int or None
        What it counts to, if that is known.
    label : str
        What stands before it.
    shown : bool
    **options
        Those of tqdm.
    """
    screen = steady(sys.stderr)
    return tqdm(total=total, desc=label, file=screen, disable=not (shown and screen.isatty()), **options)


def _renew() -> None:
    # A thread that drew a bar when the process was forked is not there to release the child's copy of the
    # lock that all bars share. Otherwise the lock stays: it also keeps the bars of both processes apart.
    held = TqdmDefaultWriteLock.th_lock
    if held.acquire(blocking=False):
        held.release()
    else:
        tqdm.set_lock(threading.RLock())


os.register_at_fork(after_in_child=_renew)
