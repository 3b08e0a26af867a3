"""What a training is made of, by names and tables as in recipes: optimizer, schedule, loss, transforms."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import nn, optim
from ..data import transforms
from ..errors import ArgumentError, DTypeError, suggestion
from ..recipes.component import AUGMENTATIONS, LOSSES, NORMALIZATIONS, fitted, read_component
from ..recipes.optimizer import make_optimizer, read_optimizer
from ..recipes.scheduler import read_scheduler, scheduler_of
from ..training import Callback

# The arguments of a Trainer that no other parameter stands for.
OPTIONS = (
    "clip_grad_norm",
    "clip_grad_value",
    "accumulate_grad_batches",
    "metrics",
    "stop_on_nan",
    "engine",
    "precision",
    "conv_algorithm",
)


def _table(value: Any, what: str) -> Any:
    """Return the table of a section: a name alone stands for a class with its defaults."""
    if not isinstance(value, str | Mapping):
        raise DTypeError(f"{what} must be a name or a dict, got {type(value).__name__}")
    return {"type": value} if isinstance(value, str) else dict(value)


def optimizer_of(value: Any, rate: Any, model: nn.Module, what: str) -> optim.Optimizer:
    """Return the optimizer that a name or a table says, with a learning rate unless `rate` is None."""
    table = _table(value, f"{what}: optimizer")
    if rate is not None:
        if "lr" in table:
            raise ArgumentError(f"{what}: optimizer has lr={table['lr']!r}: leave learning_rate_init out")
        table["lr"] = rate
    return make_optimizer(read_optimizer(table, "optimizer", what), model, what)


def schedule_of(
    value: Any, optimizer: optim.Optimizer, epochs: int, steps_per_epoch: int, what: str
) -> dict[str, Any]:
    """Return the arguments of a Trainer for the schedule that a name or a table says, for so many epochs."""
    if value is None:
        return {}
    component = read_scheduler(_table(value, f"{what}: scheduler"), "scheduler", what)
    options = component.options
    return {
        "scheduler": scheduler_of(component, optimizer, epochs, steps_per_epoch),
        "scheduler_step": options.get("step"),
        "monitor": options.get("monitor"),
    }


def loss_of(value: Any, usual: str, what: str) -> Any:
    """Return the loss that a name or a table says, or the usual one."""
    return LOSSES.make(read_component(LOSSES, _table(value or usual, f"{what}: loss"), "loss", what))


def augmentation_of(value: Any, what: str) -> Callable | None:
    """Return the augmentation: a function of one's own, or what a list of names and tables says."""
    if value is None or callable(value):
        return value
    if not isinstance(value, str | Mapping | Sequence):
        raise DTypeError(
            f"{what}: augment must be a list, a name, a dict or a function, got {type(value).__name__}"
        )
    steps = [value] if isinstance(value, str | Mapping) else value
    return transforms.Compose(
        [
            each
            if callable(each)
            else AUGMENTATIONS.make(
                read_component(AUGMENTATIONS, _table(each, f"{what}: augment"), f"augment[{i}]", what)
            )
            for i, each in enumerate(steps)
        ]
    )


def normalization_of(value: Any, images: np.ndarray, what: str) -> Callable[[Any], Any]:
    """Return what prepares images: a function, or what a name or a table says, fitted to these."""
    if callable(value):
        return value
    component = read_component(NORMALIZATIONS, _table(value, f"{what}: normalize"), "normalize", what)
    return fitted(component, images)[1]


def callbacks_of(value: Any, what: str) -> list[Callback]:
    """Return copies of callbacks: what they remember is that of one training."""
    if not isinstance(value, Sequence):
        raise DTypeError(f"{what}: callbacks must be a sequence of Callbacks, got {type(value).__name__}")
    return copy.deepcopy(list(value))


def options_of(value: Any, what: str) -> dict[str, Any]:
    """Return more arguments of a Trainer."""
    if value is not None and not isinstance(value, Mapping):
        raise DTypeError(f"{what}: trainer_options must be a dict, got {type(value).__name__}")
    options = dict(value or {})
    for name in options:
        if name not in OPTIONS:
            raise ArgumentError(
                f"{what}: trainer_options must be among {', '.join(OPTIONS)}, got {name!r}"
                f"{suggestion(str(name), OPTIONS)}"
            )
    return options
