"""Sizes of a recipe that nobody has chosen for the data set at hand: they give way to what it has.

A recipe of the package was made for one data set, and says how many of its images are kept apart for
validation, how many are used, and whether a last batch that is not full is left out. With fewer images these
would leave nothing to train on.
"""

from __future__ import annotations

import dataclasses

from .. import data
from ..errors import ArgumentError
from .recipe import Recipe

# Keys that may give way.
SIZES = frozenset({"data.validation", "data.train", "data.test", "training.drop_last"})
# The largest share of the training images that a suggested number keeps apart.
_SHARE = 5


def fit_validation(recipe: Recipe, count: int) -> Recipe:
    """Return the recipe with a number of validation images that `count` training images can spare."""
    wanted = recipe.data.validation
    if "data.validation" not in recipe.suggested or not isinstance(wanted, int):
        return recipe
    section = dataclasses.replace(recipe.data, validation=min(wanted, max(1, count // _SHARE)))
    return dataclasses.replace(recipe, data=section)


def limited(dataset: data.Dataset, number: int | None, seed: int, suggested: bool) -> data.Dataset:
    """Return `number` images with the same number of every class.

    A suggested number takes all images if there are no more, and keeps the shares of the classes if one
    has too few.
    """
    if number is None or (suggested and number >= len(dataset)):
        return dataset
    try:
        return data.stratified_subset(dataset, number, seed)
    except ArgumentError:
        if not suggested:
            raise
        return data.split(dataset, number, seed=seed)[1]


def fit_batches(recipe: Recipe, count: int) -> Recipe:
    """Return the recipe without a suggested `drop_last` that would leave no batch of `count` images."""
    training = recipe.training
    if "training.drop_last" in recipe.suggested and training.batch_size > count:
        return dataclasses.replace(recipe, training=dataclasses.replace(training, drop_last=False))
    return recipe
