"""Logs of a training that grow with each epoch: tables in CSV, and lines of JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, BinaryIO

from .._files import open_stream, write_atomic, write_stream
from .callback import Callback
from .files import check_folder, table
from .history import History
from .trainer import Trainer


class _Log(Callback):
    """Base of logs: a file with all epochs, written anew after each; or a stream that each is written to."""

    def __init__(
        self, path: str | PathLike[str], columns: Sequence[str] | Mapping[str, str] | None = None
    ) -> None:
        self.path = path
        self.columns = columns
        self._stream: BinaryIO | None = None

    def _text(self, history: History, only_last: bool) -> bytes:
        """Return what the file is to have, or the line of the last epoch."""
        raise NotImplementedError(f"{type(self).__name__} must define _text(history, only_last)")

    def on_train_begin(self, trainer: Trainer) -> None:
        """Check that there is a folder for the file."""
        check_folder(self.path, f"{type(self).__name__}: path: ")

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        """Write all epochs so far, or this one after those before."""
        first = self._stream is None
        if first:
            self._stream = open_stream(self.path)
        if self._stream is None:
            write_atomic(self.path, self._text(trainer.history, False))
            return
        try:
            write_stream(self._stream, self._text(trainer.history, not first))
        except OSError:
            self._close()
            raise

    def on_train_end(self, trainer: Trainer, history: History) -> None:
        """Close a device or a pipe."""
        self._close()

    def on_exception(self, trainer: Trainer, error: BaseException) -> None:
        """Close a device or a pipe."""
        self._close()

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class CSVLogger(_Log):
    """Write the history to a CSV file after each epoch, see `History.to_csv`.

    To a device or a pipe, each epoch's line is written once, and it is closed when the training ends.

    Parameters
    ----------
    path : str or path
    columns : sequence of str, or mapping of column to heading, optional
    """

    def _text(self, history: History, only_last: bool) -> bytes:
        rows = history.rows(self.columns)
        return table(rows[-1:] if only_last else rows)


class JSONLines(_Log):
    """Write the history after each epoch as lines of JSON, an object for each epoch.

    The file has all epochs of the history: an older one is replaced, and of a training that goes on each
    epoch is in it once. A device or a pipe gets each epoch's line as it comes.

    NaN and infinite numbers, which JSON lacks, are null. Numbers are written so that they are read back to
    the bit.

    Parameters
    ----------
    path : str or path
    columns : sequence of str, or mapping of column to name, optional
        Which columns, and what to call them. Default: those that each epoch has.

    Examples
    --------
    >>> log = JSONLines("history.jsonl", ["epoch", "loss", "val_loss"])
    """

    def _text(self, history: History, only_last: bool) -> bytes:
        rows: Iterable[Mapping[str, Any]] = history.epochs[-1:] if only_last else history
        return b"".join(self._line(row) for row in rows)

    def _line(self, row: Mapping[str, Any]) -> bytes:
        names = row if self.columns is None else self.columns
        called = self.columns if isinstance(self.columns, Mapping) else {}
        told = {called.get(name, name): _number(row.get(name, math.nan)) for name in names}
        return json.dumps(told, allow_nan=False).encode() + b"\n"


def _number(value: Any) -> Any:
    """Return a number as JSON knows it."""
    value = value.item() if hasattr(value, "item") else value
    return value if not isinstance(value, float) or math.isfinite(value) else None
