"""A batch on its way from a data set to training, and what augmentation makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import _samples
from .._samples import Samples
from ..errors import DTypeError, ShapeError
from .targets import CLASSIFICATION, IGNORE_INDEX, REGRESSION, SEGMENTATION, as_batch


@dataclass(frozen=True)
class Batch:
    """What a transform may need to know beside the images.

    Attributes
    ----------
    images : ndarray (N, C, H, W), or tuple of ndarrays for several inputs
    labels : ndarray (N,), or what a transform has made of them, such as probabilities (N, K)
    indices : int64 (N,)
        Places of the samples in the data set.
    num_classes : int
        0 if the labels are no classes.
    epoch : int
        From 0.
    seed : int
        That of the loader.
    weights : float64 (N,), optional
        How much each sample counts.
    task : str
        What the labels are, see `fastcnn.data.Dataset`.
    ignore_index : int
        What stands in masks where a pixel does not count.
    """

    images: Samples
    labels: np.ndarray
    indices: np.ndarray
    num_classes: int
    epoch: int = 0
    seed: int = 0
    weights: np.ndarray | None = None
    task: str = CLASSIFICATION
    ignore_index: int = IGNORE_INDEX

    @property
    def has_maps(self) -> bool:
        """Whether each pixel has a target of its own: masks, or targets that are images of the same size."""
        if not isinstance(self.images, np.ndarray) or self.images.ndim != 4:
            return False
        axes = {SEGMENTATION: (3,), REGRESSION: (3, 4)}.get(self.task, ())
        return self.labels.ndim in axes and self.labels.shape[-2:] == self.images.shape[2:]


def whole_batch(
    dataset: Any, images: Samples, labels: np.ndarray, indices: np.ndarray, epoch: int = 0, seed: int = 0
) -> Batch:
    """Return the batch of some samples of a data set, whose labels are as losses take them."""
    weights = None if dataset.weights is None else dataset.weights[indices]
    classes = dataset.num_classes
    return Batch(images, labels, indices, classes, epoch, seed, weights, dataset.task, dataset.ignore_index)


def first_sample(dataset: Any, images: Samples) -> Batch:
    """Return the batch of the first sample of a data set, with `images` in the place of its own."""
    return whole_batch(dataset, images, as_batch(dataset.labels[:1], dataset.task), np.zeros(1, np.int64))


def applied(transform: Callable[..., Any], batch: Batch, rng: np.random.Generator) -> Batch:
    """Return what a transform makes of a batch.

    Parameters
    ----------
    transform : callable
        ``transform(images, rng) -> images``; one with a method ``on_batch(batch, rng) -> Batch`` is given all
        of the batch.
    batch : Batch
    rng : numpy.random.Generator
    """
    on_batch = getattr(transform, "on_batch", None)
    if on_batch is None:
        return replace(batch, images=transform(batch.images, rng))
    return on_batch(batch, rng)


def augmented(augment: Callable[..., Any], batch: Batch, rng: np.random.Generator, what: str) -> Batch:
    """Return the augmented batch after a look at it; `what` opens the message of an error.

    Raises
    ------
    DTypeError, ShapeError
        If it has not as many inputs, rows or labels as the batch.
    """
    count, inputs = _samples.count(batch.images), len(_samples.arrays(batch.images))
    result = applied(augment, batch, rng)
    if not isinstance(result, Batch):
        raise DTypeError(f"{what}: on_batch of augment must return a Batch, got {type(result).__name__}")
    made = _samples.arrays(result.images)
    fit = [isinstance(each, np.ndarray) and each.shape[:1] == (count,) for each in made]
    if len(made) != inputs or not all(fit):
        expected = f"an array of {count} images"
        if inputs > 1:
            expected = f"a tuple of {inputs} arrays of {count} rows"
        got = " and ".join(str(getattr(each, "shape", type(each).__name__)) for each in made) or "()"
        raise ShapeError(f"{what}: augment must return {expected}, got {got}")
    labels = result.labels
    if not isinstance(labels, np.ndarray) or labels.shape[:1] != (count,):
        got = str(getattr(labels, "shape", type(labels).__name__))
        raise ShapeError(f"{what}: augment must return a label for each of {count} images, got {got}")
    weights = result.weights
    if (weights is None) != (batch.weights is None) or (weights is not None and weights.shape != (count,)):
        got = "none" if weights is None else str(weights.shape)
        raise ShapeError(f"{what}: augment must keep the weights of the samples, got {got}")
    return replace(result, images=made if len(made) > 1 else made[0])
