"""What a recipe becomes for the task of its data set, and what the network of that task makes of an image."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .. import nn, zoo
from ..data import Dataset
from ..data.targets import CLASSIFICATION, IGNORE_INDEX, MULTILABEL, REGRESSION, SEGMENTATION
from ..errors import DataError
from ..training.tasks import TASKS
from .component import LOSSES, Component, read_component
from .recipe import Recipe

# Keys that give way to what the task needs, where nobody has chosen them.
CHOICES = frozenset({"training.monitor", "loss"})
# Outputs along an axis that the notes of weights may ask for.
_MOST = 1 << 16
# Losses in their place.
_LOSSES = {MULTILABEL: "BCEWithLogitsLoss", REGRESSION: "MSELoss"}


def fit_task(recipe: Recipe, train: Dataset) -> Recipe:
    """Return the recipe with a loss and a monitor for the task of its data set, if nobody has chosen them.

    Raises
    ------
    DataError
        If what was chosen is for another task.
    """
    task = train.task
    if task == CLASSIFICATION:
        return recipe
    known = ("loss", *TASKS[task].columns)
    training = recipe.training
    if training.monitor.removeprefix("val_") not in known:
        if "training.monitor" not in recipe.suggested:
            names = ", ".join(f"val_{name}" for name in known)
            raise DataError(
                f"{recipe.source}: training.monitor is {training.monitor!r}, but the data set is for {task}: "
                f"give one of {names}"
            )
        monitor = f"val_{TASKS[task].main}" if training.monitor.startswith("val_") else "loss"
        recipe = dataclasses.replace(recipe, training=dataclasses.replace(training, monitor=monitor))
    if task in _LOSSES and LOSSES.types[recipe.loss.type].of_classes:
        if "loss" not in recipe.suggested:
            others = ", ".join(name for name, loss in LOSSES.types.items() if not loss.of_classes)
            raise DataError(
                f"{recipe.source}: loss.type is {recipe.loss.type}, but the data set is for {task}: "
                f"give one of {others}"
            )
        recipe = dataclasses.replace(recipe, loss=Component(_LOSSES[task], {"reduction": "mean"}))
    return recipe


def loss_for(component: Component, task: str, ignore_index: int) -> Any:
    """Return the loss of a recipe; of masks it leaves out the pixels that do not count."""
    loss = LOSSES.make(component)
    if task == SEGMENTATION and hasattr(loss, "ignore_index"):
        loss.ignore_index = ignore_index
    return loss


def outputs_of(dataset: Dataset) -> tuple[int, ...]:
    """Return the shape of what a network has to make of an image."""
    if dataset.task == REGRESSION:
        return dataset.labels.shape[1:] or (1,)
    rows = dataset.labels.shape[1:] if dataset.task == SEGMENTATION else ()
    return (dataset.num_classes, *rows)


@dataclass(frozen=True)
class Kind:
    """What a network was trained for.

    Attributes
    ----------
    task : str
    outputs : tuple of int
        The shape of what it makes of an image.
    loss : Component
    ignore_index : int
        What stands in masks where a pixel does not count.
    """

    task: str
    outputs: tuple[int, ...]
    loss: Component = Component("CrossEntropyLoss", {})  # noqa: RUF009 - nobody changes it
    ignore_index: int = IGNORE_INDEX

    @classmethod
    def of(cls, train: Dataset, loss: Component) -> Kind:
        """Return that of a data set, and a loss."""
        return cls(train.task, outputs_of(train), loss, train.ignore_index)

    def to_dict(self) -> dict[str, Any]:
        """Return it as the notes of weights have it."""
        return {**asdict(self), "outputs": list(self.outputs), "loss": self.loss.to_dict()}

    @classmethod
    def read(cls, table: Mapping[str, Any], source: str) -> Kind:
        """Return what `to_dict` returned."""
        task, outputs, ignored = table["task"], table["outputs"], table["ignore_index"]
        sizes = isinstance(outputs, list) and all(type(each) is int and 0 < each <= _MOST for each in outputs)
        if task not in tuple(TASKS) or not sizes or not outputs or type(ignored) is not int:
            raise ValueError(f"no task with outputs: {table!r}")
        return cls(task, tuple(outputs), read_component(LOSSES, table["loss"], "loss", source), ignored)


def check_outputs(
    model: nn.Module, image_shape: tuple[int, int, int], outputs: tuple[int, ...], what: str
) -> None:
    """Raise unless a network makes of an image what the targets need; `what` opens the message.

    Raises
    ------
    ShapeError, DataError
        If it does not.
    """
    if len(outputs) == 1:
        zoo.check_logits(model, image_shape, outputs[0], what)
        return
    made = model.output_shape((1, *image_shape))[1:]
    if made != outputs:
        needed, got = ("x".join(map(str, each)) for each in (outputs, made))
        raise DataError(
            f"{what} makes {got} outputs of an image of {tuple(image_shape)}; the targets need {needed}"
        )
