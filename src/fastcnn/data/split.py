"""Division of a data set: a validation part, and class-balanced subsets.

Every choice is a function of the data set's labels and the seed alone, and keeps the order of the images.
"""

from __future__ import annotations

import numpy as np

from .._shapes import integer
from ..errors import ArgumentError, DTypeError
from .dataset import Dataset
from .targets import CLASSIFICATION


def _count(dataset: Dataset, validation: object) -> int:
    """Return the number of validation images that `validation`, a count or a fraction, stands for."""
    if isinstance(validation, float | np.floating):
        if not 0 < validation < 1:
            raise ArgumentError(
                f"split: a fraction for validation must be in (0, 1), got {validation}; a number of images "
                f"is an integer"
            )
        count = round(len(dataset) * float(validation))
    else:
        count = integer(validation, "split: validation")
    total = len(dataset)
    if total == 1:
        raise ArgumentError(f"split: validation={validation}, but one image cannot be divided")
    if count >= total:
        raise ArgumentError(
            f"split: validation={validation} leaves none of the {total} images for training; possible is 1 "
            f"to {total - 1}"
        )
    if count == 0:
        raise ArgumentError(
            f"split: validation={validation} of {total} images leaves {total} for training and 0 for "
            f"validation; both need at least one"
        )
    return count


def _proportional(sizes: np.ndarray, total: int) -> np.ndarray:
    """Share `total` over classes in proportion to their sizes, by largest remainder (first class wins)."""
    # Exact integers: a float quota could round two equal remainders apart.
    quotas = [divmod(size * total, int(sizes.sum())) for size in sizes.tolist()]
    shares = np.array([quota for quota, _ in quotas])
    largest = sorted(range(len(sizes)), key=lambda label: -quotas[label][1])
    shares[largest[: total - int(shares.sum())]] += 1
    return shares


def _equal(dataset: Dataset, total: int, rng: np.random.Generator, what: str) -> np.ndarray:
    """Share `total` equally; some classes, drawn at random, have one more if it is no multiple."""
    shares = np.full(dataset.num_classes, total // dataset.num_classes)
    shares[rng.permutation(dataset.num_classes)[: total % dataset.num_classes]] += 1
    short = np.flatnonzero(dataset.class_counts() < shares)
    if short.size:
        label = int(short[0])
        raise ArgumentError(
            f"{what} needs {shares[label]} images of class {dataset.classes[label]!r}, but there are "
            f"{dataset.class_counts()[label]}"
        )
    return shares


def _draw(dataset: Dataset, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the sorted indices of ``shares[k]`` images of each class k, drawn without replacement."""
    chosen = [
        rng.permutation(np.flatnonzero(dataset.labels == label))[:share] for label, share in enumerate(shares)
    ]
    return np.sort(np.concatenate(chosen))


def _generator(seed: object, what: str) -> np.random.Generator:
    return np.random.default_rng(integer(seed, f"{what}: seed"))


def _check(dataset: object, what: str) -> None:
    if not isinstance(dataset, Dataset):
        raise DTypeError(f"{what}: dataset must be a Dataset, got {type(dataset).__name__}")
    if len(dataset) == 0:
        raise ArgumentError(f"{what}: the data set is empty")


def by_classes(dataset: Dataset, stratified: bool | None, what: str, otherwise: str) -> bool:
    """Return whether to divide by classes: where each image has one, unless `stratified` says it.

    Raises
    ------
    ArgumentError
        If it is asked for, and images do not have a class each; `otherwise` says what to do.
    """
    if stratified and dataset.task != CLASSIFICATION:
        raise ArgumentError(
            f"{what} needs a class for each image, but the targets are for {dataset.task}: {otherwise}"
        )
    return dataset.task == CLASSIFICATION if stratified is None else bool(stratified)


def split(
    dataset: Dataset,
    validation: int | float,
    *,
    seed: int,
    stratified: bool | None = None,
    balanced: bool = False,
) -> tuple[Dataset, Dataset]:
    """Divide `dataset` into a training and a validation part that share no image.

    Parameters
    ----------
    dataset : Dataset
        Its N images are copied into the two parts.
    validation : int or float
        Number of validation images (1 to N - 1), or the fraction of all images in (0, 1).
    seed : int
        Same seed, same division.
    stratified : bool, optional
        Keep the proportions of the classes, each class to within one image. Default: where each image has a
        class.
    balanced : bool
        Take the same number of validation images of every class instead, as `stratified_subset` does.

    Returns
    -------
    train, validation : Dataset

    Raises
    ------
    ArgumentError, DTypeError
        If a part would be empty or an argument is of the wrong kind.
    """
    _check(dataset, "split")
    count = _count(dataset, validation)
    by_classes(dataset, balanced, "split: balanced", "leave it out")
    stratified = by_classes(dataset, stratified, "split: stratified", "give stratified=False")
    rng = _generator(seed, "split")
    if balanced:
        held_out = _draw(dataset, _equal(dataset, count, rng, f"split: validation={count}"), rng)
    elif stratified:
        held_out = _draw(dataset, _proportional(dataset.class_counts(), count), rng)
    else:
        held_out = np.sort(rng.permutation(len(dataset))[:count])
    kept = np.ones(len(dataset), dtype=bool)
    kept[held_out] = False
    return dataset.subset(np.flatnonzero(kept)), dataset.subset(held_out)


def stratified_subset(dataset: Dataset, n: int, seed: int) -> Dataset:
    """Return `n` images with the same number of every class.

    If `n` is no multiple of the number of classes, some classes, drawn at random, have one image more.

    Parameters
    ----------
    dataset : Dataset
    n : int
        At least 1.
    seed : int
        Same seed, same images.

    Raises
    ------
    ArgumentError
        If a class has too few images, or images do not have a class each.
    """
    _check(dataset, "stratified_subset")
    by_classes(dataset, True, "stratified_subset", "take dataset[:n], or dataset.subset of indices")
    n = integer(n, "stratified_subset: n", 1)
    rng = _generator(seed, "stratified_subset")
    shares = _equal(dataset, n, rng, f"stratified_subset: n={n}")
    return dataset.subset(_draw(dataset, shares, rng))
