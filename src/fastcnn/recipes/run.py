"""The folder that a training leaves behind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from .._config import config
from ..errors import DataError
from ..training import Callback, CSVLogger, History, Trainer, report, save_weights
from ..training.files import write_atomic
from .classifier import WEIGHTS, describe
from .experiment import Experiment
from .files import CONFIG, write_file

HISTORY, METRICS = "history.csv", "metrics.json"
CURVES, CONFUSION, MISTAKES = "curves.png", "confusion.png", "mistakes.png"
FILES = (WEIGHTS, CONFIG, HISTORY, METRICS, CURVES, CONFUSION, MISTAKES)


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


class Run:
    """An experiment whose results go into a folder.

    During training the weights of the best epoch so far (``weights.safetensors``) and the history are written
    after each epoch, so that nothing is lost whatever happens.

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
        keep = _KeepWeights(experiment, folder / WEIGHTS)
        experiment.trainer.callbacks += [*callbacks, keep, CSVLogger(folder / HISTORY)]
        try:
            write_file(experiment.recipe, folder / CONFIG, f"Repeat this run with: fastcnn train {CONFIG}")
        except OSError as error:
            raise DataError(f"{folder}: cannot be written: {error.strerror}") from error

    def fit(self, progress: bool = True) -> History:
        """Train; Ctrl-C ends it with the best weights so far kept."""
        history = self.experiment.fit(progress)
        if history.interrupted and len(history):
            # Ctrl-C may have come before the last epoch was logged.
            history.to_csv(self.folder / HISTORY)
        return history

    def finish(self) -> dict[str, Any]:
        """Read the test set, once, and write metrics and, with matplotlib, pictures; return the metrics."""
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
            "machine": config(),
        }
        try:
            write_atomic(self.folder / METRICS, (json.dumps(metrics, indent=1) + "\n").encode())
            if find_spec("matplotlib") is not None:
                self._draw(confusion)
        except OSError as error:
            raise DataError(f"{self.folder}: cannot be written: {error.strerror}") from error
        return metrics

    def _draw(self, confusion: np.ndarray) -> None:
        trainer, test = self.experiment.trainer, self.experiment.test
        report.plot_curves(trainer.history, self.folder / CURVES)
        report.plot_confusion(confusion, test.classes, self.folder / CONFUSION)
        logits = trainer.predict(test.images)
        report.plot_mistakes(test.images, test.labels, logits, test.classes, self.folder / MISTAKES)
