"""What is measured of a model, for each task that a data set can be for: one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import data
from ..data.targets import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION
from . import metrics
from .metrics.regression import r2_of

# Below this four decimals are too few.
_SMALL = 1e-3
# Numbers whose float64 copies are in memory at a time.
_CHUNK = 1 << 18


class Measure:
    """Metrics of a data set, which add up over batches.

    Parameters
    ----------
    source : Source
    loss : loss of fastcnn.nn, or the like
    """

    def __init__(self, source: data.Source, loss: Any) -> None:
        self.source = source

    def add(self, outputs: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> None:
        """Take the outputs for some samples into account."""
        raise NotImplementedError

    def results(self) -> dict[str, Any]:
        """Return the metrics, those of the table and what a report shows besides."""
        raise NotImplementedError


class _Confusion(Measure):
    """Counts of true classes by predicted ones, of images or of pixels."""

    _sum: np.ndarray | None = None
    _weighted: np.ndarray | None = None

    def add(self, outputs: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> None:
        predicted = outputs.argmax(1)
        counts = self._counts(labels, predicted, outputs.shape[1], None)
        self._sum = counts if self._sum is None else self._sum + counts
        if weights is not None:
            counts = self._counts(labels, predicted, outputs.shape[1], weights)
            self._weighted = counts if self._weighted is None else self._weighted + counts

    def _counts(
        self, true: np.ndarray, predicted: np.ndarray, classes: int, weights: np.ndarray | None
    ) -> np.ndarray:
        if self.source.task == SEGMENTATION:
            ignored = self.source.ignore_index
            return metrics.pixel_confusion(true, predicted, classes, ignored, weights)
        return metrics.confusion_matrix(true, predicted, classes, weights)

    def results(self) -> dict[str, Any]:
        counts = np.zeros((0, 0), np.int64) if self._sum is None else self._sum
        scored = counts if self._weighted is None else self._weighted
        told = self._scores(scored)
        return {**told, "confusion": counts, "correct": int(np.trace(counts))}

    def _scores(self, confusion: np.ndarray) -> dict[str, float]:
        return {"accuracy": metrics.accuracy(confusion), "macro_f1": metrics.macro_f1(confusion)}


class _Pixels(_Confusion):
    def _scores(self, confusion: np.ndarray) -> dict[str, float]:
        return {
            "pixel_accuracy": metrics.accuracy(confusion),
            "mean_iou": metrics.mean_iou(confusion),
            "dice": metrics.mean_dice(confusion),
        }


class _Labels(Measure):
    """Scores of several labels, which are told from all outputs at once."""

    def __init__(self, source: data.Source, loss: Any) -> None:
        super().__init__(source, loss)
        self.threshold = threshold_of(loss)
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []

    def add(self, outputs: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> None:
        self._parts.append((labels, outputs.astype(np.float64), weights))

    def results(self) -> dict[str, Any]:
        true, scores = (np.concatenate([part[i] for part in self._parts]) for i in (0, 1))
        given = [part[2] for part in self._parts]
        weights: Any = None if given[0] is None else np.concatenate(given)  # type: ignore[arg-type]
        predicted = scores > self.threshold
        finite = not np.isnan(scores).any()  # of a training that has blown up
        area = metrics.average_precision(true, scores, sample_weight=weights) if finite else float("nan")
        each = metrics.multilabel_f1(true, predicted, "none", weights)
        return {
            "micro_f1": metrics.multilabel_f1(true, predicted, "micro", weights),
            "macro_f1": metrics.multilabel_f1(true, predicted, "macro", weights),
            "average_precision": area,
            "subset_accuracy": metrics.subset_accuracy(true, predicted, weights),
            "f1": np.asarray(each).tolist(),
        }


class _Reals(Measure):
    """Errors of real numbers, as sums over the samples; and the spread of the targets around their mean.

    That is put together of the spreads of batches: T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating Formulae
    and a Pairwise Algorithm for Computing Sample Variances", 1979.
    """

    def __init__(self, source: data.Source, loss: Any) -> None:
        super().__init__(source, loss)
        self._count, self._total, self._axes = 0, 0.0, 1
        self._absolute = self._squared = 0.0
        self._residual: Any = 0.0
        self._centre: Any = 0.0
        self._variance: Any = 0.0

    def add(self, outputs: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> None:
        self._count, self._axes = self._count + len(labels), labels.ndim
        step = max(1, _CHUNK // max(1, int(np.prod(labels.shape[1:]))))
        for start in range(0, len(labels), step):
            rows = slice(start, start + step)
            true = _flat(labels[rows])
            self._add(_flat(outputs[rows]), true, np.ones(len(true)) if weights is None else weights[rows])

    def _add(self, outputs: np.ndarray, true: np.ndarray, weights: np.ndarray) -> None:
        error, share = np.abs(outputs - true), float(weights.sum())
        self._absolute += float(np.dot(weights, error.mean(1)))
        np.square(error, out=error)
        self._squared += float(np.dot(weights, error.mean(1)))
        self._residual = self._residual + np.dot(weights, error)
        if share:
            centre, total = np.dot(weights, true) / share, self._total + share
            moved = centre - self._centre
            spread = np.dot(weights, np.square(true - centre))
            self._variance = self._variance + spread + np.square(moved) * (self._total * (share / total))
            self._centre = self._centre + moved * (share / total)
            self._total = total

    def results(self) -> dict[str, Any]:
        enough, nan = self._count > 1 and self._total > 0, float("nan")
        return {
            "mae": self._absolute / self._total if self._total else nan,
            "mse": self._squared / self._total if self._total else nan,
            "r2": r2_of(self._residual, self._variance, self._axes) if enough else nan,
        }


class Task(NamedTuple):
    """A row of the table.

    Attributes
    ----------
    main : str
        The metric that bars and charts show beside the loss.
    highest : str
        The one that is to be as high as can be, for a scheduler of mode "max".
    columns : tuple of str
        Those of an epoch's validation.
    measure : type
        What they come from.
    """

    main: str
    highest: str
    columns: tuple[str, ...]
    measure: Callable[[data.Source, Any], Measure]


TASKS = {
    CLASSIFICATION: Task("accuracy", "accuracy", ("accuracy", "macro_f1"), _Confusion),
    MULTILABEL: Task(
        "micro_f1", "micro_f1", ("micro_f1", "macro_f1", "average_precision", "subset_accuracy"), _Labels
    ),
    SEGMENTATION: Task("mean_iou", "mean_iou", ("pixel_accuracy", "mean_iou", "dice"), _Pixels),
    REGRESSION: Task("mae", "r2", ("mae", "mse", "r2"), _Reals),
}


def streamed(labels: np.ndarray) -> bool:
    """Tell whether outputs are as large as images, so that only those of one batch are to be in memory."""
    return labels.ndim > 2


def threshold_of(loss: Any) -> float:
    """Return above which output a sample is taken to have a label: for a loss of one's own a logit of 0."""
    return float(getattr(loss, "threshold", 0.0))


