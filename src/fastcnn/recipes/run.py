"""The folder that a training leaves behind."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from datetime import datetime, timezone
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .._files import write_atomic
from ..errors import DataError
from ..training import Callback, History, Trainer, save_weights
from ..training.files import write_table
from .classifier import WEIGHTS, describe
from .experiment import Experiment
from .files import CONFIG, write_file
from .report import PICTURES, REPORT, write_report
from .results import HISTORY, METRICS, STEPS, Results

VALIDATION_STATS, TEST_STATS = "validation_stats.csv", "test_stats.csv"
FILES = (WEIGHTS, CONFIG, HISTORY, STEPS, VALIDATION_STATS, TEST_STATS, METRICS, *PICTURES, REPORT)
_STATS = ("CE Loss", "Accuracy", "F1 Score")


def new_folder(name: str, parent: str | PathLike[str] = "runs") -> Path:
    """Make the folder ``parent/name-N`` with the first N after all those in use.

    Raises
    ------
    DataError
        If it cannot be made.
    """
    try:
        Path(parent).mkdir(parents=True, exist_ok=True)
        used = [path.name.removeprefix(f"{name}-") for path in Path(parent).glob(f"{name}-*")]
        number = max((int(text) for text in used if text.isdecimal()), default=0) + 1
        while True:
            folder = Path(parent) / f"{name}-{number}"
            try:
                folder.mkdir()
                return folder
            except FileExistsError:  # another training was quicker
                number += 1
    except OSError as error:
        raise DataError(f"{os.fspath(parent)}: no folder can be made in it: {error.strerror}") from error


def take_folder(path: str | PathLike[str], overwrite: bool = False) -> Path:
    """Make the folder `path`, or take it if it is empty.

    Parameters
    ----------
    path : str or path
    overwrite : bool
        Also take one that is not empty; the files of an older run in it are removed, others stay.

    Raises
    ------
    DataError
        If it is not empty, or cannot be made.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            if not overwrite:
                raise DataError(f"{folder}: the folder is not empty")
            for name in FILES:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be used as a folder: {error.strerror}") from error
    return folder


class _KeepWeights(Callback):
    """Write the weights of the best epoch so far to a file, when `Experiment.best` has found one."""

    def __init__(self, experiment: Experiment, path: Path) -> None:
        self._experiment = experiment
        self._path = path
        self._epoch: int | None = None

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        """Write the file."""
        if self._experiment.best.best_epoch == epoch:
            save_weights(trainer.model, self._path, describe(self._experiment, row))
            self._epoch = epoch

    def on_train_end(self, trainer: Trainer, history: History) -> None:
        """Write the file, if Ctrl-C came between the end of the best epoch and that."""
        best = self._experiment.best.best_epoch
        if best is not None and best != self._epoch:
            save_weights(trainer.model, self._path, describe(self._experiment, history[best - 1]))


class _KeepHistory(Callback):
    """Write the tables of the epochs so far: all columns, and the validation figures by themselves."""

    def __init__(self, experiment: Experiment, folder: Path) -> None:
        self._experiment = experiment
        self._folder = folder

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        """Write the files."""
        self.write(trainer.history)

    def write(self, history: History) -> None:
        """Write the files."""
        history.to_csv(self._folder / HISTORY)
        if history.steps:
            write_table(
                self._folder / STEPS,
                list(history.steps[0]),
                [list(point.values()) for point in history.steps],
            )
        if self._experiment.validation is not None:
            count = len(self._experiment.validation)
            rows = [
                (
                    row["epoch"],
                    _total_loss(self._experiment, row["val_loss"], count),
                    row["val_accuracy"],
                    row["val_macro_f1"],
                )
                for row in history
            ]
            write_table(self._folder / VALIDATION_STATS, ("Epoch", *_STATS), rows)


def _total_loss(experiment: Experiment, loss: float, count: int) -> float:
    """Return the loss summed over the images."""
    return loss if experiment.trainer.loss.reduction == "sum" else loss * count


class Run:
    """An experiment whose results go into a folder.

    During training the weights of the best epoch so far (``weights.safetensors``) and the history are written
    after each epoch, so that nothing is lost whatever happens. ``validation_stats.csv`` and
    ``test_stats.csv`` have the loss summed over the images, accuracy and macro F1.

    Parameters
    ----------
    experiment : Experiment
    folder : path
        What `new_folder` or `take_folder` returned.
    callbacks : iterable of Callback
        Called before those of the run.
    """

    def __init__(self, experiment: Experiment, folder: Path, callbacks: Iterable[Callback] = ()) -> None:
        self.experiment = experiment
        self.folder = folder
        self._start = time.perf_counter()
        self._tables = _KeepHistory(experiment, folder)
        keep = _KeepWeights(experiment, folder / WEIGHTS)
        experiment.trainer.callbacks += [*callbacks, keep, self._tables]
        try:
            write_file(experiment.recipe, folder / CONFIG, f"Repeat this run with: fastcnn train {CONFIG}")
        except OSError as error:
            raise DataError(f"{folder}: cannot be written: {error.strerror}") from error

    def fit(self, progress: bool = True) -> History:
        """Train; Ctrl-C ends it with the best weights so far kept."""
        history = self.experiment.fit(progress)
        if history.interrupted and len(history):
            # Ctrl-C may have come before the last epoch was logged.
            self._tables.write(history)
        return history

    def finish(self) -> dict[str, Any]:
        """Read the test set, once, and write metrics, pictures and the report; return the metrics."""
        experiment, history = self.experiment, self.experiment.trainer.history
        result = experiment.evaluate()
        confusion: np.ndarray = result["confusion"]
        speeds = history["images_per_second"]
        metrics = {
            "recipe": experiment.recipe.name,
            "parameters": experiment.model.num_parameters(),
            "test": {**result, "confusion": confusion.tolist()},
            "best": dict(history.best(experiment.best.monitor, experiment.best.mode)),
            "monitor": experiment.best.monitor,
            "epochs": len(history),
            "stop_reason": history.stop_reason,
            "seconds": round(sum(history["seconds"]), 3),
            "images_per_second": round(float(np.median(speeds)), 1),
            "total_seconds": round(time.perf_counter() - self._start, 3),
            "finished": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": experiment.machine(),
        }
        shown = {**metrics, "test": result}
        try:
            write_atomic(self.folder / METRICS, (json.dumps(metrics, indent=1) + "\n").encode())
            total = _total_loss(experiment, result["loss"], result["count"])
            row = (total, result["accuracy"], result["macro_f1"])
            write_table(self.folder / TEST_STATS, _STATS, [row])
            results = Results(experiment.recipe, shown, history, experiment.trainer, experiment.test, {})
            write_report(results, self.folder)
        except OSError as error:
            raise DataError(f"{self.folder}: cannot be written: {error.strerror}") from error
        return metrics
