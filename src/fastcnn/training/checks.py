"""Checks that data fit a model, made before training starts, and the default preparation of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .. import _samples, graph
from .._samples import Samples
from ..data import Batches, Loader, Source
from ..data.batch import Batch, augmented
from ..data.feed import Feed
from ..data.targets import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION
from ..errors import ArgumentError, DTypeError, ShapeError
from ..nn.module import Module
from ..nn.passive import observe, tensors
from .own_metrics import takes_weights


def to_unit_range(images: Samples) -> Samples:
    """Return uint8 images as float32 from 0 to 1, and others as they are.

    Of several inputs those with four axes are images; bytes in others are numbers of some other kind.
    """
    if isinstance(images, tuple):
        return tuple(each if each.ndim != 4 else np.asarray(to_unit_range(each)) for each in images)
    return np.divide(images, np.float32(255), dtype=np.float32) if images.dtype == np.uint8 else images


def logits_of(outputs: Any) -> Any:
    """Return what accuracy and confusion are told from: a model's output, the first array of several."""
    return next((each for each in graph.leaves(outputs) if isinstance(each, np.ndarray)), outputs)


def check_labels(dataset: Source, logits: Any, what: str, labels: np.ndarray) -> None:
    """Raise unless the model's outputs are what the targets of a data set are measured by.

    Those are logits (N, K) with a column for every class or label, (N, K, H, W) for masks, and numbers of the
    targets' shape for real targets.

    Parameters
    ----------
    dataset : Source
    logits : array
        Outputs for some samples.
    what : str
        Opens the message of an error.
    labels : array
        Targets of some; augmentation may have changed their size.
    """
    task, columns = dataset.task, labels.shape[1] if labels.ndim > 1 else 1
    expected = {CLASSIFICATION: "logits (N, K)", MULTILABEL: f"logits (N, {columns})"}
    if task == SEGMENTATION:
        expected[SEGMENTATION] = f"logits (N, K, {labels.shape[1]}, {labels.shape[2]}), as the masks are"
    shape = "".join(f", {size}" for size in labels.shape[1:]) or ","
    told = expected.get(task, f"outputs (N{shape}), as the targets are")
    if not isinstance(logits, np.ndarray):
        raise DTypeError(f"{what} does not fit the model: expected {told}, got {type(logits).__name__}")
    fits = {
        CLASSIFICATION: logits.ndim == 2,
        MULTILABEL: logits.ndim == 2 and logits.shape[1] == columns,
        SEGMENTATION: logits.ndim == 4 and logits.shape[2:] == labels.shape[1:],
        REGRESSION: logits.shape[1:] in (labels.shape[1:], labels.shape[1:] or (1,)),
    }
    if not fits[task]:
        raise ShapeError(f"{what} does not fit the model: expected {told}, got {logits.shape}")
    largest = dataset.largest_label()
    if largest is not None and largest >= logits.shape[1]:
        raise ArgumentError(f"{what} has the label {largest}, but the model has {logits.shape[1]} outputs")


def check_loss(loss: Any, dataset: Source, first: Batch, what: str) -> None:
    """Raise if a loss is not for the targets of a data set, or does not know its weights.

    `first` is one of its samples.
    """
    name, classes = type(loss).__name__, getattr(loss, "of_classes", False)
    if first.weights is not None and not takes_weights(getattr(loss, "forward", loss)):
        raise ArgumentError(
            f"{what} has weights, but {name} does not take sample_weight: let it, or leave the weights out"
        )
    if dataset.task == MULTILABEL and classes:
        raise ArgumentError(
            f"{what} has several labels an image, but {name} takes one class: take BCEWithLogitsLoss"
        )
    if dataset.task == REGRESSION and classes and first.labels.ndim == 1:
        raise ArgumentError(f"{what} has real targets, but {name} takes classes: take MSELoss")
    ignored = getattr(loss, "ignore_index", dataset.ignore_index)
    if dataset.task == SEGMENTATION and classes and ignored != dataset.ignore_index:
        raise ArgumentError(
            f"{what} has ignore_index={dataset.ignore_index}, but {name} {ignored}: give both the same one"
        )


