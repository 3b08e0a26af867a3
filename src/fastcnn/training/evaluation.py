"""The use of a trained model: predictions for images, and metrics on a data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np

from .. import _samples
from .._samples import Outputs, Samples
from .._shapes import integer
from ..data import Dataset
from ..data.targets import CLASSIFICATION, as_batch
from ..errors import DTypeError, ShapeError
from ..nn.prediction import in_batches
from ..nn.views import Views
from .checks import check_dataset, check_fit, check_labels, check_loss, logits_of
from .own_metrics import OwnMetrics
from .parts import Parts
from .targets import MeanLoss, fitted, loss_of
from .tasks import TASKS, streamed


class Metrics(TypedDict, total=False):
    """What `Evaluator.evaluate` returns: loss and count, and the metrics of the data set's task."""

    loss: float
    count: int
    accuracy: float
    macro_f1: float
    confusion: np.ndarray
    correct: int
    micro_f1: float
    average_precision: float
    subset_accuracy: float
    f1: list[float]
    pixel_accuracy: float
    mean_iou: float
    dice: float
    mae: float
    mse: float
    r2: float


class Evaluator(Parts):
    """What of a Trainer changes no weight."""

    def evaluate(self, dataset: Dataset, batch_size: int = 256, *, tta: str | None = None) -> Metrics:
        """Return the metrics of the model, in evaluation mode, on a data set.

        Parameters
        ----------
        dataset : Dataset
        batch_size : int
            Has no influence on the result; without the engine, on the last bits of the logits. Of masks and
            targets that are images only the outputs of so many are in memory, and metrics of your own are the
            mean over these batches.
        tta : str, optional
            Test-time augmentation, as for `predict`; the loss is that of the mean of the logits.

        Returns
        -------
        dict
            "loss" (over all images at once: exact for any reduction), "count", metrics of your own, and of

            - classes: "accuracy", "macro_f1", "confusion" (int64 (K, K), true class by predicted class),
              "correct";
            - several labels: "micro_f1", "macro_f1", "average_precision", "subset_accuracy", "f1" (of each);
            - masks: "pixel_accuracy", "mean_iou", "dice", "confusion" and "correct" of pixels;
            - real targets: "mae", "mse", "r2".

            Weights of the samples count in all but "confusion" and "correct". Of several outputs the first
            array is taken for the logits; the loss is that of all.
        """
        check_dataset(dataset, "evaluate: dataset")
        size = len(dataset) if not streamed(dataset) else integer(batch_size, "evaluate: batch_size", 1)
        measure, loss = TASKS[dataset.task].measure(dataset, self.loss), MeanLoss(self.loss)
        own = OwnMetrics(self.metrics)
        for start in range(0, len(dataset), size):
            rows = slice(start, start + size)
            outputs = self.predict(_samples.take(dataset.images, rows), batch_size, tta=tta)
            logits = logits_of(outputs)
            if start == 0:
                check_labels(dataset, logits, "evaluate: dataset")
            targets = as_batch(dataset.labels[rows], dataset.task)
            targets = fitted(targets, self._executor.dtype(), logits.shape[1:])
            weights = None if dataset.weights is None else dataset.weights[rows]
            loss.add(outputs, targets, weights)
            measure.add(logits, rows)
            own.add(logits, targets, weights)
        found = {"loss": loss.result(), **measure.results(), "count": len(dataset), **own.results()}
        return found  # type: ignore[return-value]

    def validation_row(self, dataset: Dataset) -> dict[str, float]:
        """Return what a row of the history has of an evaluation."""
        result: Any = self.evaluate(dataset)
        names = ("loss", *TASKS[dataset.task].columns, *self.metrics)
        return {f"val_{name}": result[name] for name in names}

    def predict(self, images: Samples, batch_size: int = 256, *, tta: str | None = None) -> Outputs:
        """Return the model's output for images, in evaluation mode.

        Parameters
        ----------
        images : array (N, C, H, W), or tuple or list of arrays for several inputs
            As in a data set: `preprocess` is applied here.
        batch_size : int
        tta : str, optional
            Return the mean of the outputs over views of each image, taken before `preprocess`: "flip",
            "shift=2" or "flip,shift=2", see `fastcnn.nn.Module.predict`.

        Returns
        -------
        array (N, K), or tuple, list or dict of arrays for several outputs
            Logits, or what else the model ends with.
        """
        size = integer(batch_size, "predict: batch_size", 1)
        samples = _samples.check(images, "predict: images", "an array (N, C, H, W)")
        if tta is None:
            return in_batches(self._forward, samples, size, "predict")
        views = Views(tta, "predict: tta")
        return in_batches(lambda part: views.mean(self._forward, part, "predict"), samples, size, "predict")

    def _forward(self, images: Samples) -> Any:
        """Return the model's output for a batch as in a data set."""
        try:
            return self._executor.forward(self.prepare(images))
        except ShapeError as error:
            # Layers take one image for several of another shape, and only a later one stumbles.
            if isinstance(images, tuple) or images.ndim not in (2, 3):
                raise
            one = "images[None]" if images.ndim == 3 else "images[None, None]"
            raise ShapeError(
                f"predict: images must have the shape (N, C, H, W), got {images.shape}; for one image "
                f"give {one} ({error})"
            ) from error

    def prepare(self, images: Samples) -> Samples:
        """Return images of a data set as the model takes them: preprocessed, in its precision.

        Of several inputs, integers that are no images (four axes) stay what they are.
        """
        images = _samples.check(images, "Trainer.prepare: images")
        x, dtype = self.preprocess(images), self._executor.dtype()
        if not isinstance(x, np.ndarray):
            if not isinstance(x, tuple) and not (isinstance(x, list) and isinstance(images, tuple)):
                raise DTypeError(f"Trainer: preprocess must return an array, got {type(x).__name__}")
            x = _samples.check(x, "Trainer: what preprocess returned")
        several = isinstance(x, tuple)

        def cast(array: np.ndarray) -> np.ndarray:
            integers = several and array.ndim != 4 and array.dtype.kind in "biu"
            return array if integers or array.dtype == dtype else array.astype(dtype)

        return _samples.each(x, cast)

    def _check_fit(self, dataset: Dataset, augment: Callable | None, what: str) -> tuple[Samples, np.ndarray]:
        """Run an image through everything; return it as the model takes it, and the logits."""
        x, outputs, batch = check_fit(dataset, self.prepare, self._executor.forward, augment, what)
        logits = logits_of(outputs)
        self._output_shape = logits.shape[1:]
        check_loss(self.loss, dataset, what)
        if dataset.task != CLASSIFICATION or not isinstance(outputs, np.ndarray):
            # A loss that takes something else raises, and says what to do.
            weights = None if batch.weights is None else np.ones(1)
            targets = self.prepare_targets(batch.labels, x)
            try:
                loss_of(self.loss, outputs, targets, weights)
            except (DTypeError, ShapeError) as error:
                if isinstance(outputs, np.ndarray):
                    raise type(error)(f"{what} does not fit the loss: {error}") from error
                raise
        return x, logits

    def prepare_targets(self, labels: np.ndarray, x: Samples) -> np.ndarray:
        """Return targets as the loss takes them: real ones in the model's precision, beside its outputs.

        Parameters
        ----------
        labels : array (N, ...)
            As a `Loader` hands them out.
        x : array, or tuple of arrays for several inputs
            Images, as the model takes them.
        """
        if labels.dtype.kind not in "bf":
            return labels
        if labels.ndim == 1 and self._output_shape is None:
            first = self._executor.forward(_samples.take(x, slice(1)))
            self._output_shape = logits_of(first).shape[1:]
        return fitted(labels, self._executor.dtype(), self._output_shape or ())
