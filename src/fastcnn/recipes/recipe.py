"""How a network is trained, as data: the sections of a recipe and their checks.

A recipe is a TOML file; ``fastcnn/zoo/recipes/compact-mnist.toml`` shows and explains every section.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import data, zoo
from ..data.own import is_path
from ..errors import ArgumentError, DataError
from ..nn.init import SCHEMES
from .component import (
    AUGMENTATIONS,
    LOSSES,
    NORMALIZATIONS,
    OPTIMIZERS,
    Component,
    check_groups,
    read_component,
)
from .scheduler import read_scheduler
from .schema import check_choice, check_keys, read_section, setting

MONITORS = ("val_accuracy", "val_loss", "val_macro_f1", "accuracy", "loss")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
# Sections that hold one component (beside [scheduler], which may hold several), and those that must be there.
_COMPONENTS = {
    "normalize": NORMALIZATIONS,
    "optimizer": OPTIMIZERS,
    "loss": LOSSES,
}
_NEEDED = ("model", "optimizer", "training")


@dataclass(frozen=True)
class ModelSection:
    """The network, said in one of four ways.

    Attributes
    ----------
    name : str or None
        One of the zoo.
    spec : str or None
        A text in the format of `fastcnn.zoo.spec`, or dicts in JSON (`fastcnn.zoo.dicts`).
    layers : list or None
        The dicts themselves; a recipe that was read has them in `spec`.
    file : str or None
        A file with any of these, beside the recipe; a recipe that was read has its text in `spec`.
    init : str
        See `fastcnn.nn.Module.initialize`.
    """

    name: str | None = setting(None)
    spec: str | None = setting(None)
    layers: list | None = setting(None)  # noqa: RUF009 - the default is None
    file: str | None = setting(None)
    init: str = setting("default", choices=SCHEMES)


@dataclass(frozen=True)
class DataSection:
    """The images.

    Attributes
    ----------
    dataset : str
        A name or a path that `fastcnn.data.load` takes; a relative path starts at the current folder.
    root : str or None
        Folder of the official files of a data set with a name, if not the usual one.
    validation : int or float
        Number or fraction of the training images that are kept apart to choose the best epoch; 0 for none.
    balanced : bool
        Keep the same number of every class apart, whatever their shares of the training images.
    train, test : int or None
        Use only so many images of each part, the same number of every class.
    """

    dataset: str = setting("mnist")
    root: str | None = setting(None)
    validation: int | float = setting(5000, minimum=0)
    balanced: bool = setting(False)
    train: int | None = setting(None, minimum=1)
    test: int | None = setting(None, minimum=1)


@dataclass(frozen=True)
class TrainingSection:
    """The length and the steps of the training.

    Attributes
    ----------
    epochs, batch_size : int
    shuffle, drop_last, replacement : bool
        As in `fastcnn.data.Loader`.
    monitor : str
        The column of the history that tells the best epoch, whose weights are kept.
    patience : int or None
        Stop after so many epochs without improvement.
    accuracy_every : int or None
        Measure the accuracy on a sample of the training images every so many steps, see
        `fastcnn.training.SampledAccuracy`.
    accuracy_samples : int
        How many images that sample has at the most.
    clip_grad_norm, clip_grad_value : float or None
        Limits of the gradients' norm and of each of their elements, as in `fastcnn.Trainer`.
    """

    epochs: int = setting(minimum=1)
    batch_size: int = setting(minimum=1)
    shuffle: bool = setting(True)
    drop_last: bool = setting(False)
    replacement: bool = setting(False)
    monitor: str = setting("val_accuracy", choices=MONITORS)
    patience: int | None = setting(None, minimum=1)
    accuracy_every: int | None = setting(None, minimum=1)
    accuracy_samples: int = setting(1000, minimum=1)
    clip_grad_norm: float | None = setting(None, minimum=0)
    clip_grad_value: float | None = setting(None, minimum=0)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training gives; made by `read_recipe` and `fastcnn.recipes.load`.

    Attributes
    ----------
    name : str
        What runs are called.
    seed : int
        Of weights, dropout, split, order of the images and augmentation.
    model, data, training
        Sections of plain values.
    optimizer, loss, normalize : Component
    scheduler : Component or None
        None: a constant learning rate.
    augment : tuple of Component
        Applied to the raw images in this order, before `normalize`.
    layers : tuple of `fastcnn.zoo.Layer`
        Those of ``model.spec``; they remember where they came from.
    source : str
        Where the recipe came from, for messages.
    """

    name: str
    seed: int
    model: ModelSection
    data: DataSection
    training: TrainingSection
    optimizer: Component
    loss: Component
    normalize: Component
    scheduler: Component | None
    augment: tuple[Component, ...]
    layers: tuple[zoo.Layer, ...]
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Return the tables of a TOML file that gives this recipe again."""
        result: dict[str, Any] = {
            "name": self.name,
            "seed": self.seed,
            "model": _without_none(dataclasses.asdict(self.model)),
            "data": _without_none(dataclasses.asdict(self.data)),
        }
        if self.augment:
            result["augment"] = [component.to_dict() for component in self.augment]
        for key in (*_COMPONENTS, "scheduler"):
            component = getattr(self, key)
            if component is not None:
                result[key] = component.to_dict()
        result["training"] = _without_none(dataclasses.asdict(self.training))
        return result

    def replace(self, path: str, value: object, source: str) -> Recipe:
        """Return a copy with one value changed and checked.

        Parameters
        ----------
        path : str
            Of the key, e.g. "optimizer.lr".
        value : object
        source : str
            Where the value comes from, for messages.

        Raises
        ------
        DataError
            If the recipe cannot have that value.
        """
        table = self.to_dict()
        *sections, key = path.split(".")
        inner = table
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[key] = value
        changed = read_recipe(table, source)
        # The lines of the text still come from the file that it was read from.
        layers = self.layers if changed.model.spec == self.model.spec else changed.layers
        return dataclasses.replace(changed, source=self.source, layers=layers)


def read_recipe(table: Mapping[str, Any], source: str, name: str = "recipe") -> Recipe:
    """Check the tables of a recipe.

    Parameters
    ----------
    table : mapping
        What stands in the TOML file.
    source : str
        Opens messages: the file's path; ``model.file`` is looked for beside it.
    name : str
        Used if the recipe has no name.

    Raises
    ------
    DataError
        If a key is unknown or missing or has a value that it does not take.
    """
    keys = ["name", "seed", "model", "data", "augment", *_COMPONENTS, "scheduler", "training"]
    check_keys(table, keys, "", source)
    for key in _NEEDED:
        if key not in table:
            raise DataError(f"{source}: the section [{key}] is missing")
    name, seed = table.get("name", name), table.get("seed", 0)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DataError(f"{source}: name must be letters, digits, '.', '_' and '-', got {name!r}")
    if type(seed) is not int or seed < 0:
        raise DataError(f"{source}: seed must be an integer of at least 0, got {seed!r}")
    augment = table.get("augment", [])
    if not isinstance(augment, list):
        raise DataError(f"{source}: augment must be a list of tables ([[augment]]), got {augment!r}")
    model, layers = read_model(table["model"], source)
    given = {
        "normalize": {"type": "Normalize", "mean": 0.0, "std": 1.0},
        "loss": {"type": "CrossEntropyLoss"},
        **table,
    }
    components = {
        key: read_component(family, given[key], key, source)
        for key, family in _COMPONENTS.items()
        if key in given
    }
    check_groups(components["optimizer"], source)
    scheduler = read_scheduler(table["scheduler"], "scheduler", source) if "scheduler" in table else None
    recipe = Recipe(
        name=name,
        seed=seed,
        model=model,
        data=read_section(DataSection, table.get("data", {}), "data", source),
        training=read_section(TrainingSection, table["training"], "training", source),
        augment=tuple(
            read_component(AUGMENTATIONS, each, f"augment[{i}]", source) for i, each in enumerate(augment)
        ),
        layers=layers,
        scheduler=scheduler,
        source=source,
        **components,
    )
    if not is_path(recipe.data.dataset):
        check_choice(recipe.data.dataset, data.names(), "data.dataset", source)
    _check_monitors(recipe, source)
    return recipe


def read_model(value: object, source: str) -> tuple[ModelSection, tuple[zoo.Layer, ...]]:
    """Check the section [model]; return it, file and layers replaced by their text, and the layers."""
    model = read_section(ModelSection, value, "model", source)
    given = [key for key in ("name", "spec", "layers", "file") if getattr(model, key) is not None]
    if len(given) != 1:
        raise DataError(
            f"{source}: model needs exactly one of name, spec, layers, file; got {', '.join(given) or 'none'}"
        )
    if model.name is not None:
        try:
            zoo.find(model.name)
        except ArgumentError as error:
            raise DataError(f"{source}: model.name: {error}") from error
        return model, ()
    if model.spec is not None:
        return model, zoo.parse(model.spec, f"{source}: model.spec")
    if model.file is not None:
        text, layers = zoo.read_layers(os.path.join(os.path.dirname(source), model.file))
    else:
        layers = zoo.dicts.parse(model.layers or [], source, "model.layers")
        text = zoo.dicts.to_json(zoo.dicts.plain(layers))
    return dataclasses.replace(model, file=None, layers=None, spec=text), layers


def _check_monitors(recipe: Recipe, source: str) -> None:
    options = {} if recipe.scheduler is None else recipe.scheduler.options
    monitors = {"training.monitor": recipe.training.monitor}
    if "step" in options:
        check_choice(options["step"], ("batch", "epoch"), "scheduler.step", source)
    if "monitor" in options:
        if recipe.scheduler is None or recipe.scheduler.type != "ReduceLROnPlateau":
            raise DataError(f"{source}: scheduler.monitor is for ReduceLROnPlateau only")
        monitors["scheduler.monitor"] = check_choice(
            options["monitor"], MONITORS, "scheduler.monitor", source
        )
    for path, monitor in monitors.items():
        if monitor.startswith("val_") and not recipe.data.validation:
            raise DataError(f"{source}: {path} is {monitor!r}, which needs data.validation above 0")


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}
