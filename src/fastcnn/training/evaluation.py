"""The use of a trained model: predictions for images, and metrics on a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypedDict

import numpy as np

from .. import _samples
from .._samples import Outputs, Samples
from .._shapes import integer
from ..data import Dataset, Source
from ..data.foreign import array_of, is_array
from ..data.sources import evaluated, is_foreign
from ..data.targets import CLASSIFICATION, as_batch
from ..errors import DTypeError, ShapeError
from ..nn.prediction import in_batches, put_together
from ..nn.views import Views
from .checks import check_fit, check_labels, check_loss, logits_of
from .own_metrics import OwnMetrics
from .parts import Parts
from .targets import MeanLoss, fitted, loss_of
from .tasks import TASKS, streamed

# What is trained on and evaluated; `Any` are the data sets and iterables of other libraries.
Data: TypeAlias = Source | Any


# Images that are evaluated at a time after an epoch; of large ones no more than have so many numbers.
_BATCH, _FLOATS = 256, 1 << 26


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

    def evaluate(self, dataset: Data, batch_size: int = _BATCH, *, tta: str | None = None) -> Metrics:
        """Return the metrics of the model, in evaluation mode, on a data set.

        Parameters
        ----------
        dataset : Dataset, or data set or iterable of batches of another library, as of `Trainer.fit`
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
            array is taken for the logits; the loss is that of all. "confusion" is shown by
            `fastcnn.training.report.ConfusionMatrix`.
        """
        source, limit = (
            evaluated(dataset, "evaluate: dataset"),
            integer(batch_size, "evaluate: batch_size", 1),
        )
        measure, loss = TASKS[source.task].measure(source, self.loss), MeanLoss(self.loss)
        own, count = OwnMetrics(self.metrics), 0
        for outputs, labels, weights in self._answers(source, limit, tta):
            logits = logits_of(outputs)
            if count == 0:
                check_labels(source, logits, "evaluate: dataset", labels)
            targets = fitted(as_batch(labels, source.task), self._executor.dtype(), logits.shape[1:])
            loss.add(outputs, targets, weights)
            measure.add(logits, labels, weights)
            own.add(logits, targets, weights)
            count += len(labels)
        found = {"loss": loss.result(), **measure.results(), "count": count, **own.results()}
        return found  # type: ignore[return-value]

    def _answers(self, source: Source, limit: int, tta: str | None) -> Iterator[tuple[Any, Any, Any]]:
        """Yield outputs, labels and weights: of all samples at once, or of batches if outputs are large."""
        at_once = not streamed(source.first().labels)
        whole = len(source) if isinstance(source, Dataset) and at_once else 0
        parts = (
            (self.predict(images, limit, tta=tta), labels, weights)
            for images, labels, weights in source.in_order(whole or limit)
        )
        if whole or not at_once:
            yield from parts
            return
        outputs, labels, weights = zip(*parts, strict=True)
        together = None if weights[0] is None else np.concatenate(weights)
        yield put_together(outputs, "evaluate"), np.concatenate(labels), together

    def validation_row(self, dataset: Source) -> dict[str, float]:
        """Return what a row of the history has of an evaluation."""
        one = sum(array.size for array in _samples.arrays(dataset.first().images))
        fewer = max(1, _FLOATS // max(1, one))
        result: Any = self.evaluate(dataset, fewer) if fewer < _BATCH else self.evaluate(dataset)
        names = ("loss", *TASKS[dataset.task].columns, *self.metrics)
        return {f"val_{name}": result[name] for name in names}

    def predict(self, images: Samples | Data, batch_size: int = _BATCH, *, tta: str | None = None) -> Outputs:
        """Return the model's output for images, in evaluation mode.

        Parameters
        ----------
        images : array (N, C, H, W), or tuple or list of arrays for several inputs
            As in a data set: `preprocess` is applied here. Or a tensor, or what `evaluate` takes, whose
            labels are left aside.
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
        if is_array(images):
            images = array_of(images, "predict: images")
        elif isinstance(images, Source) or is_foreign(images):
            source = evaluated(images, "predict: images")
            parts = [self.predict(each, size, tta=tta) for each, *_ in source.in_order(size)]
            return put_together(parts, "predict")
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

    def _check_fit(self, dataset: Source, augment: Callable | None, what: str) -> tuple[Samples, np.ndarray]:
        """Run an image through everything; return it as the model takes it, and the logits."""
        x, outputs, batch = check_fit(dataset, self.prepare, self._executor.forward, augment, what)
        logits = logits_of(outputs)
        self._output_shape = logits.shape[1:]
        check_loss(self.loss, dataset, batch, what)
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
