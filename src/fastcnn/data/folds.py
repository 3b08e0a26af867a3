"""Cross-validation, and several data sets as one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np

from .._shapes import integer
from ..errors import ArgumentError, DTypeError
from .dataset import Dataset
from .split import by_classes
from .subsets import joined

_LOGGER = logging.getLogger(__name__)


def concatenate(datasets: Sequence[Dataset]) -> Dataset:
    """Return a data set with the samples of several, one after the other; ``a + b`` is that of two.

    Parameters
    ----------
    datasets : sequence of Dataset
        At least one. Where the classes have no names of their own, one may have more of them than another.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If their samples differ in shape, type, classes, or values of black and white.
    """
    if not isinstance(datasets, Sequence) or not all(isinstance(each, Dataset) for each in datasets):
        raise DTypeError(f"concatenate: datasets must be a sequence of Dataset, got {datasets!r}")
    if not datasets:
        raise ArgumentError("concatenate: there is no data set")
    return Dataset(**joined(datasets, "concatenate"))


def k_fold_indices(
    dataset: Dataset, k: int = 5, *, stratified: bool | None = None, seed: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, for each of k folds, the indices for training and those for validation.

    Each sample is once among those for validation. Sizes of the folds, and with `stratified` the numbers of
    each class in them, differ by one at the most.

    Parameters
    ----------
    dataset : Dataset
    k : int
        From 2 to the number of samples.
    stratified : bool, optional
        Default: where each image has a class.
    seed : int
        Same seed, same folds.

    Returns
    -------
    list of (int64, int64)
        Sorted.

    Raises
    ------
    ArgumentError, DTypeError
        If there are fewer samples than folds, or no classes to stratify by.
    """
    if not isinstance(dataset, Dataset):
        raise DTypeError(f"k_fold: dataset must be a Dataset, got {type(dataset).__name__}")
    folds, count = integer(k, "k_fold: k", 2), len(dataset)
    if folds > count:
        raise ArgumentError(f"k_fold: k={folds}, but there are {count} images: each fold needs one")
    order = np.random.default_rng(integer(seed, "k_fold: seed")).permutation(count)
    if by_classes(dataset, stratified, "k_fold: stratified", "give stratified=False"):
        # In the order of the classes, and at random within one: the folds take turns.
        order = order[np.argsort(dataset.labels[order], kind="stable")]
        counts = dataset.class_counts()
        few = np.flatnonzero((counts > 0) & (counts < folds))
        if len(few):
            _LOGGER.warning(
                "k_fold: class %r has %d images, so that not each of %d folds has one",
                dataset.classes[few[0]],
                counts[few[0]],
                folds,
            )
    parts = []
    for fold in range(folds):
        chosen = np.zeros(count, bool)
        chosen[order[fold::folds]] = True
        parts.append((np.flatnonzero(~chosen), np.flatnonzero(chosen)))
    return parts


def k_fold(
    dataset: Dataset, k: int = 5, *, stratified: bool | None = None, seed: int = 0
) -> Iterator[tuple[Dataset, Dataset]]:
    """Yield k pairs of a training and a validation part, which are copied as they are asked for.

    Parameters and errors are those of `k_fold_indices`.
    """
    parts = k_fold_indices(dataset, k, stratified=stratified, seed=seed)
    return ((dataset.subset(train), dataset.subset(validation)) for train, validation in parts)
