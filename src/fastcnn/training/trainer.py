"""The training loop."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .._shapes import allocate, integer
from ..data import Dataset, Loader
from ..errors import DTypeError, ShapeError
from ..nn.module import Module
from ..optim import Optimizer
from . import metrics
from .callbacks import Callback, StopOnNaN
from .checks import check_dataset, check_fit, check_labels, check_parts, to_unit_range
from .executor import Compiled, Eager, count_correct
from .history import History
from .interrupt import DeferredInterrupt
from .progress import EpochBar
from .schedule import Schedule, Scheduler

logger = logging.getLogger(__name__)


class Trainer:
    """Train, evaluate and use a classifier.

    Parameters
    ----------
    model : Module
        Takes images (N, C, H, W), returns logits (or log-probabilities) (N, K).
    optimizer : Optimizer
        Over the model's parameters.
    loss : loss of fastcnn.nn, or the like
        ``loss(logits, labels) -> float``, ``loss.backward() -> dlogits``.
    scheduler : LRScheduler or ReduceLROnPlateau, optional
        On that optimizer.
    callbacks : iterable of Callback
    seed : int
        Of dropout, the order of the images and their augmentation. With the same seed, model and data, the
        weights come out the same to the bit, for any number of threads.
    preprocess : callable ``preprocess(images) -> images``, optional
        Applied to every batch, in training (after augmentation) and otherwise, e.g.
        `fastcnn.data.transforms.Normalize`. Default: uint8 images are divided by 255.
    scheduler_step : {"batch", "epoch"}, optional
        When the scheduler is stepped. Default: OneCycleLR after each batch, others after each epoch.
    monitor : str, optional
        The column that ReduceLROnPlateau is given. Default: "val_loss" or, for mode "max", "val_accuracy";
        without validation "loss" or "accuracy".
    stop_on_nan : bool
        Stop fit at the first loss that is not finite, see StopOnNaN.
    engine : bool
        Run the model as one compiled program (see `fastcnn.compile`), several times faster; with False, layer
        after layer, which is the reference. The two agree but for rounding. A model with a layer of the
        user's own runs layer after layer anyway, which the log says once.

    Attributes
    ----------
    history : History
        All epochs so far.

    Raises
    ------
    ArgumentError, DTypeError
        If the parts do not fit each other.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Any,
        *,
        scheduler: Scheduler | None = None,
        callbacks: Iterable[Callback] = (),
        seed: int = 0,
        preprocess: Callable[[np.ndarray], np.ndarray] | None = None,
        scheduler_step: str | None = None,
        monitor: str | None = None,
        stop_on_nan: bool = True,
        engine: bool = True,
    ) -> None:
        check_parts(model, optimizer, loss, preprocess)
        self.callbacks = list(callbacks)
        for each in self.callbacks:
            if not isinstance(each, Callback):
                raise DTypeError(f"Trainer: callbacks must be Callbacks, got {type(each).__name__}")
        if stop_on_nan and not any(isinstance(each, StopOnNaN) for each in self.callbacks):
            self.callbacks.insert(0, StopOnNaN())
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.seed = integer(seed, "Trainer: seed")
        self.preprocess = preprocess if preprocess is not None else to_unit_range
        self.history = History()
        self.validating = False
        self.batches_per_epoch = 0
        self._schedule = Schedule(scheduler, optimizer, scheduler_step, monitor)
        self._executor = (Compiled if engine else Eager)(model, optimizer, loss)
        model.reseed(self.seed)

    # Training ---------------------------------------------------------------------------------------

    def train_step(self, x: np.ndarray, y: np.ndarray) -> float:
        """Do one step on a batch of images; neither schedule nor callbacks take part.

        Parameters
        ----------
        x : array (N, C, H, W)
            Images as in a data set: `preprocess` is applied here.
        y : int64 (N,)
            Their classes.

        Returns
        -------
        float
            The loss. If it is not finite, no weight has been changed.
        """
        if len(x) != len(y):
            raise ShapeError(f"train_step: {len(x)} images but {len(y)} labels")
        self._train_mode()
        return self._executor.step(self._prepare(x), np.asarray(y))[0]

    def fit(
        self,
        train: Dataset,
        *,
        epochs: int,
        batch_size: int,
        validation: Dataset | None = None,
        augment: Callable | None = None,
        shuffle: bool = True,
        replacement: bool = False,
        drop_last: bool = False,
        progress: bool = True,
    ) -> History:
        """Train for a number of epochs; called again, it goes on where it stopped.

        Ctrl-C ends it cleanly: callbacks still put the best weights back, and the history says
        ``interrupted``. Epoch e takes its order and augmentation from (seed, e) alone.

        Parameters
        ----------
        train : Dataset
        epochs : int
            How many more.
        batch_size : int
        validation : Dataset, optional
            Evaluated after each epoch; take it from the training images, not from the test set.
        augment : callable ``augment(images, rng) -> images``, optional
            Applied to each batch of `train` before `preprocess`.
        shuffle, replacement, drop_last : bool
            As in `fastcnn.data.Loader`.
        progress : bool
            Whether a bar is shown on the standard error.

        Returns
        -------
        History
            `self.history`: all epochs so far.

        Raises
        ------
        ArgumentError, DTypeError, ShapeError
            Before training starts, if data, model and schedule do not fit each other.
        """
        epochs = integer(epochs, "fit: epochs", 0)
        check_fit(train, self.predict, augment, "fit: train")
        if validation is not None:
            check_fit(validation, self.predict, None, "fit: validation")
        loader = Loader(
            train,
            batch_size,
            shuffle=shuffle,
            replacement=replacement,
            drop_last=drop_last,
            seed=self.seed,
            augment=augment,
        )
        self._schedule.check(epochs, len(loader), validation is not None)
        self.validating = validation is not None
        self.batches_per_epoch = len(loader)
        self.history.begin()
        for callback in self.callbacks:
            callback.on_train_begin(self)
        was_training = self.model.training
        last = len(self.history) + epochs
        try:
            while len(self.history) < last and self.history.stop_reason is None:
                self._epoch(loader, validation, f"epoch {len(self.history) + 1}/{last}", progress)
        except KeyboardInterrupt:
            self.history.interrupted = True
            self.stop(f"interrupted in epoch {len(self.history) + 1}")
        finally:
            if not was_training:
                self.model.eval()
        if self.history.diverged:
            logger.warning("training stopped: %s", self.history.stop_reason)
        for callback in self.callbacks:
            callback.on_train_end(self, self.history)
        return self.history

    def stop(self, reason: str) -> None:
        """End fit after the current batch or, from on_epoch_end, the current epoch."""
        self.history.stop_reason = self.history.stop_reason or reason

    def _epoch(self, loader: Loader, validation: Dataset | None, label: str, progress: bool) -> None:
        """Train for one epoch and add its row to the history; stopped half-way, it has none."""
        epoch = len(self.history) + 1
        for callback in self.callbacks:
            callback.on_epoch_begin(self, epoch)
        images = min(len(loader.dataset), len(loader) * loader.batch_size)
        # The history is longer after this line, and the loader counts epochs from 0.
        batches = loader.epoch(epoch - 1)
        bar = EpochBar(label, images, progress)
        with contextlib.closing(bar), contextlib.closing(batches):  # type: ignore[type-var]
            start = time.perf_counter()
            row = self._train_epoch(epoch, batches, bar)
            if row is None:
                return
            trained = time.perf_counter()
            if validation is not None:
                result = self.evaluate(validation)
                row.update({f"val_{name}": result[name] for name in ("loss", "accuracy", "macro_f1")})
            row["seconds"] = time.perf_counter() - start
            row["images_per_second"] = images / max(trained - start, 1e-9)
            bar.finish(row)
        with DeferredInterrupt():
            self.history.epochs.append(row)
            for callback in self.callbacks:
                callback.on_epoch_end(self, epoch, row)
            self._schedule.after_epoch(row)

    def _train_epoch(self, epoch: int, batches: Iterable, bar: EpochBar) -> dict[str, Any] | None:
        """Return the metrics over the batches, or None if a callback has stopped training."""
        self._train_mode()
        total, correct, count = 0.0, 0, 0
        adds_up = getattr(self.loss, "reduction", "mean") == "sum"
        for number, (images, labels) in enumerate(batches, 1):
            lr = self.optimizer.param_groups[0]["lr"]
            loss, right = self._executor.step(self._prepare(images), labels)
            total += loss if adds_up else loss * len(labels)
            correct += right
            count += len(labels)
            bar.advance(len(labels), total / (1 if adds_up else count), correct / count)
            for callback in self.callbacks:
                callback.on_batch_end(self, number, {"loss": loss, "correct": right, "count": len(labels)})
            if self.history.stop_reason is not None:
                return None
            self._schedule.after_batch()
        mean = total if adds_up else total / count
        return {"epoch": epoch, "lr": lr, "loss": mean, "accuracy": correct / count}

    # Use --------------------------------------------------------------------------------------------

    def evaluate(self, dataset: Dataset, batch_size: int = 256) -> dict[str, Any]:
        """Return the metrics of the model, in evaluation mode, on a data set.

        Parameters
        ----------
        dataset : Dataset
        batch_size : int
            Has no influence on the result; without the engine, on the last bits of the logits.

        Returns
        -------
        dict
            "loss" (over all images at once: exact for any reduction), "accuracy", "macro_f1", "confusion"
            (int64 (K, K), true class by predicted class), "correct" and "count".
        """
        check_dataset(dataset, "evaluate: dataset")
        logits = self.predict(dataset.images, batch_size)
        check_labels(dataset, logits, "evaluate: dataset")
        confusion = metrics.confusion_matrix(dataset.labels, logits.argmax(1), logits.shape[1])
        return {
            "loss": float(self.loss(logits, dataset.labels)),
            "accuracy": metrics.accuracy(confusion),
            "macro_f1": metrics.macro_f1(confusion),
            "confusion": confusion,
            "correct": count_correct(logits, dataset.labels),
            "count": len(dataset),
        }

    def predict(self, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """Return the model's output for images, in evaluation mode.

        Parameters
        ----------
        images : array (N, C, H, W)
            As in a data set: `preprocess` is applied here.
        batch_size : int

        Returns
        -------
        array (N, K)
            Logits, or what else the model ends with.
        """
        size = integer(batch_size, "predict: batch_size", 1)
        try:
            first = self._executor.forward(self._prepare(images[:size]))
        except ShapeError as error:
            # Layers take one image for several of another shape, and only a later one stumbles.
            if np.ndim(images) != 3:
                raise
            raise ShapeError(
                f"predict: images must have the shape (N, C, H, W), got {np.shape(images)}; for one image "
                f"give images[None] ({error})"
            ) from error
        if len(images) <= size:
            return first
        outputs = allocate((len(images), *first.shape[1:]), first.dtype, "predict: the outputs")
        outputs[:size] = first
        for start in range(size, len(images), size):
            outputs[start : start + size] = self._executor.forward(
                self._prepare(images[start : start + size])
            )
        return outputs

    # Inside -----------------------------------------------------------------------------------------

    def _train_mode(self) -> None:
        # Not if it is in training mode already: the user may have put a layer of it into evaluation mode.
        if not self.model.training:
            self.model.train()

    def _prepare(self, images: np.ndarray) -> np.ndarray:
        """Return a batch as the model takes it."""
        x = self.preprocess(images)
        if not isinstance(x, np.ndarray):
            raise DTypeError(f"Trainer: preprocess must return an array, got {type(x).__name__}")
        dtype = self._executor.dtype()
        return x if x.dtype == dtype else x.astype(dtype)
