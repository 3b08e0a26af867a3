"""What a run keeps in its folder while it trains: weights, tables, and the recipe in its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..data.targets import CLASSIFICATION
from ..errors import ArgumentError
from ..training import Callback, History, Trainer, save_weights
from ..training.files import write_table
from ..training.tasks import TASKS
from .experiment import Experiment
from .files import CONFIG
from .notes import describe
from .recipe import Recipe
from .results import HISTORY, STEPS

VALIDATION_STATS, TEST_STATS = "validation_stats.csv", "test_stats.csv"
# Headings of the figures in these two.
STATS = ("CE Loss", "Accuracy", "F1 Score")
# Keys of recipes that checkpoints of older versions lack, and what those did.
_SINCE = {"training.accumulate_grad_batches": 1}


class SameRecipe(Callback):
    """Refuse to go on by another recipe than that of the checkpoint."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe.to_dict()

    def state_dict(self) -> dict[str, Any]:
        """Return the recipe."""
        return {"recipe": self._recipe}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Compare the recipes."""
        saved = _flat(state_dict["recipe"])
        for key, value in _flat(self._recipe).items():
            # The data may have moved, and versions that knew no such key did what it says by default.
            if saved.get(key, _SINCE.get(key)) != value and key != "data.root":
                raise ArgumentError(
                    f"{CONFIG}: {key} is {value!r}, but the training that is to go on had {saved.get(key)!r}"
                )


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of nested tables by their dotted keys; tuples are lists, as they are in files."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = list(value) if isinstance(value, tuple) else value
    return found


class KeepWeights(Callback):
    """Write the weights of the best epoch so far to a file, when `Experiment.best` has found one."""

    def __init__(self, experiment: Experiment, path: Path) -> None:
        self._experiment = experiment
        self._path = path
        self._epoch: int | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch whose weights the file has."""
        return {"epoch": self._epoch}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._epoch = state_dict["epoch"]

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


class KeepHistory(Callback):
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
            headings, columns = stats_of(self._experiment.train.task)
            rows = [
                (
                    row["epoch"],
                    total_loss(self._experiment, row["val_loss"], count),
                    *(row[f"val_{name}"] for name in columns),
                )
                for row in history
            ]
            write_table(self._folder / VALIDATION_STATS, ("Epoch", *headings), rows)


def stats_of(task: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the headings of the tables of figures, and which metrics stand in them after the loss."""
    columns = TASKS[task].columns
    return (STATS, columns) if task == CLASSIFICATION else (("Loss", *columns), columns)


def total_loss(experiment: Experiment, loss: float, count: int) -> float:
    """Return the loss summed over the images."""
    return loss if experiment.trainer.loss.reduction == "sum" else loss * count
