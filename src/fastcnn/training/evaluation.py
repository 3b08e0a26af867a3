"""The use of a trained model: predictions for images, and metrics on a data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np

from .. import _samples
from .._samples import Outputs, Samples
from .._shapes import integer
from ..data import Dataset
from ..errors import DTypeError, ShapeError
from ..nn.prediction import in_batches
from ..nn.views import Views
from . import metrics
from .checks import check_dataset, check_fit, check_labels, logits_of
from .executor import count_correct
from .parts import Parts


class Metrics(TypedDict):
    """What `Evaluator.evaluate` returns."""

    loss: float
    accuracy: float
    macro_f1: float
    confusion: np.ndarray
    correct: int
    count: int


class Evaluator(Parts):
    """What of a Trainer changes no weight."""

    def evaluate(self, dataset: Dataset, batch_size: int = 256, *, tta: str | None = None) -> Metrics:
        """Return the metrics of the model, in evaluation mode, on a data set.

        Parameters
        ----------
        dataset : Dataset
        batch_size : int
            Has no influence on the result; without the engine, on the last bits of the logits.
        tta : str, optional
            Test-time augmentation, as for `predict`; the loss is that of the mean of the logits.

        Returns
        -------
        dict
            "loss" (over all images at once: exact for any reduction), "accuracy", "macro_f1", "confusion"
            (int64 (K, K), true class by predicted class), "correct" and "count". Of several outputs the first
            array is taken for the logits; the loss is that of all.
        """
        check_dataset(dataset, "evaluate: dataset")
        outputs = self.predict(dataset.images, batch_size, tta=tta)
        logits = logits_of(outputs)
        check_labels(dataset, logits, "evaluate: dataset")
        confusion = metrics.confusion_matrix(dataset.labels, logits.argmax(1), logits.shape[1])
        return {
            "loss": float(self.loss(outputs, dataset.labels)),
            "accuracy": metrics.accuracy(confusion),
            "macro_f1": metrics.macro_f1(confusion),
            "confusion": confusion,
            "correct": count_correct(logits, dataset.labels),
            "count": len(dataset),
        }

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
        x, outputs = check_fit(dataset, self.prepare, self._executor.forward, augment, what)
        if not isinstance(outputs, np.ndarray):
            # A loss that takes a single output raises, and says what to do.
            self.loss(outputs, dataset.labels[:1])
        return x, logits_of(outputs)