def task_with(metric: str) -> str | None:
    """Return the task that has a metric of this name, None if none or several have."""
    found = [name for name, task in TASKS.items() if metric in task.columns]
    return found[0] if len(found) == 1 else None


def main_of(columns: Any) -> str:
    """Return which main metric is among columns, those of training or validation; "" if none is."""
    known = [task.main for task in TASKS.values()]
    return next((name for name in known if name in columns or f"val_{name}" in columns), "")


def figure_of(name: str, value: float) -> str:
    """Return a metric as a person writes it: accuracy in percent, what is small with its first digits."""
    if name.endswith("accuracy"):
        return f"{value:.2%}"
    return f"{value:.3g}" if 0 < abs(value) < _SMALL else f"{value:.4f}"


def digits(value: float) -> str:
    """Return five digits of a number, and those before the point if there are more."""
    return f"{value:,.0f}" if 1e5 <= abs(value) < 1e9 else f"{value:.5g}"


def words_of(name: str) -> str:
    """Return what a metric is called in a sentence."""
    words = {
        "val": "validation",
        "mae": "MAE",
        "mse": "MSE",
        "r2": "R2",
        "f1": "F1",
        "iou": "IoU",
        "dice": "Dice",
    }
    return " ".join(words.get(each, each) for each in name.split("_"))


def test_line(task: str, result: Mapping[str, Any]) -> str:
    """Return the figures of a test set as commands print them."""
    count, loss = result["count"], f"loss {figure_of('loss', result['loss'])}"
    if task == CLASSIFICATION:
        wrong = f"{count - result['correct']:,} of {count:,} wrong"
        return f"accuracy {result['accuracy']:.2%} ({wrong}), {loss}, macro F1 {result['macro_f1']:.4f}"
    shown = [f"{words_of(name)} {figure_of(name, result[name])}" for name in TASKS[task].columns]
    return ", ".join([*shown, loss, f"{count:,} images"])


def _flat(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.float64).reshape(len(rows), int(np.prod(rows.shape[1:])))
