"""The training loop."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .. import _samples
from .._samples import Samples
from .._shapes import integer
from ..data import Dataset, Loader
from ..errors import DTypeError, ShapeError
from ..nn.module import Module
from ..optim import Optimizer
from .callback import Callback
from .checks import check_batches
from .evaluation import Evaluator
from .hints import give_hints
from .history import History
from .interrupt import DeferredInterrupt
from .progress import EpochBar
from .schedule import Scheduler

logger = logging.getLogger(__name__)


class Trainer(Evaluator):
    """Train, evaluate and use a classifier.

    Parameters
    ----------
    model : Module
        Takes images (N, C, H, W), returns logits (or log-probabilities) (N, K). One of several inputs takes
        the arrays of a data set that has as many; of several outputs the first array is taken for the logits.
    optimizer : Optimizer
        Over the model's parameters.
    loss : loss of fastcnn.nn, or the like
        ``loss(logits, labels) -> float``, ``loss.backward() -> dlogits``. For a model of several outputs, one
        of your own that takes what the model returns (a tuple, say), and whose backward returns a gradient in
        the place of each; see README.md.
    scheduler : LRScheduler or ReduceLROnPlateau, optional
        On that optimizer.
    callbacks : iterable of Callback
    seed : int
        Of dropout, order and augmentation. With the same seed, model and data, the weights come out the same
        to the bit, for any number of threads.
    preprocess : callable ``preprocess(images) -> images``, optional
        Applied to every batch, in training (after augmentation) and otherwise, e.g.
        `fastcnn.data.transforms.Normalize`. Default: uint8 images are divided by 255. For several inputs it
        takes and returns the tuple, see `fastcnn.data.transforms.PerInput`; images and floats then get the
        model's precision, and other integers reach forward as they are. It may make a tuple of one input.
    scheduler_step : {"batch", "epoch"}, optional
        When the scheduler is stepped. Default: OneCycleLR after each batch, others after each epoch.
    monitor : str, optional
        What ReduceLROnPlateau is given. Default: "val_loss" or "loss", for mode "max" the accuracy.
    stop_on_nan : bool
        Stop fit at the first loss that is not finite, and tell of one that has blown up, see StopOnNaN.
    engine : bool
        Run the model as one compiled program (see `fastcnn.compile`), several times faster, not layer after
        layer, which is the reference. The two agree but for rounding.
    clip_grad_norm : float, optional
        Scale the gradients of a step so that the norm of all is at most this, see `nn.utils.clip_grad_norm_`.
    clip_grad_value : float, optional
        Clip each element of the gradients to ``[-clip_grad_value, clip_grad_value]``, before their norm.
    precision, conv_algorithm : str, optional
        Of the program; see `fastcnn.set_float32_matmul_precision`, `fastcnn.set_conv_algorithm`.

    Attributes
    ----------
    history : History
        All epochs so far.
    hints : list of str
        What seems to be a mistake in model, loss or images, each of which the log warns of once.
    model, optimizer, loss, ... : as above
        Every parameter is an attribute that may be set: from then on everything uses the new one. They must
        fit each other when the next step is taken, not before, so that several can be set in turn.

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
        preprocess: Callable[[Any], Any] | None = None,
        scheduler_step: str | None = None,
        monitor: str | None = None,
        stop_on_nan: bool = True,
        engine: bool = True,
        clip_grad_norm: float | None = None,
        clip_grad_value: float | None = None,
        precision: str | None = None,
        conv_algorithm: str | None = None,
    ) -> None:
        super().__init__(
            model=model,
            optimizer=optimizer,
            loss=loss,
            scheduler=scheduler,
            callbacks=callbacks,
            seed=seed,
            preprocess=preprocess,
            scheduler_step=scheduler_step,
            monitor=monitor,
            stop_on_nan=stop_on_nan,
            engine=engine,
            clip_grad_norm=clip_grad_norm,
            clip_grad_value=clip_grad_value,
            precision=precision,
            conv_algorithm=conv_algorithm,
        )

    # Training ---------------------------------------------------------------------------------------

    def train_step(self, x: Samples, y: np.ndarray) -> float:
        """Do one step on a batch of images; neither schedule nor callbacks take part.

        Parameters
        ----------
        x : array (N, C, H, W), or tuple or list of arrays for several inputs
            Images as in a data set: `preprocess` is applied here.
        y : int64 (N,)
            Their classes.

        Returns
        -------
        float
            The loss. If it is not finite, no weight has been changed.
        """
        images = _samples.check(x, "train_step: x", "an array")
        labels = np.asarray(y)
        if labels.ndim == 0:
            raise DTypeError(f"train_step: y must be an array, got {_samples.describe(labels)}")
        if _samples.count(images) != len(labels):
            raise ShapeError(f"train_step: {_samples.count(images)} images but {len(labels)} labels")
        self._train_mode()
        return self._step(images, labels)[0]

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

        A model in evaluation mode is put into training mode, but for layers all of whose parameters are
        frozen (``requires_grad_(False)``); in one that is in training mode each layer keeps its own mode.
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
        self._check()
        x, logits = self._check_fit(train, augment, "fit: train")
        if validation is not None:
            self._check_fit(validation, None, "fit: validation")
        loader = Loader(
            train,
            batch_size,
            shuffle=shuffle,
            replacement=replacement,
            drop_last=drop_last,
            seed=self.seed,
            augment=augment,
        )
        check_batches(self.model, x, loader, "fit")
        self._schedule.check(epochs, len(loader), validation is not None)
        self.validating = validation is not None
        self.batches_per_epoch = len(loader)
        self.outputs = logits.shape[1]
        give_hints(self, x, logits)
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
        if self.history.diverged and self.history.stop_reason is not None:
            logger.warning("training stopped: %s", self.history.stop_reason)
        for callback in self.callbacks:
            callback.on_train_end(self, self.history)
        return self.history

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
        adds_up = self.adds_up
        for number, (images, labels) in enumerate(batches, 1):
            lr = self.optimizer.param_groups[0]["lr"]
            loss, right = self._step(images, labels)
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

    # Inside -----------------------------------------------------------------------------------------

    def _step(self, images: Samples, labels: np.ndarray) -> tuple[float, int]:
        """Do one step; return the loss and the number of images predicted right."""
        if not self._checked:
            self._check()
            self._train_mode()
        return self._executor.step(self.prepare(images), labels)

    def _train_mode(self) -> None:
        # Not if it is in training mode already: the user may have put a layer of it into evaluation mode.
        if self.model.training:
            return
        for module in self.model.modules():
            own = list(module._parameters.values())
            if not own or any(parameter.requires_grad for parameter in own):
                module.training = True
