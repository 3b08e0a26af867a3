"""What both estimators share: data in, a Trainer at work, and what it leaves behind."""

from __future__ import annotations

import signal
import warnings
from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .. import nn
from .._shapes import integer
from ..data import Dataset, split
from ..data.targets import check_weights
from ..errors import ArgumentError, ShapeError
from ..training import EarlyStopping, Terminated, Trainer
from . import samples
from .fitted import Fitted
from .library import ConvergenceWarning, check_random_state
from .networks import make_network
from .parts import (
    augmentation_of,
    callbacks_of,
    loss_of,
    normalization_of,
    optimizer_of,
    options_of,
    schedule_of,
)

# The most samples of a batch whose size is "auto".
_BATCH = 200


@dataclass(eq=False, repr=False)
class CNN(Fitted):
    """Base of the estimators; see `CNNClassifier` for the parameters.

    Subclasses say what their targets are, and what becomes of what the network makes. The fields are the
    parameters, from which the constructors are made, as scikit-learn wants them.
    """

    network: Any = None
    _: KW_ONLY
    input_shape: Any = None
    hidden_layer_sizes: Any = (100,)
    optimizer: Any = "Adam"
    learning_rate_init: float | None = None
    scheduler: Any = None
    loss: Any = None
    batch_size: int | str = "auto"
    max_iter: int = 200
    shuffle: bool = True
    normalize: Any = None
    augment: Any = None
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int | None = 10
    tol: float = 1e-4
    warm_start: bool = False
    callbacks: Any = ()
    trainer_options: Any = None
    random_state: Any = None
    verbose: bool = False
    dtype: Any = None
    n_threads: int | None = None

    # The data set's task, its loss, and the column of the history that early stopping watches.
    _task: ClassVar[str]
    _loss: ClassVar[str]
    _score: ClassVar[str]

    # What subclasses say ------------------------------------------------------------------------------

    def _validated(self, X: Any, y: Any, first: bool, classes: Any) -> tuple[np.ndarray, np.ndarray, int]:
        """Return rows, the targets of a data set, and how many numbers the network is to make of a sample."""
        raise NotImplementedError

    def _weights(self, targets: np.ndarray, sample_weight: Any, partial: bool) -> np.ndarray | None:
        """Return how much each sample counts, None if all count the same."""
        if sample_weight is None:
            return None
        weights = np.asarray(sample_weight)
        if weights.size and weights.dtype.kind in "biuf" and not weights.any():
            raise ArgumentError(f"{self._what}: sample_weight must not be zero for all samples")
        return check_weights(weights, len(targets), f"{self._what}: sample_weight")

    def _names(self) -> list[str] | None:
        """Return the names of the classes, if there are any."""
        return None

    # Fitting ------------------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any, partial: bool = False, classes: Any = None) -> Any:
        """Train on some samples, for one epoch if `partial`."""
        what = self._what
        if partial and self.early_stopping:
            raise ArgumentError(f"{what}: partial_fit needs early_stopping=False")
        first = not hasattr(self, "module_") or not (partial or self.warm_start)
        if first:
            self.__dict__.pop("module_", None)  # a fit that fails leaves nothing behind
        given, kind = samples.checked_shape(self.input_shape, what), samples.precision_of(X)
        rows, found = samples.as_rows(X)
        rows, targets, outputs = self._validated(rows, y, first, classes)
        shape = samples.sample_shape(given, found, rows.shape[1], what)
        if given is None:
            samples.check_channels(shape, what)
        if first:
            self._prepare = samples.Prepare(shape, rows.dtype)
            self.input_shape_, self.n_outputs_ = shape, outputs
            self._trainer, self._progress = None, None
        elif (shape, outputs) != (self.input_shape_, self.n_outputs_):
            raise ShapeError(
                f"{what}: the network takes {self.input_shape_} and makes {self.n_outputs_} outputs, but the "
                f"samples are {shape} and need {outputs}: call fit with warm_start=False"
            )
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        train = Dataset(
            self._prepare.images(rows),
            targets,
            self._names(),
            layout="NCHW",
            task=self._task,
            weights=self._weights(targets, sample_weight, partial),
        )
        train, validation = self._divided(train, seed)
        if first:
            model = self._new_module(shape, outputs, kind, seed)
            if self.normalize is not None:
                self._prepare.transform = normalization_of(self.normalize, train.images, what)
        else:
            model = self.module_
        trainer = self._trainer if partial else None
        if trainer is None:
            trainer = self._new_trainer(model, len(train), validation is not None, partial, seed)
            if partial and self._progress is not None:
                trainer.load_state_dict({**self._progress, "model": model.state_dict()})
        self._train(trainer, train, validation, partial)
        return self

    def _divided(self, dataset: Dataset, seed: int) -> tuple[Dataset, Dataset | None]:
        """Return the samples to train on, and those that early stopping watches."""
        if not self.early_stopping:
            return dataset, None
        share = self.validation_fraction
        if isinstance(share, bool) or not isinstance(share, Real) or not 0 < share < 1:
            raise ArgumentError(f"{self._what}: validation_fraction must be between 0 and 1, got {share!r}")
        return split(dataset, float(share), seed=seed)

    def _new_module(self, shape: samples.Shape, outputs: int, kind: np.dtype, seed: int) -> nn.Module:
        if self.dtype not in (None, "float32", "float64", np.float32, np.float64):
            raise ArgumentError(f"{self._what}: dtype must be float32 or float64, got {self.dtype!r}")
        model = make_network(self.network, self.hidden_layer_sizes, shape, outputs, seed, self._what)
        dense = self.network is None and len(shape) == 1
        dtype = kind if self.dtype is None and dense else self.dtype
        return model if dtype is None else model.astype(dtype)

    def _new_trainer(
        self, model: nn.Module, count: int, validating: bool, partial: bool, seed: int
    ) -> Trainer:
        what = self._what
        optimizer = optimizer_of(self.optimizer, self.learning_rate_init, model, what)
        options, callbacks = options_of(self.trainer_options, what), callbacks_of(self.callbacks, what)
        several = integer(options.get("accumulate_grad_batches", 1), f"{what}: accumulate_grad_batches", 1)
        steps = -(-count // (self._batch(count) * several))
        if self.n_iter_no_change is not None and not partial:
            patience = integer(self.n_iter_no_change, f"{what}: n_iter_no_change", 1)
            if isinstance(self.tol, bool) or not isinstance(self.tol, Real) or not self.tol >= 0:
                raise ArgumentError(f"{what}: tol must be a number of at least 0, got {self.tol!r}")
            monitor = self._score if validating else "loss"
            callbacks.append(EarlyStopping(monitor, patience, float(self.tol), restore_best=validating))
        return Trainer(
            model,
            optimizer,
            loss_of(self.loss, self._loss, what),
            callbacks=callbacks,
            seed=seed,
            # Of images the function itself, which the Trainer knows: it warns of floats that are too large.
            preprocess=self._prepare if len(self.input_shape_) == 1 else self._prepare.transform,
            **schedule_of(self.scheduler, optimizer, self._epochs, steps, what),
            **options,
        )

    @property
    def _epochs(self) -> int:
        return integer(self.max_iter, f"{self._what}: max_iter", 1)

    def _batch(self, count: int) -> int:
        """Return the samples of a batch."""
        auto = isinstance(self.batch_size, str) and self.batch_size == "auto"
        return min(_BATCH if auto else integer(self.batch_size, f"{self._what}: batch_size", 1), count)

    def _train(self, trainer: Trainer, train: Dataset, validation: Dataset | None, partial: bool) -> None:
        """Run a Trainer, and keep what it leaves."""
        size, model = self._batch(len(train)), trainer.model
        alone = len(train) % size == 1 < len(train) and any(
            hasattr(m, "needs_batch") for m in model.modules()
        )
        with self._threads():
            try:
                trainer.fit(
                    train,
                    epochs=1 if partial else self._epochs,
                    batch_size=size,
                    validation=validation,
                    augment=augmentation_of(self.augment, self._what),
                    shuffle=bool(self.shuffle),
                    drop_last=alone and size > 1,
                    progress=bool(self.verbose),
                )
            except Terminated as ended:
                # What it means without a Trainer: the process ends. In a worker a SystemExit would not.
                signal.raise_signal(int(ended.code or 0) - 128)
                raise
        model.eval().zero_grad()
        history = trainer.history
        self.module_, self.history_ = model, history
        self._trainer, self._progress = (trainer if partial else None), None
        self.n_iter_ = len(history)
        self.loss_curve_ = [row["loss"] for row in history]
        self.validation_scores_ = None if validation is None else [row[self._score] for row in history]
        if history.interrupted:
            raise KeyboardInterrupt
        if history.diverged:
            told = history.stop_reason or "the loss has blown up: lower the learning rate"
            warnings.warn(f"{self._what}: {told}", ConvergenceWarning, stacklevel=4)
