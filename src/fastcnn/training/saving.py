"""When a training is written to its checkpoint."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from os import PathLike
from typing import Any

from .._files import sweep
from .._shapes import integer
from ..errors import ArgumentError, CheckpointError
from .checkpoint import file_of, read_checkpoint, write_checkpoint

logger = logging.getLogger(__name__)

_UNITS = {"s": "seconds", "min": "minutes", "h": "hours"}

Interval = int | str | timedelta


def interval(value: Interval, what: str) -> int | timedelta:
    """Return a number of steps, or a time, of a number, a timedelta, or text such as "500", "10min", "30s".

    Raises
    ------
    ArgumentError
        If it is none, or none above 0.
    """
    if isinstance(value, timedelta):
        found: int | timedelta = value
    elif isinstance(value, str):
        match = re.fullmatch(r"(\d{1,9})\s*(s|min|h)?", value)
        if match is None:
            raise ArgumentError(
                f"{what} must be steps or a time, such as 500, '10min' or '30s', got {value!r}"
            )
        number, unit = match.groups()
        found = timedelta(**{_UNITS[unit]: int(number)}) if unit else int(number)
    else:
        found = integer(value, what, 1)
    if not found or (isinstance(found, timedelta) and found < timedelta(0)):
        raise ArgumentError(f"{what} must be above 0, got {value!r}")
    return found


class Saver:
    """Write a training to a file every few steps or minutes, after every epoch, and when it is asked to.

    Parameters
    ----------
    path : str or path, optional
        None: nothing is ever written.
    every : int, str or timedelta, optional
        Steps or time between two files within an epoch.
    conditions : nested dict
        Of the training.
    state : callable ``state() -> nested dict``
        Returns its state.
    """

    def __init__(
        self,
        path: str | PathLike[str] | None,
        every: Interval | None,
        conditions: Mapping[str, Any],
        state: Callable[[], Mapping[str, Any]],
    ) -> None:
        if path is None and every is not None:
            raise ArgumentError("fit: checkpoint_every needs checkpoint, the file to write")
        self._path = None if path is None else file_of(path)
        self._conditions = conditions
        self._state = state
        found = None if every is None else interval(every, "fit: checkpoint_every")
        self._steps = found if isinstance(found, int) else None
        self._seconds = found.total_seconds() if isinstance(found, timedelta) else None
        self._since = 0
        self._written = time.monotonic()

    def begin(self, anew: bool = False) -> None:
        """Write the first one; if a training begins `anew`, one that is there is kept, see `_set_aside`.

        Raises
        ------
        CheckpointError, DTypeError
            If it cannot be written: better now than in the night.
        """
        if self._path is not None:
            if anew and os.path.isfile(self._path):
                _set_aside(self._path)
            sweep(os.path.dirname(self._path) or ".")
            self._write(self._path)

    def after_step(self) -> None:
        """Write if it is time to."""
        self._since += 1
        if (self._steps is not None and self._since >= self._steps) or (
            self._seconds is not None and time.monotonic() - self._written >= self._seconds
        ):
            self.write()

    def write(self, whole: bool = True) -> None:
        """Write; training goes on without if that fails, and the one before stays.

        Parameters
        ----------
        whole : bool
            Whether no step is under way. Half of one is not written.
        """
        if self._path is None:
            return
        if not whole:
            logger.warning("the step under way was not finished: the checkpoint before it stays")
            return
        try:
            self._write(self._path)
        except Exception as error:  # whatever a callback keeps, training is worth more
            logger.warning("the checkpoint is not written, the one before stays: %s", error)

    def _write(self, path: str) -> None:
        self._since, self._written = 0, time.monotonic()
        write_checkpoint(path, self._conditions, self._state())


def _set_aside(path: str) -> None:
    """Give the checkpoint of another training the suffix ".before", unless nothing was trained there yet.

    Raises
    ------
    CheckpointError
        If the file is none: whatever it is, it shall not be lost.
    """
    try:
        state = read_checkpoint(path)["state"]
        epochs, batches = len(state["history"]["epochs"]), state["position"]["batch"]
    except (CheckpointError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"fit: checkpoint: there is another file, which is not overwritten: {error}"
        ) from error
    if not epochs and not batches:
        return
    kept = f"{os.path.realpath(path)}.before"  # of a link, which stays, what it leads to
    os.replace(os.path.realpath(path), kept)
    logger.warning(
        "%s held a training of %d epochs, which is now in %s: resume=True would have gone on with it",
        path,
        epochs,
        kept,
    )
