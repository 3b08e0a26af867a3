"""Progress bars for those who sit before them: on the standard error, or among the output of a notebook."""

from __future__ import annotations

import os
import re
import sys
import threading
from importlib.util import find_spec
from typing import Any

from tqdm import tqdm  # type: ignore[import-untyped]
from tqdm.std import TqdmDefaultWriteLock  # type: ignore[import-untyped]

from ._streams import steady


def new_bar(total: int | None, label: str, shown: bool = True, **options: Any) -> tqdm:
    """Return a bar, which is `disable`d if it is not to be shown or nobody would see it.

    It is seen on a standard error that is a terminal, and in a notebook that has ipywidgets.

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
    widget = _notebook_bar() if shown else None
    if widget is not None:
        if "bar_format" in options:
            # A widget has the width of its page, and knows no other form of this word.
            options["bar_format"] = re.sub(r"\{bar:\d+\}", "{bar}", options["bar_format"])
        return widget(total=total, desc=label, **options)
    screen = steady(sys.stderr)
    return tqdm(total=total, desc=label, file=screen, disable=not (shown and screen.isatty()), **options)


def _notebook_bar() -> Any:
    """Return tqdm's class for notebooks, or None outside of a kernel of Jupyter and without ipywidgets.

    tqdm.auto chooses alike, but warns where ipywidgets is not installed.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if "IPKernelApp" not in getattr(shell, "config", ()) or find_spec("ipywidgets") is None:
        return None
    from tqdm import notebook

    return None if notebook.IProgress is None else notebook.tqdm


def _renew() -> None:
    # A thread that drew a bar when the process was forked is not there to release the child's copy of the
    # lock that all bars share. Otherwise the lock stays: it also keeps the bars of both processes apart.
    held = TqdmDefaultWriteLock.th_lock
    if held.acquire(blocking=False):
        held.release()
    else:
        tqdm.set_lock(threading.RLock())


os.register_at_fork(after_in_child=_renew)
