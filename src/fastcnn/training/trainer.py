"""The training loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from os import PathLike
from typing import Any

from .._shapes import integer
from ..data.sources import evaluated, loader_of, source_of
from ..errors import ArgumentError
from ..nn.module import Module
from ..optim import Optimizer
from .callback import Callback
from .checks import check_batches, check_passes
from .conditions import conditions
from .evaluation import Data
from .hints import give_hints
from .history import History
from .interrupt import Interrupts, Terminated
from .resuming import Resumable, checkpoint_of
from .saving import Interval, Saver
from .schedule import Scheduler
from .states import Position, all_or_nothing, put_back_callbacks

logger = logging.getLogger(__name__)


class Trainer(Resumable):
    """Train, evaluate and use a model.

    Parameters
    ----------
    model : Module
        Takes images (N, C, H, W), returns logits (or log-probabilities) (N, K), for masks (N, K, H, W), for
        real targets what has their shape, or (N, 1) for numbers (N,). One of several inputs takes
        the arrays of a data set that has as many; of several outputs the first array is taken for the logits.
    optimizer : Optimizer
        Over the model's parameters.
    loss : loss of fastcnn.nn, or the like
        ``loss(logits, labels) -> float``, ``loss.backward() -> dlogits``; of a data set with weights also
        ``loss(logits, labels, sample_weight=weights)``. For a model of several outputs, one
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
        When it is stepped. Default: OneCycleLR, CyclicLR after each step, others after each epoch.
    monitor : str, optional
        What ReduceLROnPlateau is given. Default: "val_loss" or "loss", for mode "max" the accuracy, or what
        stands for it in another task.
    stop_on_nan : bool
        Stop fit at the first step that is not finite, and tell of a loss that has blown up, see StopOnNaN.
        Such a step changes nothing either way.
    engine : bool
        Run the model as one compiled program (see `fastcnn.compile`), several times faster, not layer after
        layer, which is the reference. The two agree but for rounding.
    clip_grad_norm : float, optional
        Scale the gradients of a step so that the norm of all is at most this, see `nn.utils.clip_grad_norm_`.
    clip_grad_value : float, optional
        Clip each element of the gradients to ``[-clip_grad_value, clip_grad_value]``, before their norm.
    accumulate_grad_batches : int
        Batches to a step of fit, the step of one large batch but for batch norm; see README.md.
    metrics : mapping of str to callable ``function(outputs, targets) -> float``, optional
        Metrics of your own, in the results of evaluate and in the columns "val_..." of the history. One that
        takes ``sample_weight`` is given the weights of the data set, if there are any.
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
        accumulate_grad_batches: int = 1,
        metrics: Mapping[str, Callable[..., float]] | None = None,
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
            accumulate_grad_batches=accumulate_grad_batches,
            metrics=metrics,
            precision=precision,
            conv_algorithm=conv_algorithm,
        )

    def fit(
        self,
        train: Data,
        *,
        epochs: int,
        batch_size: int | None = None,
        validation: Data | None = None,
        augment: Callable | None = None,
        shuffle: bool = True,
        replacement: bool = False,
        drop_last: bool = False,
        progress: bool = True,
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every: Interval | None = None,
        resume: bool | str | PathLike[str] = False,
    ) -> History:
        """Train for a number of epochs; called again, it goes on where it stopped.

        A model in evaluation mode is put into training mode, but for layers all of whose parameters are
        frozen (``requires_grad_(False)``); in one that is in training mode each layer keeps its own mode.
        Epoch e takes its order and augmentation from (seed, e) alone.

        Ctrl-C ends it cleanly after the step under way: callbacks still put the best weights back, and the
        history says ``interrupted``. So does SIGTERM, which then ends the process by SystemExit.

        Parameters
        ----------
        train : Dataset, or data set or iterable of batches of another library
            A data set of torchvision, PyTorch or Hugging Face becomes a `fastcnn.data.LazyDataset`, an
            iterable such as a DataLoader `fastcnn.data.Batches`; see there, and docs/data.md.
        epochs : int
            How many more. With `resume` those of the training that goes on: what it was called with.
        batch_size : int
            Images of a step. Left out where batches come with lengths of their own.
        validation : as train, optional
            Evaluated after each epoch; take it from the training images, not from the test set.
        augment : callable ``augment(images, rng) -> images``, optional
            Applied to each batch of `train` before `preprocess`.
        shuffle, replacement, drop_last : bool
            As in `fastcnn.data.Loader`; iterables of batches have an order of their own.
        progress : bool
            Whether a bar is shown, on the standard error or in a notebook.
        checkpoint : str or path, optional
            A safetensors file for all of the training, or a folder for ``checkpoint.safetensors``: written at
            the beginning, after each epoch, and when fit ends early, be it by Ctrl-C, SIGTERM or an error.
            The one before stays until the new one is on the disk. Should it not be possible to write it, the
            log warns, and training goes on. That of an earlier training, which this one does not go on with,
            gets the suffix ".before"; a file of any other kind is not overwritten.
        checkpoint_every : int, str or timedelta, optional
            Also write it within epochs: every so many steps (500), or after so long ("10min", "30s").
        resume : bool, str or path
            A checkpoint to go on from, at any step: weights, history and what callbacks write become, to the
            bit, what they would have been without the pause. Data, `batch_size` and the like must be those of
            then, and are compared; the number of threads need not be, and the learning rate is that of then.
            With another version, instruction set or precision results are merely close, and the log warns.
            With True it goes on from `checkpoint`, or begins if there is no such file yet.

        Returns
        -------
        History
            `self.history`: all epochs so far.

        Raises
        ------
        ArgumentError, DTypeError, ShapeError
            Before training starts, if data, model and schedule do not fit each other, or the checkpoint is
            that of another training.
        CheckpointError
            If a checkpoint cannot be read, or the first one cannot be written.
        """
        epochs = integer(epochs, "fit: epochs", 0)
        self._check()
        source = source_of(train, "fit: train", batch_size=batch_size, drop_last=drop_last)
        x, logits = self._check_fit(source, augment, "fit: train")
        held_out = None if validation is None else evaluated(validation, "fit: validation")
        if held_out is not None:
            self._check_fit(held_out, None, "fit: validation")
            if held_out.task != source.task:
                raise ArgumentError(f"fit: train is for {source.task}, but validation for {held_out.task}")
        loader = loader_of(
            source,
            "fit",
            batch_size=batch_size,
            shuffle=shuffle,
            replacement=replacement,
            drop_last=drop_last,
            seed=self.seed,
            augment=augment,
        )
        check_batches(self.model, x, loader, "fit")
        self.validating = held_out is not None
        self.batches_per_epoch = loader.length or 0
        self.outputs, self.task = logits.shape[1] if logits.ndim > 1 else 1, source.task
        begun_by = checkpoint_of(checkpoint, resume)
        told = conditions(self, loader, held_out) if checkpoint is not None or begun_by is not None else {}
        saver = Saver(checkpoint, checkpoint_every, told, self.state_dict)
        with all_or_nothing(self) if begun_by is not None else nullcontext():
            if begun_by is None:
                self.history.begin()
            else:
                self._go_on(begun_by, told)
            loaded, self._loaded = self._loaded, None
            if loaded is None:
                self._position = Position(len(self.history))
                self.accumulation.clear()
            last = self._position.first + epochs
            left = max(0, last - len(self.history))
            check_passes(left, source, held_out)
            self._schedule.check(left, self._steps_of(left), self.validating, self.task)
            give_hints(self, x, logits)
            for callback in self.callbacks:
                callback.on_train_begin(self)
            if loaded is not None:
                put_back_callbacks(self, loaded, f"fit: resume: {begun_by}")
        with Interrupts() as interrupts:
            saver.begin(anew=begun_by is None and not self.history.epochs)
            self._within_step = False
            was_training = self.model.training
            ended = None
            try:
                self._run(loader, held_out, last, progress, interrupts, saver)
            except (KeyboardInterrupt, Terminated) as error:
                ended = error
            except BaseException as error:
                with interrupts.held:
                    saver.write(whole=not self._within_step)
                    self._tell("on_exception", error)
                raise
            finally:
                if not was_training:
                    self.model.eval()
            with interrupts.held:
                self._end(ended, saver)
        if isinstance(ended, Terminated):
            raise ended
        return self.history

    def _end(self, ended: BaseException | None, saver: Saver) -> None:
        """Leave everything as it should be when fit has ended, or something has ended it."""
        history = self.history
        if ended is not None:
            saver.write(whole=not self._within_step)
            history.interrupted = True
            how = "terminated" if isinstance(ended, Terminated) else "interrupted"
            self.stop(f"{how} in epoch {len(history) + 1}")
        if history.diverged and history.stop_reason is not None:
            logger.warning("training stopped: %s", history.stop_reason)
        for callback in self.callbacks:
            callback.on_train_end(self, history)
        if history.restored_epoch is not None:  # the weights are no longer those of the step
            self._position = Position(len(history))
