"""Sizes of a recipe that nobody has chosen for the data set at hand: they give way to what it has.

A recipe of the package was made for one data set, and says how many of its images are kept apart for
validation, how many are used, and whether a last batch that is not full is left out. With fewer images these
would leave nothing to train on. What they give way to can be written into a recipe again.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ..data import Dataset
from ..data.targets import CLASSIFICATION
from .recipe import Recipe

# Keys that may give way.
SIZES = frozenset({"data.validation", "data.balanced", "data.train", "data.test", "training.drop_last"})
# The largest share of the training images that a suggested number keeps apart: a fifth.
_SHARE = 5


def fit_validation(recipe: Recipe, train: Dataset) -> Recipe:
    """Return the recipe with a number of validation images that the training images can spare."""
    count, balanced = recipe.data.validation, recipe.data.balanced
    if "data.validation" in recipe.suggested and isinstance(count, int):
        count = min(count, max(1, len(train) // _SHARE))
    if "data.balanced" in recipe.suggested and isinstance(count, int):
        balanced = balanced and _has_equal(train, count)
    return _changed(recipe, "data", validation=count, balanced=balanced)


def fit_limit(recipe: Recipe, part: str, dataset: Dataset) -> Recipe:
    """Return the recipe without a suggested number of images that cannot be had equally of every class.

    Parameters
    ----------
    recipe : Recipe
    part : {"train", "test"}
    dataset : Dataset
        The images of that part.
    """
    number = getattr(recipe.data, part)
    enough = _has_equal(dataset, number or 0) or (
        dataset.task != CLASSIFICATION and len(dataset) >= (number or 0)
    )
    if number is None or f"data.{part}" not in recipe.suggested or enough:
        return recipe
    return _changed(recipe, "data", **{part: None})


def fit_batches(recipe: Recipe, count: int) -> Recipe:
    """Return the recipe without a suggested `drop_last` that would leave no batch of `count` images."""
    if "training.drop_last" in recipe.suggested and recipe.training.batch_size > count:
        return _changed(recipe, "training", drop_last=False)
    return recipe


def _has_equal(dataset: Dataset, count: int) -> bool:
    """Tell whether there are `count` images with the same number of every class."""
    if dataset.task != CLASSIFICATION:
        return False
    return bool(dataset.class_counts().min(initial=len(dataset)) >= -(-count // dataset.num_classes))


def _changed(recipe: Recipe, section: str, **values: Any) -> Recipe:
    changed = dataclasses.replace(getattr(recipe, section), **values)
    return dataclasses.replace(recipe, **{section: changed})
