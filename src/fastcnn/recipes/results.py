"""What the folder of a run has in it, of one that came to its end and of one that did not."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Dataset
from ..errors import DataError
from ..training import History, Trainer, metrics
from ..training.history import better_is
from ..training.tasks import TASKS
from ..zoo.files import read_text
from .classifier import WEIGHTS, Classifier
from .experiment import load_parts
from .files import CONFIG, read_file
from .recipe import Recipe

# A confusion matrix of 1,500 classes fits; tables and lists take many times the memory of their brackets.
_MOST_BYTES, _MOST_TABLES = 8 * 2**20, 100_000
HISTORY, STEPS, METRICS = "history.csv", "steps.csv", "metrics.json"
# Keys of metrics.json that the report shows.
_NEEDED = ("test", "best", "monitor", "epochs", "seconds", "images_per_second", "machine")
# File -> what it means that it is not there.
_MISSING = {
    METRICS: "the training was interrupted, or is still running: the test set has not been read",
    HISTORY: "there are no figures of the epochs",
    WEIGHTS: "there is nothing to show of what the network has learned",
}


@dataclass(frozen=True)
class Results:
    """A run.

    Attributes
    ----------
    recipe : Recipe
    metrics : mapping
        What stands in metrics.json; of a run without it, what the history tells: "epochs", "machine" (empty)
        and, if an epoch was finished, "monitor", "best", "seconds", "images_per_second".
    history : History
    trainer : Trainer
        With the weights of the best epoch, or with untrained ones if they are `missing`.
    test : Dataset
    missing : mapping
        Name of each file that is not there -> what that means.
    """

    recipe: Recipe
    metrics: Mapping[str, Any]
    history: History
    trainer: Trainer
    test: Dataset
    missing: Mapping[str, str]

    @classmethod
    def read(cls, folder: str | PathLike[str]) -> Results:
        """Read the folder of a run, also of one that was interrupted or is still running.

        Raises
        ------
        DataError
            If it is no run's, a file of it is damaged, or the data set cannot be read.
        """
        place = Path(folder)
        if not place.is_dir():
            raise DataError(f"{os.fspath(folder)}: there is no such folder")
        if not (place / METRICS).exists() and not (place / CONFIG).exists():
            raise DataError(f"{os.fspath(folder)}: no {METRICS} in it, nor {CONFIG}: it is not that of a run")
        missing = {name: why for name, why in _MISSING.items() if not (place / name).exists()}
        recipe = read_file(place / CONFIG)
        history = History()
        if HISTORY not in missing:
            history = History.from_csv(place / HISTORY, place / STEPS if (place / STEPS).exists() else None)
        found = _from_history(recipe, history) if METRICS in missing else _read_metrics(place / METRICS)
        history.stop_reason = found.get("stop_reason")
        classifier = Classifier.untrained(recipe) if WEIGHTS in missing else Classifier.load(place)
        return cls(recipe, found, history, classifier.trainer, load_parts(recipe)[2], missing)


def _from_history(recipe: Recipe, history: History) -> dict[str, Any]:
    found: dict[str, Any] = {"epochs": len(history), "machine": {}}
    monitor, speed = recipe.training.monitor, "images_per_second"
    if {"seconds", speed} <= set(history.columns):
        found |= {"seconds": sum(history["seconds"]), speed: float(np.median(history[speed]))}
    if monitor in history.columns and not np.isnan(history[monitor]).all():
        found |= {"monitor": monitor, "best": dict(history.best(monitor, better_is(monitor)))}
    return found


def _is_told(test: Mapping[str, Any]) -> bool:
    """Tell whether figures of a test set are those of a task that counts no classes."""
    columns = next((row.columns for row in TASKS.values() if {*row.columns} <= test.keys()), ())
    numbers = [test.get(name) for name in ("loss", "count", *columns)]
    each = test.get("f1", [])
    numbers += each if isinstance(each, list) else [each]
    return bool(columns) and all(isinstance(number, int | float) for number in numbers)


def _read_metrics(path: Path) -> dict[str, Any]:
    text, _ = read_text(path, _MOST_BYTES)
    try:
        if text.count("[") + text.count("{") > _MOST_TABLES:
            raise ValueError("it has more tables and lists than any run")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("not a table")
        missing = [key for key in _NEEDED if key not in found]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        test = found["test"]
        if "confusion" in test or not _is_told(test):
            test["confusion"] = np.array(test["confusion"], np.int64)
            metrics.accuracy(test["confusion"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise DataError(f"{path}: damaged, or not written by fastcnn: {error}") from error
    return found
