"""The use of a trained model: predictions for images, and metrics on a data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._shapes import allocate, integer
from ..data import Dataset
from ..errors import DTypeError, ShapeError
from . import metrics
from .checks import check_dataset, check_fit, check_labels, describe
from .executor import count_correct
from .parts import Parts


class Evaluator(Parts):
    """What of a Trainer changes no weight."""

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
        if not isinstance(images, np.ndarray) or images.ndim == 0:
            raise DTypeError(f"predict: images must be an array (N, C, H, W), got {describe(images)}")
        try:
            first = self._executor.forward(self.prepare(images[:size]))
        except ShapeError as error:
            # Layers take one image for several of another shape, and only a later one stumbles.
            if images.ndim not in (2, 3):
                raise
            one = "images[None]" if images.ndim == 3 else "images[None, None]"
            raise ShapeError(
                f"predict: images must have the shape (N, C, H, W), got {images.shape}; for one image "
                f"give {one} ({error})"
            ) from error
        if len(images) <= size:
            return first
        outputs = allocate((len(images), *first.shape[1:]), first.dtype, "predict: the outputs")
        outputs[:size] = first
        for start in range(size, len(images), size):
            outputs[start : start + size] = self._executor.forward(self.prepare(images[start : start + size]))
        return outputs

    def prepare(self, images: np.ndarray) -> np.ndarray:
        """Return images of a data set as the model takes them: preprocessed, in its precision."""
        x = self.preprocess(images)
        if not isinstance(x, np.ndarray):
            raise DTypeError(f"Trainer: preprocess must return an array, got {type(x).__name__}")
        dtype = self._executor.dtype()
        return x if x.dtype == dtype else x.astype(dtype)

    def _check_fit(
        self, dataset: Dataset, augment: Callable | None, what: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Run an image through everything; return it as the model takes it, and the logits."""
        return check_fit(dataset, self.prepare, self._executor.forward, augment, what)