def check_fit(
    dataset: Source,
    prepare: Callable[[Samples], Samples],
    forward: Callable[[Samples], Any],
    augment: Callable | None,
    what: str,
) -> tuple[Samples, Any, Batch]:
    """Run one image through everything and raise if something does not fit.

    Parameters
    ----------
    dataset : Source
    prepare : callable ``prepare(images) -> images``
        Makes of images of the data set what the model takes.
    forward : callable ``forward(images) -> outputs``
        The model in evaluation mode.
    augment : callable ``augment(images, rng) -> images``, optional
        Applied first; it may change the size of the images.
    what : str
        Opens the message of an error.

    Returns
    -------
    array (1, C, H, W), or tuple of arrays for several inputs
        The image as the model takes it.
    array (1, K), or tuple, list or dict of arrays for several outputs
        What the model returns.
    Batch
        The image as it came from the data set, augmented, and its target.
    """
    batch = dataset.first()
    sample = batch.images
    if augment is not None:
        if not callable(augment):
            raise DTypeError(f"{what}: augment must be callable, got {type(augment).__name__}")
        batch = replace(batch, images=_samples.each(sample, np.copy))
        batch = augmented(augment, batch, np.random.default_rng(0), what)
        sample = batch.images
    try:
        x = prepare(sample)
        outputs = _outputs(forward, x, what)
    except ShapeError as error:
        shapes = " and ".join(str(array.shape[1:]) for array in _samples.arrays(sample))
        one = "a sample" if isinstance(sample, tuple) else "an image"
        raise ShapeError(f"{what} does not fit the model: {one} is {shapes}: {error}") from error
    check_labels(dataset, logits_of(outputs), what, batch.labels)
    return x, outputs, batch


def _outputs(forward: Callable[[Samples], Any], x: Samples, what: str) -> Any:
    """Return what a model makes of a sample; where it cannot take it, say which inputs are integers."""
    try:
        return forward(x)
    except DTypeError as error:
        integers = [f"images[{i}]" for i, array in enumerate(_samples.arrays(x)) if array.dtype.kind in "biu"]
        if not integers:
            raise
        raise DTypeError(
            f"{what} does not fit the model: {error} ({' and '.join(integers)} reached it as integers, which "
            "stay what they are if they are no images: for numbers use astype(np.float32))"
        ) from error


def check_passes(epochs: int, *sources: Source | None) -> None:
    """Raise ArgumentError if one of the sources of a fit is used up before so many epochs are over."""
    for source, what in zip(sources, ("train", "validation"), strict=True):
        if epochs > 1 and isinstance(source, Batches) and source.one_shot:
            kind = type(source.source).__name__
            raise ArgumentError(
                f"fit: {what} is a {kind}, which one pass uses up, but there are {epochs} epochs: give the "
                "function that makes it, or what can be iterated over again, such as a list or a DataLoader"
            )


def check_batches(model: Module, x: Samples, loader: Feed, what: str) -> None:
    """Raise ShapeError if there is a batch of one image, and a layer that cannot be trained on one.

    Parameters
    ----------
    model : Module
        In training mode, its layers keep their own modes while it trains; else all are trained.
    x : array (1, C, H, W), or tuple of arrays for several inputs
        An image as the model takes it.
    loader : Loader
        Makes the batches. Of those of other libraries, whose lengths nobody knows, nothing is said.
    what : str
        Opens the message: the function that trains.
    """
    if not isinstance(loader, Loader):
        return
    count, size = len(loader.dataset), loader.batch_size
    left_over = not loader.drop_last and count % size == 1
    if not left_over and min(count, size) > 1:
        return
    trained = [(name, module) for name, module in model.named_modules() if hasattr(module, "needs_batch")]
    names = {id(module): name for name, module in trained if module.training or not model.training}

    def check(module: Any, given: Any, y: Any) -> None:
        if id(module) not in names:
            return
        x = tensors(given)[0]
        if not module.needs_batch(x.shape):
            return
        if left_over and count > size:
            cause = f"batch_size={size} leaves 1 of {count} images for the last one"
            cure = "pass drop_last=True, or another batch_size"
        else:
            cause = f"batch_size={size} of {count} images makes batches of 1"
            cure = "take a larger batch_size" if count > 1 else "take more images"
        raise ShapeError(
            f"{what}: layer {names[id(module)]!r} ({type(module).__name__}) cannot be trained on a batch of "
            f"one image, of which it gets {x.shape[1:]}, but {cause}: {cure}"
        )

    if names:
        observe(model, x, check)
