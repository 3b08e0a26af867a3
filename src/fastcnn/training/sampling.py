"""Accuracy within epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._shapes import integer
from ..data import Dataset
from ..data.targets import CLASSIFICATION
from ..errors import ArgumentError, DTypeError
from .callback import Callback
from .executor import count_correct
from .tasks import TASKS
from .trainer import Trainer


class SampledAccuracy(Callback):
    """Measure the accuracy on a sample of images every few steps.

    The model is used in evaluation mode; training goes on to the bit as it would have without. Each
    measurement is a dict in ``history.steps``: "step" (from 1, over all epochs), "epoch" (2.5 is half-way
    through the third), "loss" (mean over the batches since the last one) and "accuracy", or in its place the
    main metric of another task: "micro_f1" of several labels, "mean_iou" of masks, "mae" of real targets. An
    epoch's row has its last one as "sample_accuracy", or "sample_" and that name.

    Parameters
    ----------
    dataset : Dataset
        Usually the training images.
    every : int
        Steps from one measurement to the next.
    samples : int
        As many images are drawn from it, once and for all; all of them if there are fewer.
    seed : int
        Of that draw.
    """

    def __init__(self, dataset: Dataset, every: int, samples: int = 1000, seed: int = 0) -> None:
        if not isinstance(dataset, Dataset):
            raise DTypeError(f"SampledAccuracy: dataset must be a Dataset, got {type(dataset).__name__}")
        if len(dataset) == 0:
            raise ArgumentError("SampledAccuracy: dataset is empty")
        self.every = integer(every, "SampledAccuracy: every", 1)
        samples = integer(samples, "SampledAccuracy: samples", 1)
        if samples < len(dataset):
            rng = np.random.default_rng(integer(seed, "SampledAccuracy: seed"))
            dataset = dataset.subset(np.sort(rng.choice(len(dataset), samples, replace=False)))
        self.sample = dataset
        self.metric = TASKS[dataset.task].main
        self._step = 0
        self._losses: list[float] = []

    def on_train_begin(self, trainer: Trainer) -> None:
        """Count from the first step, unless training goes on."""
        if not trainer.history.epochs:
            self._step = 0
        self._losses = []

    def state_dict(self) -> dict[str, Any]:
        """Return the steps so far, and the losses since the last measurement."""
        return {"step": self._step, "losses": list(self._losses)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self._step, self._losses = int(state_dict["step"]), [float(each) for each in state_dict["losses"]]

    def on_batch_end(self, trainer: Trainer, batch: int, logs: dict[str, Any]) -> None:
        """Measure, if it is time to."""
        self._step += 1
        adds_up = trainer.adds_up
        self._losses.append(logs["loss"] / logs["count"] if adds_up else logs["loss"])
        if self._step % self.every:
            return
        point = {
            "step": self._step,
            "epoch": trainer.place_of(batch),
            "loss": float(np.mean(self._losses)),
            self.metric: self._measured(trainer),
        }
        trainer.history.steps.append(point)
        self._losses.clear()

    def on_epoch_end(self, trainer: Trainer, epoch: int, row: dict[str, Any]) -> None:
        """Put the last measurement of the epoch into its row."""
        steps = trainer.history.steps
        if steps and steps[-1]["epoch"] > epoch - 1:
            row[f"sample_{self.metric}"] = steps[-1][self.metric]

    def _measured(self, trainer: Trainer) -> float:
        if self.sample.task == CLASSIFICATION and self.sample.weights is None:
            logits = trainer.predict(self.sample.images)
            return count_correct(logits, self.sample.labels) / len(self.sample)
        measured: Any = trainer.evaluate(self.sample)
        return float(measured[self.metric])
