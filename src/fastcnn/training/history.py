"""What happened in training, epoch by epoch."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, TextIO, overload

from ..errors import ArgumentError, DataError, suggestion
from .files import write_table
from .report import plot_curves
from .report.inline import html_history

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame  # type: ignore[import-untyped]


# How metrics end that are to be low, and high.
_LOW = "loss", "mae", "mse", "error"
_HIGH = "accuracy", "f1", "precision", "recall", "r2", "iou", "dice"


def better_is(metric: str, mode: str = "auto") -> str:
    """Return "min" or "max": what is good for a metric of this name, unless `mode` says it.

    Raises
    ------
    ArgumentError
        If `mode` is none of "auto", "min", "max", or the name does not tell.
    """
    if mode in ("min", "max"):
        return mode
    if mode != "auto":
        raise ArgumentError(f"mode must be 'auto', 'min' or 'max', got {mode!r}")
    if metric.endswith(_LOW):
        return "min"
    if metric.endswith(_HIGH):
        return "max"
    known = (f"{part}{name}" for part in ("", "val_") for name in (*_LOW, *_HIGH))
    raise ArgumentError(
        f"say mode='min' or mode='max' for {metric!r}: its name does not tell which is good"
        f"{suggestion(metric, known)}"
    )


class History:
    """One dict of numbers an epoch, in order.

    ``history["val_accuracy"]`` is a column, ``history[-1]`` the last epoch; ``len`` and iteration are those
    of the epochs. Notebooks show curves and a table.

    Attributes
    ----------
    epochs : list of dict
        "epoch" (from 1), "lr" (of the first group, in the last step), "loss" and "accuracy" (of the training
        batches as they came, augmented, while the weights changed), with validation "val_loss",
        "val_accuracy", "val_macro_f1", or the metrics of another task (which has no "accuracy" of training
        batches), and those of your own; "seconds" (all of the epoch), "images_per_second" (training alone).
        Callbacks may add to it.
    steps : list of dict
        What was measured within epochs, see `SampledAccuracy`.
    interrupted : bool
        Whether the last fit was ended by Ctrl-C.
    diverged : bool
        Whether the loss of the last fit has blown up: it was not finite, which ended the fit, or was far
        above its start and did not come back; `StopOnNaN` says how far.
    stop_reason : str or None
        Why the last fit ended before its last epoch.
    restored_epoch : int or None
        The epoch whose weights a callback put back into the model at the end of the last fit.
    """

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []
        self.steps: list[dict[str, float]] = []
        self.begin()

    def begin(self) -> None:
        """Forget how the last fit ended; the epochs stay."""
        self.interrupted = False
        self.diverged = False
        self.stop_reason: str | None = None
        self.restored_epoch: int | None = None

    @property
    def columns(self) -> list[str]:
        """Names that any epoch has, in the order in which they came up."""
        return list(dict.fromkeys(name for row in self.epochs for name in row))

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.epochs)

    @overload
    def __getitem__(self, key: str) -> list[float]: ...
    @overload
    def __getitem__(self, key: int) -> dict[str, float]: ...

    def __getitem__(self, key: str | int) -> list[float] | dict[str, float]:
        """Return a column as a list (NaN where an epoch lacks it), or the dict of an epoch."""
        if not isinstance(key, str):
            return self.epochs[key]
        if key not in self.columns:
            raise ArgumentError(
                f"History: no column {key!r} (there are: {', '.join(self.columns) or 'none'})"
            )
        return [row.get(key, math.nan) for row in self.epochs]

    def best(self, metric: str, mode: str = "auto") -> dict[str, float]:
        """Return the first epoch with the best value of a column; NaN is never best.

        Parameters
        ----------
        metric : str
            E.g. "val_accuracy".
        mode : {"auto", "min", "max"}
            What is best; "auto" tells from the name.

        Raises
        ------
        ArgumentError
            If there is no such column, or no number in it.
        """
        sign = -1 if better_is(metric, mode) == "min" else 1
        known = [
            (sign * value, row)
            for value, row in zip(self[metric], self.epochs, strict=True)
            if not math.isnan(value)
        ]
        if not known:
            raise ArgumentError(f"History: every {metric!r} is NaN")
        return max(known, key=lambda pair: pair[0])[1]

    def rows(self, columns: Sequence[str] | Mapping[str, str] | None = None) -> list[Sequence[Any]]:
        """Return the lines that `to_csv` writes: the headings, then the values of each epoch."""
        names = self.columns if columns is None else list(columns)
        headings = [columns[name] for name in names] if isinstance(columns, Mapping) else names
        table = [self[name] for name in names] if self.epochs else []
        return [headings, *zip(*table, strict=True)]

    def to_csv(
        self, path: str | PathLike[str], columns: Sequence[str] | Mapping[str, str] | None = None
    ) -> None:
        """Write the epochs as a CSV file, in full precision; an older file is replaced.

        Parameters
        ----------
        path : str or path
        columns : sequence of str, or mapping of column to heading, optional
            Which columns, and what to call them. Default: all.
        """
        headings, *rows = self.rows(columns)
        write_table(path, headings, rows)

    def to_pandas(self) -> DataFrame:
        """Return the epochs as a pandas DataFrame: the columns of `to_csv`, and "epoch" as its index.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            from pandas import DataFrame, Index
        except ImportError as error:
            raise ImportError('History.to_pandas needs pandas: pip install "fastcnn[pandas]"') from error
        columns = {name: self[name] for name in self.columns}
        return DataFrame(columns, index=Index(columns.pop("epoch", []), dtype="int64", name="epoch"))

    @classmethod
    def from_csv(cls, path: str | PathLike[str], steps: str | PathLike[str] | None = None) -> History:
        """Read what `to_csv` wrote, all columns under their own names; how fit ended is not in it.

        Parameters
        ----------
        path : str or path
        steps : str or path, optional
            A file with `steps`.

        Raises
        ------
        DataError
            If a file cannot be read or is no table of numbers with a column "epoch".
        """
        history = cls()
        history.epochs = _read_rows(path)
        if steps is not None:
            history.steps = _read_rows(steps)
        return history

    def plot(self, path: str | PathLike[str] | None = None) -> Figure:
        """Draw the curves of loss and accuracy; see `fastcnn.training.report.plot_curves`."""
        return plot_curves(self, path)

    def _repr_html_(self) -> str:
        return html_history(self, self.stop_reason or "")

    def __repr__(self) -> str:
        last = (
            ", ".join(f"{name}={value:.4g}" for name, value in self.epochs[-1].items()) if self.epochs else ""
        )
        return f"History({len(self)} epochs{': ' if last else ''}{last})"


def _read_rows(path: str | PathLike[str]) -> list[dict[str, Any]]:
    name = os.fspath(path)
    head: list[str] = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            # Rows take many times the memory of their text: none is kept before all are known to be good.
            for _ in _rows(file, head):
                pass
            file.seek(0)
            table = list(_rows(file, head))
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}") from error
    except (csv.Error, ValueError) as error:
        raise DataError(f"{name}: not a table of numbers: {error}") from error
    if "epoch" not in head:
        raise DataError(f"{name}: there is no column 'epoch'")
    return table


def _rows(file: TextIO, head: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table of numbers; `head` has its first line then."""
    reader = csv.reader(file, strict=True)
    head[:] = next(reader, [])
    for row in reader:
        yield dict(zip(head, map(_number, row), strict=True))


def _number(text: str) -> float | int:
    return int(text) if text.lstrip("-").isdecimal() else float(text)
