"""The section [scheduler]: a schedule, or several one after another."""

from __future__ import annotations

from typing import Any

from .. import optim
from ..errors import DataError, FastcnnError
from ..optim import lr_scheduler, swa_utils
from ..training.schedule import PER_BATCH
from .component import Component, Family, place, read_component
from .optimizer import sample_parameters
from .schema import check_keys, check_table

# Schedules made of others, and what each has beside them.
_COMPOSITES = {"SequentialLR": ("milestones",), "ChainedScheduler": ()}
# Those that a file cannot say: a base, and functions.
_NOT_IN_FILES = (lr_scheduler.LRScheduler, lr_scheduler.LambdaLR, lr_scheduler.MultiplicativeLR)
# Steps of a schedule that is made for a check.
_SAMPLE_STEPS = 1_000_000


def _leading(cls: type, optimizer: optim.Optimizer, rates: list[float], length: int) -> tuple:
    """Return the first arguments of a scheduler: what a recipe does not say twice."""
    if cls is lr_scheduler.OneCycleLR:
        return (optimizer, rates, length)
    if cls in (
        lr_scheduler.CosineAnnealingLR,
        lr_scheduler.PolynomialLR,
        lr_scheduler.WarmupQuarterCosineLR,
    ):
        return (optimizer, length)
    return (optimizer,)


SCHEDULERS = Family(
    tuple(
        each
        for name in (*lr_scheduler.__all__, "SWALR")
        if (each := getattr(lr_scheduler, name, None) or getattr(swa_utils, name)) not in _NOT_IN_FILES
    ),
    ("epochs", "steps_per_epoch", "scale_fn", "scale_mode", "last_epoch"),
    ("monitor", "step"),
    lambda cls: _leading(cls, optim.Adam(sample_parameters()), [0.1], _SAMPLE_STEPS),
)


def read_scheduler(value: object, path: str, source: str) -> Component:
    """Read the section; SequentialLR and ChainedScheduler have `schedulers`, a list of such sections.

    Raises
    ------
    DataError
        As `read_component`.
    """
    table = dict(check_table(value, path, source))
    kind = table.get("type")
    if not isinstance(kind, str) or kind not in _COMPOSITES:
        return read_component(SCHEDULERS, table, path, source)
    own = _COMPOSITES[kind]
    check_keys(table, ["type", "schedulers", *own, "step"], path, source)
    inner = table.get("schedulers")
    if not isinstance(inner, list):
        raise DataError(f"{source}: {path}.schedulers must be a list of tables, got {inner!r}")
    parts = [read_scheduler(each, f"{path}.schedulers[{i}]", source) for i, each in enumerate(inner)]
    for index, part in enumerate(parts):
        if "step" in part.options:
            raise DataError(f"{source}: {path}.schedulers[{index}].step belongs into {path}")
    options: dict[str, Any] = {"schedulers": [part.to_dict() for part in parts]}
    options.update({key: table.get(key) for key in own})
    if "step" in table:
        options["step"] = table["step"]
    component = Component(kind, options)
    try:
        for key in own:
            if not isinstance(options[key], list):
                raise DataError(f"{kind}: {key} must be a list of integers, got {options[key]!r}")
        make_scheduler(component, optim.Adam(sample_parameters()), _SAMPLE_STEPS)
    except FastcnnError as error:
        raise DataError(f"{source}: {place(path, kind, str(error), options)}") from error
    return component


def scheduler_of(component: Component, optimizer: optim.Optimizer, epochs: int, steps_per_epoch: int) -> Any:
    """Return the scheduler of a recipe for a training of so many epochs."""
    usual = "batch" if SCHEDULERS.types[component.type] in PER_BATCH else "epoch"
    per_batch = component.options.get("step", usual) == "batch"
    return make_scheduler(component, optimizer, epochs * (steps_per_epoch if per_batch else 1))


def make_scheduler(component: Component, optimizer: optim.Optimizer, length: int) -> Any:
    """Return the scheduler of a recipe.

    Parameters
    ----------
    component : Component
        What `read_scheduler` returned.
    optimizer : Optimizer
        Its rates are the highest of OneCycleLR.
    length : int
        Number of steps to come: the total_steps of OneCycleLR and WarmupQuarterCosineLR, the T_max of
        CosineAnnealingLR, the total_iters of PolynomialLR; in a sequence, the steps of each part.
    """
    return _make(component, optimizer, [group["lr"] for group in optimizer.param_groups], length)


def _make(component: Component, optimizer: optim.Optimizer, rates: list[float], length: int) -> Any:
    """Return a scheduler, or one part of a sequence: the parts before it have changed the rates."""
    cls = SCHEDULERS.types[component.type]
    if component.type not in _COMPOSITES:
        return SCHEDULERS.make(component, *_leading(cls, optimizer, rates, length))
    tables, milestones = component.options["schedulers"], component.options.get("milestones")
    # All parts of a chain have all steps.
    ends = [length] * len(tables) if milestones is None else [*milestones, length][: len(tables)]
    schedulers, start = [], 0
    for table, end in zip(tables, ends, strict=False):
        options = {key: value for key, value in table.items() if key != "type"}
        steps = max(end - start, 1) if type(end) is int else 1
        schedulers.append(_make(Component(table["type"], options), optimizer, rates, steps))
        start = 0 if milestones is None else end
    if milestones is None:
        return lr_scheduler.ChainedScheduler(schedulers, optimizer)
    return lr_scheduler.SequentialLR(optimizer, schedulers, milestones)
