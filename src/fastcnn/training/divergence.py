"""Losses that are not finite, and finite ones that have blown up."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..nn.losses import CrossEntropyLoss, NLLLoss
from .callback import Callback
from .state import Training

logger = logging.getLogger(__name__)

# How many times the loss of the start and that of guessing a loss must be that has blown up; where that of
# guessing is not known, how many times that of the first batch, of how many images at the least.
_FACTOR, _FACTOR_OF_OTHERS, _ENOUGH_IMAGES = 10.0, 1000.0, 8
# The last steps that are looked at: half of an epoch and at least so many, a share of which may be a spike.
_FEWEST, _SPIKE = 8, 0.25


class StopOnNaN(Callback):
    """Stop at the first step that is not finite, and tell of a loss that is finite but has blown up.

    Trainer has one of its own unless told otherwise. Both make ``history.diverged`` True. A step that is not
    finite has changed nothing, weights, running statistics or what the optimizer keeps; the reason that fit
    ends for names epoch, batch and the first layer whose values are not finite.

    A loss has blown up if, at the end of an epoch, its mean over the last half of the epoch's batches (and at
    least 8), without the highest quarter of them, is more than 10 times both the loss of the first batch and
    that of guessing, ``log K`` for K classes. A spike that comes back, the steps of a warm-up and a rate that
    is merely bad are no such thing. The loss of guessing is known for cross-entropy and NLLLoss; any other
    loss must be 1,000 times that of the first batch, which must have had 8 images. Training goes on, the log
    warns once in each fit, and ``diverged`` is False again if a later epoch ends otherwise.
    """

    _judged: tuple[Any, Any] | None = None  # the model and the loss whose start is known
    _start, _images = 0.0, 0  # their first loss, and of how many images it is
    _losses: deque[float] = deque(maxlen=0)  # noqa: RUF012 - replaced when training begins
    _told = False
    _restored = False  # whether what is known is that of the model and the loss of the training under way

    def on_train_begin(self, trainer: Training) -> None:
        """Begin to watch; what the first loss was is kept while a training goes on."""
        if not trainer.history.epochs:
            self._judged = None
        self._restored = False
        self._losses = deque(maxlen=max(_FEWEST, trainer.batches_per_epoch // 2))
        self._told = False

    def state_dict(self) -> dict[str, Any]:
        """Return the loss of the start and those that are looked at."""
        return {
            "start": self._start if self._judged is not None or self._restored else None,
            "images": self._images,
            "losses": list(self._losses),
            "told": self._told,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; it is that of the model and the loss of the training."""
        self._judged, self._restored = None, state_dict["start"] is not None
        if self._restored:
            self._start, self._images = float(state_dict["start"]), int(state_dict["images"])
        self._losses.extend(float(each) for each in state_dict["losses"])
        self._told = bool(state_dict["told"])

    def on_batch_end(self, trainer: Training, batch: int, logs: dict[str, Any]) -> None:
        """Stop if the step has changed no weight, because its loss or a gradient is not finite."""
        loss = logs["loss"]
        if not logs.get("updated", math.isfinite(loss)):
            trainer.history.diverged = True
            lr = trainer.optimizer.param_groups[0]["lr"]
            told = (
                f"the loss is {loss:.6g} in epoch {len(trainer.history) + 1}, batch {batch} (learning rate "
            )
            told += f"{lr:.3g})"
            if "updated" in logs:
                where = trainer.first_not_finite()
                told += (
                    f", and the first values that are not finite are {where}; the step has changed nothing"
                )
                if not where.startswith(("in the images", "among the weights")):
                    told += ": try a smaller rate, and new weights if these are large"
            trainer.stop(told)
            return
        loss = loss / logs["count"] if trainer.adds_up else loss
        if self._restored:
            self._judged, self._restored = (trainer.model, trainer.loss), False
        judged = self._judged
        if judged is None or judged[0] is not trainer.model or judged[1] is not trainer.loss:
            self._judged = trainer.model, trainer.loss
            self._losses.clear()
            self._start, self._images = loss, logs["count"]
        self._losses.append(loss)

    def on_epoch_end(self, trainer: Training, epoch: int, row: dict[str, Any]) -> None:
        """Tell of a loss that has blown up."""
        if not self._losses:
            return
        losses = sorted(self._losses)
        calm = losses[: max(1, len(losses) - math.ceil(_SPIKE * len(losses)))]
        loss = sum(calm) / len(calm)
        trainer.history.diverged = loss > self._limit(trainer)
        if trainer.history.diverged and not self._told:
            self._told = True
            logger.warning(
                "the loss has blown up: at the end of epoch %d it is about %.4g, in the first batch it was "
                "%.4g; lower the learning rate (now %.3g) and begin with new weights",
                epoch,
                loss,
                self._start,
                row["lr"],
            )

    def _limit(self, trainer: Training) -> float:
        """Return the loss above which it has blown up; infinity where that cannot be told."""
        if isinstance(trainer.loss, CrossEntropyLoss | NLLLoss):
            return _FACTOR * max(self._start, _guessing(trainer.loss, trainer.outputs))
        judged = self._start > 0 and self._images >= _ENOUGH_IMAGES
        return _FACTOR_OF_OTHERS * self._start if judged else math.inf


def _guessing(loss: CrossEntropyLoss | NLLLoss, classes: int) -> float:
    """Return the loss of an image, all classes being as likely, if nothing is known of it."""
    logits = np.full((classes, classes), -math.log(classes))
    value, _ = loss.compute(logits, np.arange(classes))
    return float(value) / classes if loss.reduction == "sum" else float(value)
