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
from ..training import Callback, History
from ..training.checkpoint import CHECKPOINT
from ..training.files import write_table
from ..training.saving import Interval
from .classifier import WEIGHTS
from .experiment import Experiment
from .files import CONFIG, read_file, write_file
from .keeping import (
    TEST_STATS,
    VALIDATION_STATS,
    KeepHistory,
    KeepWeights,
    SameRecipe,
    stats_of,
    total_loss,
)
from .report import PICTURES, REPORT, write_report
from .results import HISTORY, METRICS, STEPS, Results

FILES = (
    WEIGHTS,
    CHECKPOINT,
    CONFIG,
    HISTORY,
    STEPS,
    VALIDATION_STATS,
    TEST_STATS,
    METRICS,
    *PICTURES,
    REPORT,
)


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


def resumed_experiment(folder: str | PathLike[str], root: str | None = None) -> Experiment:
    """Return the experiment of a run that is to go on.

    Parameters
    ----------
    folder : str or path
    root : str, optional
        Where its data are now.

    Raises
    ------
    DataError
        If there is no such run, or nothing in it to go on from.
    """
    path = Path(folder)
    if not (path / CHECKPOINT).exists() and (path / HISTORY).exists():
        raise DataError(
            f"{path}: there is no {CHECKPOINT} in it to go on from; train again with: fastcnn train {path}"
        )
    recipe = read_file(path / CONFIG)
    return Experiment(recipe if root is None else recipe.replace("data.root", root, "--data"))


class Run:
    """An experiment whose results go into a folder.

    During training the weights of the best epoch so far (``weights.safetensors``), the history and all of the
    training (``checkpoint.safetensors``) are written after each epoch, so that nothing is lost whatever
    happens. ``validation_stats.csv`` and ``test_stats.csv`` have the loss summed over the images, accuracy
    and macro F1.

    Parameters
    ----------
    experiment : Experiment
    folder : path
        What `new_folder` or `take_folder` returned, or with `resume` the folder of an older run.
    callbacks : iterable of Callback
        Called before those of the run.
    resume : bool
        Whether it goes on where the run in the folder was, from its checkpoint if there is one yet.
    """

    def __init__(
        self,
        experiment: Experiment,
        folder: Path,
        callbacks: Iterable[Callback] = (),
        *,
        resume: bool = False,
    ) -> None:
        self.experiment = experiment
        self.folder = folder
        self._start = time.perf_counter()
        self._tables = KeepHistory(experiment, folder)
        keep = KeepWeights(experiment, folder / WEIGHTS)
        self._resume = resume
        experiment.trainer.callbacks += [SameRecipe(experiment.recipe), *callbacks, keep, self._tables]
        if resume:
            return
        try:
            write_file(experiment.recipe, folder / CONFIG, f"Repeat this run with: fastcnn train {CONFIG}")
        except OSError as error:
            raise DataError(f"{folder}: cannot be written: {error.strerror}") from error

    def fit(self, progress: bool = True, checkpoint_every: Interval | None = "5min") -> History:
        """Train; Ctrl-C and SIGTERM end it with the best weights so far kept.

        Parameters
        ----------
        progress : bool
        checkpoint_every : int, str or timedelta, optional
            How often the checkpoint is written within epochs, as `Trainer.fit` takes it.
        """
        history = self.experiment.trainer.history
        try:
            return self.experiment.fit(
                progress,
                checkpoint=self.folder / CHECKPOINT,
                checkpoint_every=checkpoint_every,
                resume=self._resume,
            )
        finally:
            if history.interrupted and len(history):
                # It may have come before the last epoch was logged.
                self._tables.write(history)

    def finish(self) -> dict[str, Any]:
        """Read the test set, once, and write metrics, pictures and the report; return the metrics."""
        experiment, history = self.experiment, self.experiment.trainer.history
        result: Any = experiment.evaluate()
        speeds = history["images_per_second"]
        metrics = {
            "recipe": experiment.recipe.name,
            "parameters": experiment.model.num_parameters(),
            "test": {name: _listed(value) for name, value in result.items()},
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
            write_atomic(self.folder / METRICS, _as_json(metrics).encode())
            total = total_loss(experiment, result["loss"], result["count"])
            headings, columns = stats_of(experiment.train.task)
            row = (total, *(result[name] for name in columns))
            write_table(self.folder / TEST_STATS, headings, [row])
            results = Results(experiment.recipe, shown, history, experiment.trainer, experiment.test, {})
            write_report(results, self.folder)
        except OSError as error:
            raise DataError(f"{self.folder}: cannot be written: {error.strerror}") from error
        return metrics


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _as_json(metrics: dict[str, Any]) -> str:
    """Return the text of metrics.json, with a row of the confusion matrix in a line."""
    test, place = metrics["test"], "the confusion matrix"
    if "confusion" not in test:
        return json.dumps(metrics, indent=1) + "\n"
    text = json.dumps({**metrics, "test": {**test, "confusion": place}}, indent=1)
    rows = ",\n   ".join(json.dumps(row, separators=(",", ":")) for row in test["confusion"])
    return text.replace(json.dumps(place), f"[\n   {rows}\n  ]") + "\n"
