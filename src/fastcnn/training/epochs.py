"""The loop over epochs and batches, which can stop after any of its steps and go on there."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from .. import _samples
from .._samples import Samples
from ..data import Source
from ..data.feed import Feed
from ..data.prefetching import with_last
from ..data.targets import CLASSIFICATION
from ..errors import DTypeError, ShapeError
from .evaluation import Evaluator
from .interrupt import Interrupts
from .locating import first_not_finite
from .metrics.weights import check_weights
from .progress import EpochBar
from .saving import Saver
from .states import Position
from .targets import loss_of

logger = logging.getLogger(__name__)


class Epochs(Evaluator):
    """What of a Trainer changes weights."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._position = Position()
        self._within_step = False  # weights and statistics may be those of half a step
        self._warned = 0  # the epoch that a step was told of
        # Images, labels, loss of a step that has changed nothing, and why.
        self._failed: tuple[Samples, np.ndarray, Any, str] | None = None

    def train_step(self, x: Samples, y: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Do one step on a batch of images; neither schedule nor callbacks take part.

        Parameters
        ----------
        x : array (N, C, H, W), or tuple or list of arrays for several inputs
            Images as in a data set: `preprocess` is applied here.
        y : int64 (N,)
            Their classes, or other targets as a `fastcnn.data.Loader` hands them out.
        sample_weight : float array (N,), optional
            How much each counts.

        Returns
        -------
        float
            The loss. If it or a gradient is not finite, nothing has been changed, and the log warns.
        """
        images = _samples.check(x, "train_step: x", "an array")
        labels = np.asarray(y)
        if labels.ndim == 0:
            raise DTypeError(f"train_step: y must be an array, got {_samples.describe(labels)}")
        if _samples.count(images) != len(labels):
            raise ShapeError(f"train_step: {_samples.count(images)} images but {len(labels)} labels")
        weights = None
        if sample_weight is not None:
            weights = check_weights(sample_weight, len(labels), "train_step")
        self._train_mode()
        loss = self._step(images, labels, None, weights)[0]
        if self._executor.refused:
            logger.warning("the step has changed nothing: not finite are %s", self.first_not_finite())
        return loss

    def _steps_of(self, epochs: int) -> int:
        """Return the steps of so many epochs, of the first of which a part may be over."""
        several, batch = self.accumulate_grad_batches, self._position.batch
        whole = -(-self.batches_per_epoch // several)
        done = whole if batch == self.batches_per_epoch else batch // several
        return max(0, epochs * whole - done)

    def _run(
        self,
        loader: Feed,
        validation: Source | None,
        epochs: int,
        progress: bool,
        interrupts: Interrupts,
        saver: Saver,
    ) -> None:
        """Train until the history has so many epochs, or somebody stops it."""
        while len(self.history) < epochs and self.history.stop_reason is None:
            number = len(self.history) + 1
            for callback in self.callbacks:
                callback.on_epoch_begin(self, number)
            row = self._epoch(loader, validation, f"epoch {number}/{epochs}", progress, interrupts, saver)
            if row is not None:
                with interrupts.held:
                    self._book(number, row)
                    saver.write()
            elif not self.history.diverged:  # of a loss that is not finite the checkpoint before is better
                saver.write()

    def _book(self, epoch: int, row: dict[str, Any]) -> None:
        """Add a finished epoch to the history."""
        self._within_step = True
        self.history.epochs.append(row)
        self._position = Position(self._position.first)
        try:
            self._tell("on_epoch_end", epoch, row)
        finally:
            self._schedule.after_epoch(row)
            self._within_step = False

    def _tell(self, event: str, *told: Any) -> None:
        """Call all callbacks, so that each has seen as much as the others when an error of one is raised."""
        error = None
        for callback in self.callbacks:
            try:
                getattr(callback, event)(self, *told)
            except BaseException as raised:
                error = error or raised
        if error is not None:
            raise error

    def _epoch(
        self,
        loader: Feed,
        validation: Source | None,
        label: str,
        progress: bool,
        interrupts: Interrupts,
        saver: Saver,
    ) -> dict[str, Any] | None:
        """Train for what is left of an epoch; return its row of the history, None if it was stopped."""
        position = self._position
        # The loader counts epochs from 0.
        batches = loader.epoch(len(self.history), position.batch)
        bar = EpochBar(label, loader.images, progress, position.count)
        with contextlib.closing(bar), contextlib.closing(batches):  # type: ignore[type-var]
            start = time.perf_counter() - position.seconds
            self._train_mode()
            if not self._train(batches, bar, start, interrupts, saver):
                return None
            if loader.length is None:
                self.batches_per_epoch = position.batch
            row = self._row(len(self.history) + 1)
            trained = time.perf_counter()
            with interrupts.held:
                self._tell("on_validation_begin", len(self.history) + 1)
            if validation is not None:
                row.update(self.validation_row(validation))
            row["seconds"] = time.perf_counter() - start
            row["images_per_second"] = position.count / max(trained - start, 1e-9)
            bar.finish(row)
        return row

    def _train(
        self, batches: Iterable, bar: EpochBar, start: float, interrupts: Interrupts, saver: Saver
    ) -> bool:
        """Take a step for each batch; return whether nobody has stopped training."""
        position, adds_up, several = self._position, self.adds_up, self.accumulate_grad_batches
        for (images, labels, *weighted), last in (
            with_last(batches) if several > 1 else zip(batches, repeat(True))
        ):
            weights = weighted[0] if weighted else None
            with interrupts.held:
                self._tell("on_batch_begin", position.batch + 1, images, labels)
                position.lr = self.optimizer.param_groups[0]["lr"]
                done = position.batch + 1
                due = done % several == 0 or last
                loss, right = self._step(images, labels, due if several > 1 else None, weights)
                right = right if self.task == CLASSIFICATION else 0  # of pixels there are more than images
                share = len(labels) if weights is None else float(weights.sum())
                position.batch = done
                position.loss += loss if adds_up else loss * share
                position.weight += 0.0 if weights is None else share
                position.correct += right
                position.count += len(labels)
                position.seconds = time.perf_counter() - start
                updated = not self._executor.refused
                logs = {"loss": loss, "correct": right, "count": len(labels), "updated": updated}
                logs["stepped"] = self._executor.stepped
                try:
                    self._tell("on_batch_end", position.batch, logs)
                finally:
                    # It belongs to the step, whatever becomes of the callbacks.
                    if due:
                        self._schedule.after_batch()
                    self._within_step = False
                if not updated and not self.stop_on_nan:
                    self._warn_of_refused(position.batch)
                bar.advance(len(labels), self._means())
                if self.history.stop_reason is not None:
                    return False
                saver.after_step()
        return True

    def _warn_of_refused(self, batch: int) -> None:
        """Tell, once in an epoch, of a step that has changed nothing, after which training goes on."""
        epoch = len(self.history) + 1
        if self._warned != epoch:
            self._warned = epoch
            logger.warning(
                "batch %d of epoch %d has changed nothing, nor will others like it: not finite are %s",
                batch,
                epoch,
                self.first_not_finite(),
            )

    def _means(self) -> dict[str, float]:
        """Return the loss over the batches of the epoch so far, and of classes the accuracy."""
        position = self._position
        loss = position.loss / (1 if self.adds_up else position.weight or position.count)
        if self.task != CLASSIFICATION:
            return {"loss": loss}
        return {"loss": loss, "accuracy": position.correct / position.count}

    def _row(self, epoch: int) -> dict[str, Any]:
        return {"epoch": epoch, "lr": self._position.lr, **self._means()}

    # Inside -----------------------------------------------------------------------------------------

    def _step(
        self,
        images: Samples,
        labels: np.ndarray,
        due: bool | None = None,
        weights: np.ndarray | None = None,
    ) -> tuple[float, int]:
        """Do one step, or part of one; return the loss and the number of images predicted right."""
        if not self._checked:
            self._check()
            self._train_mode()
        x = self.prepare(images)
        # Set only if need be: each attribute of a Trainer is looked up among its parts when it is set.
        if not self._within_step:
            self._within_step = True  # fit says when all that belongs to a step is done
        if self._failed is not None:
            self._failed = None
        targets = self.prepare_targets(labels, x)
        done = self._executor.step(x, targets, due, weights)
        if self._executor.refused:
            loss = partial(loss_of, self.loss, weights=weights)
            self._failed = x, targets, loss, self._executor.refused
        return done

    def first_not_finite(self) -> str:
        """Say where the first values of the last step are that are not finite, if it has changed nothing."""
        if self._failed is None:
            return "nowhere: the last step was taken"
        return first_not_finite(self.model, *self._failed, self.trained)

    def _train_mode(self) -> None:
        # Not if it is in training mode already: the user may have put a layer of it into evaluation mode.
        if self.model.training:
            return
        for module in self.model.modules():
            own = list(module._parameters.values())
            if not own or any(parameter.requires_grad for parameter in own):
                module.training = True
