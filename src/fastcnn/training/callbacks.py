"""What happens beside the training itself: the best weights, checkpoints, early stopping."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import numpy as np

from .._shapes import integer
from ..errors import ArgumentError, CheckpointError, DTypeError
from ..nn.module import Module
from .callback import Callback, check_same
from .files import check_folder
from .history import History, better_is
from .tasks import TASKS, task_with
from .trainer import Trainer
from .weights import save_weights


class _Monitor(Callback):
    """Base of callbacks that follow one metric and remember its best epoch."""

    def __init__(self, monitor: str, mode: str) -> None:
        self.monitor = monitor
        self.mode = better_is(monitor, mode)
        self._model: Module | None = None  # whose epochs are compared
        self._reset()

    def _reset(self) -> None:
        self.best_epoch: int | None = None
        self.best_value = math.inf if self.mode == "min" else -math.inf

    def on_train_begin(self, trainer: Trainer) -> None:
        """Check that the metric can be had; forget what another training left."""
        if self.monitor.startswith("val_") and not trainer.validating:
            raise ArgumentError(
                f"{type(self).__name__}: {self.monitor!r} needs validation data: fit(..., validation=...)"
            )
        name = self.monitor.removeprefix("val_")
        task = task_with(name)
        if task not in (None, trainer.task) and name not in trainer.metrics:
            columns = ", ".join(f"val_{each}" for each in ("loss", *TASKS[trainer.task].columns))
            raise ArgumentError(
                f"{type(self).__name__}: {self.monitor!r} is a metric of {task}, but the data set is for "
                f"{trainer.task}: monitor one of {columns}"
            )
        if not trainer.history.epochs:
            self._reset()
        self._follow(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Return the best epoch so far, and by which metric it is."""
        return {
            "best_epoch": self.best_epoch,
            "best_value": self.best_value,
            "monitor": self.monitor,
            "mode": self.mode,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned, if that is of the same metric."""
        check_same(self, state_dict, "monitor", "mode")
        self.best_epoch, self.best_value = state_dict["best_epoch"], float(state_dict["best_value"])

    def _follow(self, trainer: Trainer) -> None:
        """Begin anew if the trainer has another model than before."""
        if self._model is not None and trainer.model is not self._model:
            self._reset()
        self._model = trainer.model

    def _value(self, row: Mapping[str, Any]) -> float:
        if self.monitor not in row:
            raise ArgumentError(
                f"{type(self).__name__}: no metric {self.monitor!r} (there are: {', '.join(row)})"
            )
        return float(row[self.monitor])

    def _take(self, trainer: Trainer, epoch: int, row: Mapping[str, Any]) -> bool:
        """Take note of an epoch; return whether it is the best so far."""
        self._follow(trainer)
        value = self._value(row)
        better = value < self.best_value if self.mode == "min" else value > self.best_value
        if better:
            self.best_epoch, self.best_value = epoch, value
        return better


class BestWeights(_Monitor):
    """Put the weights of the best epoch back into the model when training ends.

    Of equally good epochs the first is best. Kept in memory; when fit is called again, the best of all its
    epochs counts.

    Parameters
    ----------
    monitor : str
        A column of the history.
    mode : {"auto", "min", "max"}
        What is best; "auto" tells from the name.

    Attributes
    ----------
    best_epoch : int or None
    best_value : float
    """

    def __init__(self, monitor: str = "val_accuracy", mode: str = "auto") -> None:
        super().__init__(monitor, mode)

    def _reset(self) -> None:
        super()._reset()
        self._state: dict[str, np.ndarray] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the best epoch so far, and its weights."""
        return {**super().state_dict(), "weights": self._state}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        super().load_state_dict(state_dict)
        self._state = state_dict["weights"]

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        """Copy the weights if they are the best so far."""
        if self._take(trainer, epoch, row):
            self._state = trainer.model.state_dict()

    def on_train_end(self, trainer: Trainer, history: History) -> None:
        """Put the best weights back."""
        if self._state is not None and trainer.model is self._model:
            trainer.model.load_state_dict(self._state)
            history.restored_epoch = self.best_epoch


class EarlyStopping(BestWeights):
    """Stop when a metric has not improved for `patience` epochs in a row.

    Parameters
    ----------
    monitor : str
        A column of the history.
    patience : int
        At least 1.
    min_delta : float
        A smaller improvement over the last one that counted does not count. It plays no part in which
        epoch is best.
    mode : {"auto", "min", "max"}
    restore_best : bool
        Whether the weights of the best epoch are put back into the model at the end.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best: bool = True,
    ) -> None:
        self.patience = integer(patience, "EarlyStopping: patience", 1)
        if not min_delta >= 0:
            raise ArgumentError(f"EarlyStopping: min_delta must be at least 0, got {min_delta!r}")
        self.min_delta = float(min_delta)
        self.restore_best = restore_best
        super().__init__(monitor, mode)

    def _reset(self) -> None:
        super()._reset()
        self._reference = self.best_value
        self.bad_epochs = 0

    def state_dict(self) -> dict[str, Any]:
        """Return the best epoch so far, its weights, and the epochs without improvement."""
        return {**super().state_dict(), "reference": self._reference, "bad_epochs": self.bad_epochs}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        super().load_state_dict(state_dict)
        self._reference, self.bad_epochs = float(state_dict["reference"]), int(state_dict["bad_epochs"])

    def on_train_begin(self, trainer: Trainer) -> None:
        """Begin to count."""
        super().on_train_begin(trainer)
        self.bad_epochs = 0

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        """Copy the weights if they are the best so far, and count the epochs without improvement."""
        if self.restore_best:
            super().on_epoch_end(trainer, epoch, row)
        else:
            self._take(trainer, epoch, row)
        value = self._value(row)
        gain = self._reference - value if self.mode == "min" else value - self._reference
        if gain > self.min_delta:
            self._reference, self.bad_epochs = value, 0
        else:
            self.bad_epochs += 1
        if self.bad_epochs >= self.patience:
            trainer.stop(
                f"{self.monitor} has not improved for {self.bad_epochs} epochs (best {self.best_value:.6g} "
                f"in epoch {self.best_epoch})"
            )


class ModelCheckpoint(_Monitor):
    """Write the weights of the best epoch so far to a file, as `save_weights` does.

    Parameters
    ----------
    path : str or path
        A safetensors file; only the best one is kept in it.
    monitor : str
        A column of the history.
    mode : {"auto", "min", "max"}
    metadata : mapping of str to str, optional
        Stored in the file, along with "epoch" and the metric.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        monitor: str = "val_accuracy",
        mode: str = "auto",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.path = path
        self.metadata = dict(metadata or {})

    def on_train_begin(self, trainer: Trainer) -> None:
        """Check that there is a folder for the file, too."""
        super().on_train_begin(trainer)
        try:
            check_folder(self.path)
        except FileNotFoundError as error:
            raise CheckpointError(f"{self.path}: cannot be written: {error.strerror}") from error

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        """Write the weights if they are the best so far."""
        if self._take(trainer, epoch, row):
            notes = {**self.metadata, "epoch": str(epoch), self.monitor: repr(self.best_value)}
            save_weights(trainer.model, self.path, notes)


class LambdaCallback(Callback):
    """Call functions instead of overriding methods.

    Parameters
    ----------
    on_train_begin, on_epoch_begin, ... : callable, optional
        With the names and arguments of Callback's methods.

    Examples
    --------
    >>> show = LambdaCallback(on_epoch_end=lambda trainer, epoch, row: print(epoch, row["loss"]))
    """

    def __init__(self, **functions: Callable[..., None]) -> None:
        known = [name for name in vars(Callback) if name.startswith("on_")]
        for name, function in functions.items():
            if name not in known:
                raise ArgumentError(f"LambdaCallback: unknown event {name!r} (known: {', '.join(known)})")
            if not callable(function):
                raise DTypeError(f"LambdaCallback: {name} must be callable, got {function!r}")
            setattr(self, name, function)
