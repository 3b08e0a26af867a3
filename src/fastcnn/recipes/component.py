"""Sections of a recipe that name a class and give its arguments, e.g. ``type = "Adam"`` and ``lr = 0.01``.

Types and keys are the names and arguments of the classes themselves, and the classes check the values: a
class that is added to a family here can be used in every recipe.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import nn
from ..data import normalization, transforms
from ..errors import DataError, FastcnnError
from .schema import check_choice, check_keys, check_table


@dataclass(frozen=True)
class Component:
    """A class of a family and all its arguments, those with their default included."""

    type: str
    options: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the table of a recipe."""
        return {"type": self.type, **self.options}


@dataclass(frozen=True)
class Family:
    """Classes among which a section chooses.

    Attributes
    ----------
    classes : tuple of type
    hidden : tuple of str
        Arguments that a recipe does not give: they come from elsewhere, or have no use there.
    extra : tuple of str
        Keys that are not arguments of the class.
    sample : callable ``sample(cls) -> tuple``
        First arguments of a class, which a recipe does not give, for a check.
    """

    classes: tuple[type, ...]
    hidden: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    sample: Callable[[type], tuple] = lambda cls: ()

    @property
    def types(self) -> dict[str, type[Any]]:
        """The classes by name."""
        return {cls.__name__: cls for cls in self.classes}

    def arguments(self, name: str) -> dict[str, inspect.Parameter]:
        """Return the arguments of a class that a recipe may give."""
        signature = inspect.signature(self.types[name])
        leading = len(self.sample(self.types[name]))
        given = list(signature.parameters.values())[leading:]
        return {parameter.name: parameter for parameter in given if parameter.name not in self.hidden}

    def make(self, component: Component, *leading: Any) -> Any:
        """Return the object; `leading` are the arguments that do not stand in the recipe."""
        options = {key: value for key, value in component.options.items() if key not in self.extra}
        return self.types[component.type](*leading, **options)


AUGMENTATIONS = Family(
    (
        transforms.RandomAffine,
        transforms.RandomCrop,
        transforms.RandomErasing,
        transforms.RandomHorizontalFlip,
        transforms.AlternatingFlip,
        transforms.ColorJitter,
        transforms.CutMix,
        transforms.Cutout,
        transforms.MixUp,
        transforms.RandAugment,
        transforms.RandomGrayscale,
        transforms.RandomResizedCrop,
        transforms.RandomRotation,
        transforms.RandomVerticalFlip,
        transforms.Resize,
        transforms.TrivialAugmentWide,
    )
)
NORMALIZATIONS = Family(
    (
        transforms.Normalize,
        normalization.Standardize,
        normalization.SubtractMeanImage,
        normalization.MeanImage,
    )
)
LOSSES = Family(
    (
        nn.CrossEntropyLoss,
        nn.MultiMarginLoss,
        nn.MSELoss,
        nn.L1Loss,
        nn.SmoothL1Loss,
        nn.HuberLoss,
        nn.PoissonNLLLoss,
        nn.BCELoss,
        nn.BCEWithLogitsLoss,
    ),
    ("weight", "pos_weight", "ignore_index"),
)


def read_component(family: Family, value: object, path: str, source: str) -> Component:
    """Read a section that names a class, and check its values by making the class once.

    Parameters
    ----------
    family : Family
    value : object
        What stands in the recipe.
    path, source : str
        For messages.

    Raises
    ------
    DataError
        If the type or a key is unknown, an argument is missing, or the class refuses a value.
    """
    table = dict(check_table(value, path, source))
    if "type" not in table:
        raise DataError(f"{source}: {path}.type is missing: one of {', '.join(family.types)}")
    name = check_choice(table.pop("type"), family.types, f"{path}.type", source)
    arguments = family.arguments(name)
    check_keys(table, ["type", *arguments, *family.extra], path, source)
    options = {}
    for key, argument in arguments.items():
        if key in table:
            options[key] = table[key]
        elif argument.default is inspect.Parameter.empty:
            raise DataError(f"{source}: {path}.{key} is missing")
        elif argument.default is not None:
            options[key] = _plain(argument.default)
    options.update({key: table[key] for key in family.extra if key in table})
    component = Component(name, options)
    try:
        family.make(component, *family.sample(family.types[name]))
    except (FastcnnError, TypeError, ValueError) as error:
        raise DataError(f"{source}: {place(path, name, str(error), options)}") from error
    return component


def fitted(normalize: Component, images: np.ndarray) -> tuple[Component, Any]:
    """Return a normalisation with its statistics, taken of the training images, and its transform."""
    transform = NORMALIZATIONS.make(normalize)
    if not hasattr(transform, "fit"):
        return normalize, transform
    transform = transform.fit(images)
    name = type(transform).__name__
    options = {key: _plain(getattr(transform, key)) for key in NORMALIZATIONS.arguments(name)}
    return Component(name, options), transform


def _plain(value: Any) -> Any:
    """Return a value as TOML has it: lists for a tuple or an array."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


def place(path: str, name: str, message: str, options: Mapping[str, Any]) -> str:
    """Turn "Adam: lr must be ..." into "optimizer.lr must be ..."."""
    text = message.removeprefix(f"{name}: ")
    key = text.partition(" ")[0].partition("[")[0]
    return f"{path}.{text}" if key in options else f"{path}: {message}"
