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
from ..data.own_masks import check_names
from ..data.resizing import check_resize
from ..data.values import check_range
from ..errors import ArgumentError, DataError, FastcnnError
from ..zoo.definition import Definition
from ..zoo.nodes import parse_nodes
from .component import (
    AUGMENTATIONS,
    LOSSES,
    NORMALIZATIONS,
    Component,
    read_component,
)
from .optimizer import read_optimizer
from .scheduler import read_scheduler
from .schema import check_choice, check_keys, read_section
from .sections import MONITORS, DataSection, ModelSection, TrainingSection

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
# Keys of [model] that say which network it is.
_NETWORK = ("name", "spec", "layers", "file", "nodes")
# Sections that hold one component, beside [optimizer] and [scheduler], which may hold several.
_COMPONENTS = {
    "normalize": NORMALIZATIONS,
    "loss": LOSSES,
}
# Sections that must be there.
_NEEDED = ("model", "optimizer", "training")


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
    layers : tuple of `fastcnn.zoo.Layer`, or `fastcnn.zoo.Nodes`
        Those of ``model.spec``; they remember where they came from.
    source : str
        Where the recipe came from, for messages.
    suggested : frozenset of str
        Keys that nobody has chosen: sizes, e.g. "data.validation", which give way where there are fewer
        images (see `fastcnn.recipes.sizes`), what gives way to another task (`fastcnn.recipes.tasks`), and
        "data.dataset".
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
    layers: Definition
    source: str
    suggested: frozenset[str] = frozenset()

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
        for key in ("normalize", "optimizer", "loss", "scheduler"):
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
        suggested = self.suggested - {path}
        return dataclasses.replace(changed, source=self.source, layers=layers, suggested=suggested)


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
    keys = ["name", "seed", "model", "data", "augment", "normalize", "optimizer", "loss", "scheduler"]
    keys.append("training")
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
    optimizer = read_optimizer(table["optimizer"], "optimizer", source)
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
        optimizer=optimizer,
        scheduler=scheduler,
        source=source,
        suggested=frozenset(
            [
                *(f"data.{key}" for key in ("dataset", "validation") if key not in table.get("data", {})),
                *(["loss"] if "loss" not in table else []),
                *(["training.monitor"] if "monitor" not in table["training"] else []),
            ]
        ),
        **components,
    )
    for check, key in ((check_range, "value_range"), (check_resize, "resize"), (check_names, "classes")):
        try:
            if getattr(recipe.data, key) is not None:
                check(getattr(recipe.data, key), f"data.{key}")
        except FastcnnError as error:
            raise DataError(f"{source}: {error}") from error
    if not is_path(recipe.data.dataset):
        check_choice(recipe.data.dataset, data.names(), "data.dataset", source)
    _check_monitors(recipe, source)
    return recipe


def read_model(value: object, source: str) -> tuple[ModelSection, Definition]:
    """Check the section [model]; return it, file and layers replaced by their text, and the layers."""
    model = read_section(ModelSection, value, "model", source)
    given = [key for key in _NETWORK if getattr(model, key) is not None]
    if len(given) != 1:
        raise DataError(
            f"{source}: model needs exactly one of name, spec, layers, file; got {', '.join(given) or 'none'}"
            " (what is no chain has nodes in the place of layers)"
        )
    if model.output is not None and model.nodes is None:
        raise DataError(f"{source}: model.output names one of model.nodes, and there are none")
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
        if model.nodes is not None:
            table = _without_none({"nodes": model.nodes, "output": model.output})
            layers = parse_nodes(table, source, "model.")
        else:
            layers = zoo.dicts.parse(model.layers or [], source, "model.layers")
        text = zoo.dicts.to_json(zoo.dicts.plain(layers))
    return dataclasses.replace(model, file=None, layers=None, nodes=None, output=None, spec=text), layers


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
