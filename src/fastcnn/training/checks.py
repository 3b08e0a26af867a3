"""Checks that data fit a model, made before training starts, and the default preparation of images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..data import Dataset
from ..errors import ArgumentError, DTypeError, ShapeError
from ..nn.module import Module
from ..optim import Optimizer


def to_unit_range(images: np.ndarray) -> np.ndarray:
    """Return uint8 images as float32 from 0 to 1, and others as they are."""
    return np.divide(images, np.float32(255), dtype=np.float32) if images.dtype == np.uint8 else images


def check_parts(model: object, optimizer: object, loss: object, preprocess: object) -> None:
    """Raise unless these can be the parts of a Trainer."""
    if not isinstance(model, Module):
        raise DTypeError(f"Trainer: model must be a Module, got {type(model).__name__}")
    if not isinstance(optimizer, Optimizer):
        raise DTypeError(f"Trainer: optimizer must be an Optimizer, got {type(optimizer).__name__}")
    if not callable(loss) or not callable(getattr(loss, "backward", None)):
        raise DTypeError(f"Trainer: loss must be callable and have backward, got {type(loss).__name__}")
    if getattr(loss, "reduction", "mean") == "none":
        raise ArgumentError("Trainer: the loss must be one number: reduction 'mean' or 'sum', not 'none'")
    if preprocess is not None and not callable(preprocess):
        raise DTypeError(f"Trainer: preprocess must be callable, got {type(preprocess).__name__}")
    trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if trained.isdisjoint(id(p) for p in model.parameters()):
        raise ArgumentError("Trainer: the optimizer holds no parameter of the model")


def check_dataset(dataset: object, what: str) -> None:
    """Raise unless `dataset` is a Dataset with an image in it; `what` opens the message."""
    if not isinstance(dataset, Dataset):
        raise DTypeError(f"{what} must be a Dataset, got {type(dataset).__name__}")
    if len(dataset) == 0:
        raise ArgumentError(f"{what} is empty")


def check_labels(dataset: Dataset, logits: np.ndarray, what: str) -> None:
    """Raise unless the model's outputs are logits (N, K) with a column for every label."""
    if logits.ndim != 2:
        raise ShapeError(f"{what} does not fit the model: expected logits (N, K), got {logits.shape}")
    largest = int(dataset.labels.max())
    if largest >= logits.shape[1]:
        raise ArgumentError(f"{what} has the label {largest}, but the model has {logits.shape[1]} outputs")


def check_fit(
    dataset: Dataset, predict: Callable[[np.ndarray], np.ndarray], augment: Callable | None, what: str
) -> None:
    """Run one image through everything and raise if something does not fit.

    Parameters
    ----------
    dataset : Dataset
    predict : callable ``predict(images) -> logits``
    augment : callable ``augment(images, rng) -> images``, optional
        Applied first; it may change the size of the images.
    what : str
        Opens the message of an error.
    """
    check_dataset(dataset, what)
    sample = dataset.images[:1]
    if augment is not None:
        if not callable(augment):
            raise DTypeError(f"{what}: augment must be callable, got {type(augment).__name__}")
        sample = augment(sample.copy(), np.random.default_rng(0))
    try:
        logits = predict(sample)
    except ShapeError as error:
        raise ShapeError(f"{what} does not fit the model: an image is {sample.shape[1:]}: {error}") from error
    check_labels(dataset, logits, what)
